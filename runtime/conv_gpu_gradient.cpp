#include "conv_gpu_gradient.h"

#include <algorithm>

#include "conv_kernels.h"
#include "ran.h"
#include "scratch.h"

namespace halogen {

#if HALOGEN_WITH_CUDA || HALOGEN_WITH_OPENCL
namespace {

int32_t number(int64_t n) { return static_cast<int32_t>(n); }

class Gradient {
 public:
  Gradient(Call *call, const ConvGradientProblem &problem, const ConvGradientTensors &tensors,
           const ConvGradientScalars &scalars)
      : call_(call),
        p_(problem),
        w_(problem.shape),
        t_(tensors),
        scalars_(scalars),
        storage_(type_of(w_.dtype)),
        compute_(type_of(compute_dtype(w_.dtype))),
        x_(tensor(t_.input, p_.input, w_.C_in, p_.L)),
        g_(tensor(t_.grad_output, p_.grad_output, w_.C_out, p_.L_out)),
        result_(scalars.activation != 0 ? tensor(t_.output, p_.output, w_.C_out, p_.L_out)
                                        : tensor(t_.grad_output, p_.grad_output, w_.C_out, p_.L_out)) {}

  int input() {
    Buffer w(t_.weight.memory, storage_,
             {dim(w_.K, t_.weight.k), dim(w_.group_out(), t_.weight.co), dim(w_.C_in, t_.weight.ci)});
    Buffer y = tensor(t_.grad_input, p_.grad_input, w_.C_in, p_.L);
    return find_kernel<ConvRole::whole_input>(w_.dtype, kGpuVariant)
        .function(call_, g_, result_, w, x_, number(w_.stride), number(w_.dilation), number(p_.pad_left),
                  number(w_.groups), scalars_.activation, scalars_.slope, scalars_.input_slope, y);
  }

  int weight(const ConvGpuParts &parts, const Memory &memory) {
    const int64_t taps = w_.group_out() * w_.K;
    Buffer y(memory, compute_, {dim(taps, 1), dim(w_.C_in, taps), dim(parts.count(), parts.elements)});
    const int code = find_kernel<ConvRole::whole_weight>(w_.dtype, kGpuVariant)
                         .function(call_, x_, g_, result_, true, number(w_.K), number(w_.stride), number(w_.dilation),
                                   number(p_.pad_left), number(w_.groups), number(parts.strip), number(parts.strips),
                                   number(parts.samples), scalars_.activation, scalars_.slope, scalars_.input_slope, y);
    return code != 0 ? code : join(parts.count(), y, t_.grad_weight, w_.K, w_.group_out(), w_.C_in);
  }

  /// The gradient of the weights where there is one input, 1 everywhere, and one tap.
  int bias(const ConvGpuParts &parts, const Memory &memory) {
    Buffer ones = tensor(t_.grad_output, p_.grad_output, 1, p_.L_out);
    Buffer y(memory, compute_, {dim(w_.C_out, 1), dim(1, 0), dim(parts.count(), parts.elements)});
    const int code =
        find_kernel<ConvRole::whole_weight>(w_.dtype, kGpuVariant)
            .function(call_, ones, g_, result_, false, 1, 1, 1, 0, 1, number(parts.strip), number(parts.strips),
                      number(parts.samples), scalars_.activation, scalars_.slope, 1, y);
    return code != 0 ? code : join(parts.count(), y, bias_as_weight(), 1, w_.C_out, 1);
  }

  int clear() {
    int code = 0;
    if (p_.wants_input) {
      // A sample has the place of an input channel. As many at once as a kernel counts.
      const ConvStrides &s = p_.grad_input;
      const int64_t most = std::max<int64_t>(1, INT32_MAX / std::max(s.span(w_.C_in, p_.L) + s.n, w_.C_in * p_.L));
      for (int64_t n = 0; n < p_.N && code == 0; n += most) {
        const Memory to = t_.grad_input.at(n * s.n, dtype_bytes(w_.dtype));
        code = clear({to, s.n, s.c, s.l}, p_.L, w_.C_in, std::min(most, p_.N - n));
      }
    }
    if (p_.wants_weight && code == 0) code = clear(t_.grad_weight, w_.K, w_.group_out(), w_.C_in);
    if (p_.wants_bias && code == 0) code = clear(bias_as_weight(), 1, w_.C_out, 1);
    return code;
  }

