// The gradients of a transposed convolution on a GPU: the input's in a launch, those of weights and bias in parts that are added up.
#pragma once

#include "call.h"
#include "conv_gradient.h"
#include "conv_gradient_plan.h"

namespace halogen {

/// How a sum over samples and positions is cut. A function of shape alone, so that results are the same bits each time.
struct ConvGpuParts {
  int64_t strip, strips;    ///< positions of a part; parts of a sample
  int64_t samples, groups;  ///< samples of a part; parts that take different ones
  int64_t elements;         ///< of what is summed

  int64_t count() const { return strips * groups; }
};

struct ConvGpuGradientPlan {
  const char *reason;  ///< a sentence, static
  ConvGpuParts weight, bias;

  /// Bytes that the call takes.
  int64_t workspace(const ConvGradientProblem &problem) const;
};

/// Plans a problem whose output is not empty: a pure function. On refusal, for what kernels cannot count, returns false and
/// `plan->reason` says why.
bool conv_gpu_gradient_plan(const ConvGradientProblem &problem, const ConvGradientTensors &tensors,
                            ConvGpuGradientPlan *plan);

/// Names of the kernels that a call runs, separated by ' '.
void conv_gpu_gradient_kernel_names(const ConvGradientProblem &problem, char *names, size_t size);

/// Runs the plan; writes 0 to all gradients that are asked for. Return 0 or a kernel's code; the reason is noted in `call`.
int conv_gpu_gradient_run(Call *call, const ConvGradientProblem &problem, const ConvGpuGradientPlan &plan,
                          const ConvGradientTensors &tensors, const ConvGradientScalars &scalars);
int conv_gpu_gradient_clear(Call *call, const ConvGradientProblem &problem, const ConvGradientTensors &tensors);

}  // namespace halogen
