// norm_scales.h: how large the terms are that a normalisation adds up, in float64 from the case's own numbers. Tolerances
// are multiples of these: an error is judged against what was summed, not against a result that may have cancelled.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "numbers.h"

namespace replay {

/// What a module's call amounts to.
struct NormRule {
  bool per_instance = false;   // statistics per sample and channel, else per channel
  bool own_statistics = true;  // of the input, else the running ones
  double eps = 0;
  double new_weight = 0;  // of the new statistic in the running ones; 0: they do not move
  bool unbiased = true;   // the variance that moves them
};

/// Empty vectors: absent.
struct NormOperands {
  int64_t n = 0, c = 0, s = 0;
  Numbers x, weight, bias, running_mean, running_var;
};

struct NormScales {
  double output = 0;           // max |w| * invstd * (|x| + |mean|) + |bias|
  double running_mean = 0;     // max (1 - f) * |old| + f * mean |x|
  double running_var = 0;      // max (1 - f) * |old| + f * var * n / (n - 1)
  bool var_overflows = false;  // some variance is beyond float32: y = bias is then as good as float64's y
};

inline void raise(double &scale, double value) {
  if (std::isfinite(value)) scale = std::max(scale, value);  // a spoiled channel has no say in the others' tolerance
}

inline NormScales norm_scales(const NormRule &rule, const NormOperands &in) {
  const int64_t blocks = rule.per_instance ? in.n : 1;  // statistic sets per channel
  const int64_t rows = rule.per_instance ? 1 : in.n;
  const double count = static_cast<double>(rows * in.s);
  const auto at = [](const Numbers &v, int64_t i, double absent) {
    return v.empty() ? absent : v[static_cast<size_t>(i)];
  };
  NormScales scales;
  for (int64_t c = 0; c < in.c; ++c) {
    double mean_abs = 0, mean_var = 0;  // over the blocks
    for (int64_t b = 0; b < blocks; ++b) {
      const auto for_each = [&](auto &&body) {
        for (int64_t r = b; r < b + rows; ++r) {
          const double *row = in.x.data() + (r * in.c + c) * in.s;
          for (int64_t i = 0; i < in.s; ++i) body(row[i]);
        }
      };
      double mean = 0, var = 0, abs = 0, largest = 0;
      for_each([&](double x) {
        mean += x / count;
        abs += std::fabs(x) / count;
        raise(largest, std::fabs(x));
      });
      for_each([&](double x) { var += (x - mean) * (x - mean) / count; });
      mean_abs += abs / static_cast<double>(blocks);
      mean_var += var / static_cast<double>(blocks);
      if (!rule.own_statistics) {
        mean = at(in.running_mean, c, 0);
        var = at(in.running_var, c, 1);
      }
      if (std::isfinite(var) && var > static_cast<double>(std::numeric_limits<float>::max())) {
        scales.var_overflows = true;
      }
      const double gain = std::fabs(at(in.weight, c, 1)) / std::sqrt(var + rule.eps);
      raise(scales.output, gain * (largest + std::fabs(mean)) + std::fabs(at(in.bias, c, 0)));
    }
    const double f = rule.new_weight;
    const double estimated = rule.unbiased ? mean_var * count / (count - 1) : mean_var;
    const double moved_var = f == 0 ? 0 : f * estimated;
    const double moved = f == 0 ? 0 : f * mean_abs;
    raise(scales.running_mean, (1 - f) * std::fabs(at(in.running_mean, c, 0)) + moved);
    raise(scales.running_var, (1 - f) * std::fabs(at(in.running_var, c, 0)) + moved_var);
  }
  return scales;
}

}  // namespace replay
