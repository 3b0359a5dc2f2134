// gradients.h: the backward pass of a module, and how large the terms of a normalisation's sums are.
#pragma once

#include <halogen/module.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "handles.h"
#include "norm_scales.h"
#include "numbers.h"

namespace replay {

struct Gradients {
  Array input, weight, bias;
};

/// The gradients of the input and, where the file has them, of weight and bias. @param parameters the module's, NULL: not asked for.
inline Gradients gradients_of(halogen_module *module, Array input, Array grad_output, const DLTensor *weight,
                              const DLTensor *bias) {
  Gradients gradients;
  gradients.input = input;
  gradients.input.spoil();
  DLTensor views[2] = {};
  halogen_module_gradients to = HALOGEN_MODULE_GRADIENTS_INIT;
  const DLTensor dx = gradients.input.view();
  to.input = &dx;
  const auto ask = [](const DLTensor *parameter, Array &gradient, DLTensor &view) -> const DLTensor * {
    if (parameter == nullptr) return nullptr;
    const std::vector<int64_t> shape(parameter->shape, parameter->shape + parameter->ndim);
    gradient = Array(number_type(parameter->dtype), shape, false, parameter->data);
    gradient.spoil();
    view = gradient.view();
    return &view;
  };
  to.weight = ask(weight, gradients.weight, views[0]);
  to.bias = ask(bias, gradients.bias, views[1]);
  const DLTensor x = input.view(), g = grad_output.view();
  Call call;
  call.check(halogen_module_backward(module, &x, &g, &to, nullptr, nullptr, call.error()));
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
