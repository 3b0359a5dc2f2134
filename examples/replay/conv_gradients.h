// conv_gradients.h: the backward pass of a transposed convolution, through halogen_conv_transpose1d_backward(), and how large the terms
// of its sums are.
#pragma once

#include <halogen/conv.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "conv_scales.h"
#include "gradients.h"

namespace replay {

/// The gradients of input, weight and, where there is one, bias. @param bias NULL: absent.
inline NormGradients conv_gradients(halogen_context *context, const Json &params, const DLTensor &weight,
                                    const DLTensor *bias, Array input, Array grad_output) {
  const auto like = [](const DLTensor &tensor) {
    const std::vector<int64_t> shape(tensor.shape, tensor.shape + tensor.ndim);
    return Array(number_type(tensor.dtype), shape, false, tensor.data);
  };
  NormGradients gradients;
  gradients.input = input;
  gradients.weight = like(weight);
  if (bias != nullptr) gradients.bias = like(*bias);
  for (Array *gradient : {&gradients.input, &gradients.weight, &gradients.bias}) gradient->spoil();
  const DLTensor x = input.view(), g = grad_output.view(), dx = gradients.input.view(), dw = gradients.weight.view();
  DLTensor db = {};
  halogen_conv_transpose1d_backward_args args = {};
  args.struct_size = sizeof args;
  args.input = &x;
  args.grad_output = &g;
  args.weight = &weight;
  args.grad_input = &dx;
  args.grad_weight = &dw;
  if (bias != nullptr) {
    db = gradients.bias.view();
    args.grad_bias = &db;
  }
  args.stride = conv_parameter(params, "stride", 1);
  args.dilation = conv_parameter(params, "dilation", 1);
  args.groups = conv_parameter(params, "groups", 1);
  args.pad_left = conv_parameter(params, "padding", 0);
  args.pad_right = args.pad_left - conv_parameter(params, "output_padding", 0);
  Call call;
  call.check(halogen_conv_transpose1d_backward(context, &args, call.error()));
  return gradients;
}

/// The largest sums of magnitudes.
inline GradientScales conv_gradient_scales(const Json &params, const ConvOperands &in, const Numbers &grad_output) {
  const int64_t stride = conv_parameter(params, "stride", 1), dilation = conv_parameter(params, "dilation", 1);
  const int64_t groups = conv_parameter(params, "groups", 1), padding = conv_parameter(params, "padding", 0);
  const int64_t length = in.shape.back(), c_in = in.weight_shape[0], group_out = in.weight_shape[1];
  const int64_t kernel = in.weight_shape[2], samples = in.shape.size() == 3 ? in.shape[0] : 1;
  const int64_t c_out = groups * group_out;
  const int64_t out_length = static_cast<int64_t>(grad_output.size()) / (samples * c_out);
  const auto magnitude = [](const Numbers &values, int64_t i) { return std::fabs(values[static_cast<size_t>(i)]); };
  GradientScales scales;
  Numbers of_weight(in.weight.size(), 0), of_bias(static_cast<size_t>(c_out), 0);
  for (int64_t i = 0; i < static_cast<int64_t>(in.x.size()); ++i) {
    const int64_t l = i % length, ci = i / length % c_in, n = i / length / c_in;
    double sum = 0;
    for (int64_t j = 0; j < group_out * kernel; ++j) {
      const int64_t t = l * stride + j % kernel * dilation - padding;
      if (t < 0 || t >= out_length) continue;
      const int64_t co = ci / (c_in / groups) * group_out + j / kernel;
      const double g = magnitude(grad_output, (n * c_out + co) * out_length + t);
      const int64_t tap = ci * group_out * kernel + j;
      sum += g * magnitude(in.weight, tap);
      of_weight[static_cast<size_t>(tap)] += g * magnitude(in.x, i);
    }
    raise(scales.input, sum);
  }
  for (int64_t i = 0; i < static_cast<int64_t>(grad_output.size()); ++i) {
    of_bias[static_cast<size_t>(i / out_length % c_out)] += magnitude(grad_output, i);
  }
  for (const double sum : of_weight) raise(scales.weight, sum);
  for (const double sum : of_bias) raise(scales.bias, sum);
  return scales;
}

}  // namespace replay
