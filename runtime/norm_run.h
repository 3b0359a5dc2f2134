// Runs a planned normalisation: views, workspace, kernels in order.
#pragma once

#include "call.h"
#include "norm_plan.h"
#include "tensor.h"

namespace halogen {

/// A vector as the caller has it. That of a query exists without memory.
struct Vector {
  Memory memory;
  Dtype dtype;
  bool exists;
};

/// What a call works on.
struct NormTensors {
  Memory input, output, residual;
  Vector weight, bias;
  Vector mean, var;                  ///< given statistics
  Vector running_mean, running_var;  ///< updated in place
  Vector saved_mean, saved_rstd;     ///< written
  Vector moments;                    ///< (3, C), f64: statistics of a batch that the input is a part of
};

struct NormScalars {
  double eps, running_weight;
  bool running_var_unbiased;
  double slope;  ///< of the activation for negative values; 1: none
};

/// Mean_hi, mean_lo and var of statistic sets, in the type that is computed in: sets of a sample after each other.
struct Statistics {
  Memory hi, lo, var;
  bool has_lo;
};

/// Names of the kernels that a plan runs, separated by ' '; "" and false where this library lacks one (its name goes to `missing`).
bool norm_kernel_names(const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors, halogen_isa isa,
                       char *names, size_t size, const char **missing);

/// The same for moments, and for those of parts; NULL: this library has none.
bool norm_moments_kernel_names(const NormProblem &problem, const NormPlan &plan, halogen_isa isa, char *names,
                               size_t size, const char **missing);
const char *norm_join_name(Variant variant);

/// The kernels of a device.
Variant norm_variant(bool gpu, halogen_isa isa);

/// Whether the library has streaming kernels for what the plan runs.
bool norm_can_stream(const NormProblem &problem, const NormPlan &plan, halogen_isa isa);

/// Runs the plan. Returns 0 or a kernel's code; the reason is noted in `call`.
int norm_run(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
             const NormScalars &scalars);

/// Only the input's own statistics. The plan's path is SPLIT.
int norm_statistics(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
                    const Statistics &own);

/// Moments (3, C) of the input, by a plan that splits.
int norm_moments(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
                 const Memory &moments);

/// Moments (3, C) from those of `parts` parts.
int norm_join(Call *call, const Memory &from, int64_t parts, int64_t channels, const Memory &moments);

/// Loads every GPU kernel of the operator by running it on a few values of workspace. The call has begun on its device.
int norm_prepare(Call *call, const DLDevice &device);

}  // namespace halogen
