// What halogen_prepare() runs of the convolution.
#include "conv_gpu.h"
#include "conv_gpu_gradient.h"
#include "norm_plan.h"
#include "scratch.h"

namespace halogen {

int conv_gpu_prepare(Call *call, const DLDevice &device) {
  Scratch scratch(call, device);
  constexpr int64_t kPart = norm_padded(1);
  if (!scratch.acquire(6 * kPart)) return halide_error_code_out_of_memory;
  const auto part = [&](int64_t i) { return scratch.memory().at(i * kPart, 1); };
  ConvProblem p = {};
  p.shape = {1, 1, 1, 1, 1, 1, Dtype::f32};
  p.N = p.L = p.L_out = 1;
  p.input = p.output = {1, 1, 1};
  const ConvWeights weight = {part(0), 1, 1, 1};
  const ConvTensors tensors = {part(1), part(2), {}, 0, {}};
  for (const halogen_conv_path path : {HALOGEN_CONV_PATH_ROWS, HALOGEN_CONV_PATH_LENGTH}) {
    ConvGpuPlan plan;
    if (!conv_gpu_plan(p, weight, path, &plan)) return halide_error_code_internal_error;
    const int code = conv_gpu_run(call, p, plan, weight, tensors, {1, false, 1});
    if (code != 0) return code;
  }
  const ConvGradientProblem gradient = {p.shape, 1, 1, 1, 0, p.input, p.output, p.output, p.input, true, true, false};
  const ConvGradientTensors all = {part(1), part(2), part(2), part(3), weight, {part(4), 1, 1, 1}, part(5), 1};
  ConvGpuGradientPlan plan;
  if (!conv_gpu_gradient_plan(gradient, all, &plan)) return halide_error_code_internal_error;
  return conv_gpu_gradient_run(call, gradient, plan, all, {1, 0, 1});
}

}  // namespace halogen
