// gradients.h: the backward pass of a normalisation, through halogen_norm_backward(), and how large the terms of its sums are.
#pragma once

#include <halogen/ops.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "handles.h"
#include "norm_scales.h"
#include "numbers.h"

namespace replay {

/// What a module's forward worked with. Absent tensors are NULL.
struct NormState {
  const DLTensor *weight, *bias, *running_mean, *running_var;
};

struct NormGradients {
  Array input, weight, bias;
};

/// The gradients of the input and, where the module has them, of weight and bias. @param unbatched without N.
inline NormGradients norm_gradients(halogen_context *context, const NormRule &rule, const NormState &state, Array input,
                                    Array grad_output, bool unbatched) {
  if (unbatched) {
    input.add_dimension();
    grad_output.add_dimension();
  }
  NormGradients gradients;
  gradients.input = input;
  gradients.input.spoil();
  const DLTensor x = input.view(), g = grad_output.view(), dx = gradients.input.view();
  DLTensor dweight = {}, dbias = {};
  halogen_norm_backward_args args = {};
  args.struct_size = sizeof args;
  args.scope = rule.per_instance ? HALOGEN_NORM_SCOPE_INSTANCE : HALOGEN_NORM_SCOPE_BATCH;
  args.input = &x;
  args.grad_output = &g;
  args.grad_input = &dx;
  args.weight = state.weight;
  args.eps = rule.eps;
  if (!rule.own_statistics) {
    args.mean = state.running_mean;
    args.var = state.running_var;
  }
  if (state.weight != nullptr) {
    const NumberType &type = number_type(state.weight->dtype);
    const std::vector<int64_t> shape(state.weight->shape, state.weight->shape + 1);
    gradients.weight = gradients.bias = Array(type, shape, false, state.weight->data);
    gradients.weight.spoil();
    gradients.bias.spoil();
    dweight = gradients.weight.view();
    dbias = gradients.bias.view();
    args.grad_weight = &dweight;
    args.grad_bias = &dbias;
  }
  Call call;
  call.check(halogen_norm_backward(context, &args, call.error()));
  return gradients;
}

struct GradientScales {
  double input = 0, weight = 0, bias = 0;  // the largest sum of magnitudes
  double count = 0;                        // values per statistic
};

inline GradientScales gradient_scales(const NormRule &rule, const NormOperands &in, const Numbers &grad_output) {
  const int64_t blocks = rule.per_instance ? in.n : 1, rows = rule.per_instance ? 1 : in.n;
  GradientScales scales;
  scales.count = static_cast<double>(rows * in.s);
  for (int64_t c = 0; c < in.c; ++c) {
    const auto channel = static_cast<size_t>(c);
    const double weight = in.weight.empty() ? 1 : std::fabs(in.weight[channel]);
    double of_weight = 0, of_bias = 0;
    for (int64_t b = 0; b < blocks; ++b) {
      const auto for_each = [&](auto &&body) {
        for (int64_t r = b; r < b + rows; ++r) {
          const auto first = static_cast<size_t>((r * in.c + c) * in.s);
          for (size_t i = first; i < first + static_cast<size_t>(in.s); ++i) body(in.x[i], std::fabs(grad_output[i]));
        }
      };
      double mean = 0, var = 0;
      if (rule.own_statistics) {
        for_each([&](double x, double) { mean += x / scales.count; });
        for_each([&](double x, double) { var += (x - mean) * (x - mean) / scales.count; });
      } else {
        mean = in.running_mean[channel];
        var = in.running_var[channel];
      }
      const double rstd = 1 / std::sqrt(var + rule.eps);
      double sum = 0, product = 0;
      for_each([&](double x, double g) {
        sum += g;
        product += g * std::fabs(x - mean) * rstd;
      });
      for_each([&](double x, double g) {
        const double through = rule.own_statistics ? (sum + std::fabs(x - mean) * rstd * product) / scales.count : 0;
        raise(scales.input, rstd * weight * (g + through));
      });
      of_weight += product;
      of_bias += sum;
    }
    raise(scales.weight, of_weight);
    raise(scales.bias, of_bias);
  }
  return scales;
}

}  // namespace replay
