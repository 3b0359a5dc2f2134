// conv_scales.h: how large the terms are that a transposed convolution adds up: the same sum over magnitudes, in float64, largest
// value. Its tolerance is a multiple of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "adapter.h"
#include "gradients.h"
#include "norm_scales.h"

namespace replay {

/// Empty vectors: absent.
struct ConvOperands {
  Numbers x, weight, bias;
  std::vector<int64_t> shape;         // of x: (N, C_in, L) or (C_in, L)
  std::vector<int64_t> weight_shape;  // (C_in, C_out / groups, K)
};

inline NormScales conv_scales(const ConvRule &rule, const ConvOperands &in) {
  const int64_t stride = rule.stride, dilation = rule.dilation, groups = rule.groups;
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

/// Of the gradients of input, weight and bias. @param shape of grad_output.
inline GradientScales conv_gradient_scales(const ConvRule &rule, const ConvOperands &in, const Numbers &grad_output,
                                           const std::vector<int64_t> &shape) {
  const int64_t length = in.shape.back(), c_in = in.weight_shape[0], group_out = in.weight_shape[1];
  const int64_t kernel = in.weight_shape[2], group_in = c_in / rule.groups, outputs = shape.back();
  std::vector<double> of_weight(in.weight.size(), 0), of_bias(static_cast<size_t>(group_out * rule.groups), 0);
  GradientScales scales;
  for (int64_t i = 0; i < static_cast<int64_t>(in.x.size()); ++i) {
    const int64_t l = i % length, ci = i / length % c_in, n = i / length / c_in;
    double of_input = 0;
    for (int64_t j = 0; j < group_out * kernel; ++j) {
      const int64_t t = l * rule.stride + j % kernel * rule.dilation - rule.pad_left;
      if (t < 0 || t >= outputs) continue;
      const int64_t row = (n * rule.groups + ci / group_in) * group_out + j / kernel;
      const double g = std::fabs(grad_output[static_cast<size_t>(row * outputs + t)]);
      const auto at = static_cast<size_t>(ci * group_out * kernel + j);
      of_input += std::fabs(in.weight[at]) * g;
      of_weight[at] += std::fabs(in.x[static_cast<size_t>(i)]) * g;
    }
    raise(scales.input, of_input);
  }
  for (size_t i = 0; i < grad_output.size(); ++i) {
    of_bias[i / static_cast<size_t>(outputs) % of_bias.size()] += std::fabs(grad_output[i]);
  }
  for (const double sum : of_weight) raise(scales.weight, sum);
  for (const double sum : of_bias) raise(scales.bias, sum);
  return scales;
}

}  // namespace replay
