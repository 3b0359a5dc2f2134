// Runs a planned backward pass of a normalisation.
#pragma once

#include "norm_run.h"

namespace halogen {

/// What a backward call works on. The problem's x is input, its y grad_input, its residual
/// the gradient that the others are computed from: grad_output or, with an activation, its masked gradient.
struct NormBackwardTensors {
  Memory input, grad_output, grad_input;
  Memory output, grad_residual;            ///< output: with an activation
  bool has_grad_input, has_grad_residual;  ///< also in a query, whose tensors have no memory
  bool on_input;                           ///< grad_input is input
  NormStrides grad_output_strides, output_strides, grad_residual_strides;
  Vector weight;
  Vector mean, spread;            ///< given: var; saved: rstd; else there are none, and they are recomputed
  Vector grad_weight, grad_bias;  ///< written
  Vector moments;                 ///< (3, C), f64: statistics of a batch that all of this is a part of,
  Vector sums, part_sums;         ///< (2, C), f64: its sums; written: those of this part
};

struct NormBackwardScalars {
  double eps;
  double slope;    ///< of the activation for negative values
  bool activates;  ///< grad_output goes through the activation first
  bool is_rstd;    ///< what `spread` is
};

/// What a backward call runs, in order.
struct NormBackwardSteps {
  enum class Masked { none, in_kernels, grad_residual, grad_input, workspace };
  Masked masked;    ///< where the gradient behind activation and residual goes; the first two: nowhere
  bool recomputes;  ///< statistics
  bool given;       ///< statistics are from moments
  bool sums;        ///< of blocks, merged
  bool fused;       ///< sums and dx at once
  bool applied;     ///< dx by coefficients
  bool scaled;      ///< dx = a dy
  bool gradients;   ///< of weight and bias
  bool copied;      ///< sums of a part, or of all, go through workspace
};

/// Where the masked gradient goes; `workspace` has the strides of grad_input, or none of its own.
NormBackwardSteps::Masked norm_masked(const NormProblem &problem, const NormBackwardTensors &tensors,
                                      const NormBackwardScalars &scalars);

NormBackwardSteps norm_backward_steps(const NormProblem &problem, const NormPlan &plan,
                                      const NormBackwardTensors &tensors, const NormBackwardScalars &scalars);

/// Whether the gradients of parameters are sums of chunks of rows.
inline bool norm_merges_columns(const NormPlan &plan, const NormBackwardSteps &steps) {
  return plan.each && steps.fused && steps.gradients;
}

/// Whether statistics that are recomputed are so by lanes across channels.
bool norm_statistics_across(const NormProblem &problem);

/// Bytes of workspace, less what tasks take.
int64_t norm_backward_workspace_bytes(const NormProblem &problem, const NormPlan &plan,
                                      const NormBackwardTensors &tensors, const NormBackwardSteps &steps);

/// As norm_kernel_names().
bool norm_backward_kernel_names(const NormProblem &problem, const NormPlan &plan, const NormBackwardTensors &tensors,
                                const NormBackwardSteps &steps, halogen_isa isa, char *names, size_t size,
                                const char **missing);

/// The parameters' gradients of a tensor without values: 0. Returns as norm_backward_run() does.
int norm_backward_of_nothing(Call *call, const NormProblem &problem, const NormBackwardTensors &tensors);

/// Runs it. Returns 0 or a kernel's code; the reason is noted in `call`.
int norm_backward_run(Call *call, const NormProblem &problem, const NormPlan &plan, const NormBackwardTensors &tensors,
                      const NormBackwardScalars &scalars);

}  // namespace halogen