 private:
  Buffer tensor(const Memory &memory, const ConvStrides &s, int64_t C, int64_t L) const {
    return Buffer(memory, storage_, {dim(L, s.l), dim(C, s.c), dim(p_.N, s.n)});
  }

  ConvWeights bias_as_weight() const { return {t_.grad_bias, 0, t_.grad_bias_stride, 1}; }

  int join(int64_t count, halide_buffer_t *parts, const ConvWeights &to, int64_t K, int64_t group_out, int64_t C_in) {
    Buffer y(to.memory, storage_, {dim(K, to.k), dim(group_out, to.co), dim(C_in, to.ci)});
    return find_kernel<ConvRole::join>(w_.dtype, kGpuVariant).function(call_, parts, number(count), y);
  }

  /// No parts: nothing is read.
  int clear(const ConvWeights &to, int64_t K, int64_t group_out, int64_t C_in) {
    Buffer parts(to.memory, compute_, {dim(K * group_out, 1), dim(C_in, 0), dim(1, 0)});
    return join(0, parts, to, K, group_out, C_in);
  }

  Call *call_;
  const ConvGradientProblem &p_;
  const ConvWeightShape &w_;
  const ConvGradientTensors &t_;
  const ConvGradientScalars &scalars_;
  halide_type_t storage_, compute_;
  Buffer x_, g_, result_;
};

}  // namespace

void conv_gpu_gradient_kernel_names(const ConvGradientProblem &p, char *names, size_t size) {
  KernelNames all(names, size);
  const Dtype dtype = p.shape.dtype;
  if (p.wants_input) all.add(find_kernel<ConvRole::whole_input>(dtype, kGpuVariant).name, "conv_whole_input");
  if (p.wants_weight || p.wants_bias) {
    all.add(find_kernel<ConvRole::whole_weight>(dtype, kGpuVariant).name, "conv_whole_weight");
    all.add(find_kernel<ConvRole::join>(dtype, kGpuVariant).name, "conv_join");
  }
}

int conv_gpu_gradient_run(Call *call, const ConvGradientProblem &p, const ConvGpuGradientPlan &plan,
                          const ConvGradientTensors &tensors, const ConvGradientScalars &scalars) {
  // Calls on a stream follow each other: one memory serves both sums.
  Scratch scratch(call, tensors.input.device);
  const int64_t bytes = plan.workspace(p);
  if (bytes > 0 && !scratch.acquire(bytes)) return halide_error_code_out_of_memory;
  Gradient gradient(call, p, tensors, scalars);
  int code = p.wants_input ? gradient.input() : 0;
  if (code == 0 && p.wants_weight) code = gradient.weight(plan.weight, scratch.memory());
  if (code == 0 && p.wants_bias) code = gradient.bias(plan.bias, scratch.memory());
  return code;
}

int conv_gpu_gradient_clear(Call *call, const ConvGradientProblem &p, const ConvGradientTensors &tensors) {
  const ConvGradientScalars scalars = {1, 0, 1};
  return Gradient(call, p, tensors, scalars).clear();
}

#else

void conv_gpu_gradient_kernel_names(const ConvGradientProblem &, char *names, size_t) { names[0] = '\0'; }

int conv_gpu_gradient_run(Call *, const ConvGradientProblem &, const ConvGpuGradientPlan &, const ConvGradientTensors &,
                          const ConvGradientScalars &) {
  return halide_error_code_internal_error;
}

int conv_gpu_gradient_clear(Call *, const ConvGradientProblem &, const ConvGradientTensors &) {
  return halide_error_code_internal_error;
}

#endif

}  // namespace halogen
