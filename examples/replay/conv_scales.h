// conv_scales.h: how large the terms are that a transposed convolution adds up: the same sum over magnitudes, in float64, largest
// value. Its tolerance is a multiple of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "json.h"
#include "norm_scales.h"

namespace replay {

/// Empty vectors: absent.
struct ConvOperands {
  Numbers x, weight, bias;
  std::vector<int64_t> shape;         // of x: (N, C_in, L) or (C_in, L)
  std::vector<int64_t> weight_shape;  // (C_in, C_out / groups, K)
};

/// An argument of the module, or what it is where the file does not say.
inline int64_t conv_parameter(const Json &params, const char *key, int64_t otherwise) {
  const auto &object = params.as_object();
  const auto found = std::find_if(object.begin(), object.end(), [&](const auto &entry) { return entry.first == key; });
  return found == object.end() ? otherwise : found->second.as_integer();
}

inline NormScales conv_scales(const Json &params, const ConvOperands &in) {
  const int64_t stride = conv_parameter(params, "stride", 1), dilation = conv_parameter(params, "dilation", 1);
  const int64_t groups = conv_parameter(params, "groups", 1);
  const int64_t length = in.shape.back(), c_in = in.weight_shape[0], group_out = in.weight_shape[1];
  const int64_t kernel = in.weight_shape[2], full = (length - 1) * stride + dilation * (kernel - 1) + 1;
  const int64_t samples = in.shape.size() == 3 ? in.shape[0] : 1;
  std::vector<double> sum(static_cast<size_t>(samples * groups * group_out * full), 0);
  for (int64_t i = 0; i < static_cast<int64_t>(in.x.size()); ++i) {
    const int64_t l = i % length, ci = i / length % c_in, n = i / length / c_in;
    const double x = std::fabs(in.x[static_cast<size_t>(i)]);
    for (int64_t j = 0; j < group_out * kernel; ++j) {
      const int64_t row = (n * groups + ci / (c_in / groups)) * group_out + j / kernel;
      const double w = in.weight[static_cast<size_t>(ci * group_out * kernel + j)];
      sum[static_cast<size_t>(row * full + l * stride + j % kernel * dilation)] += x * std::fabs(w);
    }
  }
  NormScales scales;
  for (size_t i = 0; i < sum.size(); ++i) {
    const size_t channel = i / static_cast<size_t>(full) % static_cast<size_t>(groups * group_out);
    raise(scales.output, sum[i] + (in.bias.empty() ? 0 : std::fabs(in.bias[channel])));
  }
  return scales;
}

}  // namespace replay
