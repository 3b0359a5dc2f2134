#include "conv_gpu.h"

#include <algorithm>

#include "conv_kernels.h"
#include "ran.h"

namespace halogen {

#if HALOGEN_WITH_CUDA || HALOGEN_WITH_OPENCL
namespace {

KernelOf<ConvRole::whole_tiles> kernel_of(const ConvGpuClass &c, Dtype dtype) {
  return c.direct ? find_kernel<ConvRole::whole_direct>(dtype, kGpuVariant)
                  : find_kernel<ConvRole::whole_tiles>(dtype, kGpuVariant);
}

}  // namespace

void conv_gpu_kernel_names(const ConvGpuPlan &plan, Dtype dtype, char *names, size_t size) {
  KernelNames all(names, size);
  for (const bool direct : {false, true}) {
    for (int32_t i = 0; i < plan.count; ++i) {
      if (plan.classes[i].direct != direct) continue;
      all.add(kernel_of(plan.classes[i], dtype).name, "conv_whole");
      break;
    }
  }
}

int conv_gpu_run(Call *call, const ConvProblem &p, const ConvGpuPlan &plan, const ConvWeights &weight,
                 const ConvTensors &tensors, const ConvScalars &scalars) {
  const ConvWeightShape &w = p.shape;
  const halide_type_t type = type_of(w.dtype);
  const int64_t bytes = dtype_bytes(w.dtype);
  const ConvPhases phases = conv_phases(w);
  const bool has_bias = tensors.bias.base != nullptr;
  const auto number = [](int64_t n) { return static_cast<int32_t>(n); };
  int code = 0;
  for (int64_t n = 0; n < p.N && code == 0; n += plan.samples) {
    const int64_t samples = std::min(plan.samples, p.N - n);
    Buffer x(tensors.input.at(n * p.input.n, bytes), type,
             {dim(p.L, p.input.l), dim(w.C_in, p.input.c), dim(samples, p.input.n)});
    Buffer y(tensors.output.at(n * p.output.n, bytes), type,
             {dim(p.L_out, p.output.l), dim(w.C_out, p.output.c), dim(samples, p.output.n)});
    Buffer weights(weight.memory, type, {dim(w.K, weight.k), dim(w.group_out(), weight.co), dim(w.C_in, weight.ci)});
    Buffer bias(has_bias ? tensors.bias : weight.memory, type, {dim(w.C_out, has_bias ? tensors.bias_stride : 0)});
    for (int32_t i = 0; i < plan.count && code == 0; ++i) {
      const ConvGpuClass &c = plan.classes[i];
      code = kernel_of(c, w.dtype)
                 .function(call, x, weights, bias, has_bias, number(w.stride), number(w.dilation),
                           number(phases.phases), number(phases.spacing), number(p.pad_left), number(w.groups),
                           number(c.taps), number(c.first_phase), number(c.count), number(c.first), number(c.positions),
                           scalars.input_slope, scalars.tanh ? 1 : 0, scalars.slope, y);
    }
  }
  return code;
}

#else

void conv_gpu_kernel_names(const ConvGpuPlan &, Dtype, char *names, size_t) { names[0] = '\0'; }

int conv_gpu_run(Call *, const ConvProblem &, const ConvGpuPlan &, const ConvWeights &, const ConvTensors &,
                 const ConvScalars &) {
  return halide_error_code_internal_error;
}

#endif

}  // namespace halogen
