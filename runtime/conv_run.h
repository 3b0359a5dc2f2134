// Packs weights, and runs a planned transposed convolution.
#pragma once

#include "call.h"
#include "conv_plan.h"
#include "tensor.h"

namespace halogen {

/// A weight tensor; strides in elements.
struct ConvWeights {
  Memory memory;
  int64_t ci, co, k;

  /// From the first element to the last.
  int64_t reach(const ConvWeightShape &w) const { return (w.C_in - 1) * ci + (w.group_out() - 1) * co + (w.K - 1) * k; }
};

/// What a call works on.
struct ConvTensors {
  Memory input, output, bias;  ///< bias.base NULL: none
  int64_t bias_stride;
  Memory packed;
};

struct ConvScalars {
  double input_slope;  ///< 1: the input as it is
  bool tanh;
  double slope;  ///< of what is negative: 1: as it is, 0: relu
};

/// Names of the kernels that a plan runs, separated by ' '; false where this library lacks one (its name goes to `missing`).
bool conv_kernel_names(const ConvPlan &plan, const ConvLayout &layout, Dtype dtype, bool packs, halogen_isa isa,
                       char *names, size_t size, const char **missing);

/// Packs the weights of all groups. `finite` receives whether all of them are.
int conv_pack(Call *call, const ConvWeightShape &shape, const ConvLayout &layout, const ConvWeights &weight,
              const Memory &packed, bool *finite);

/// Runs the plan. Returns 0 or a kernel's code; the reason is noted in `call`.
int conv_run(Call *call, const ConvProblem &problem, const ConvLayout &layout, const ConvPlan &plan,
             const ConvTensors &tensors, const ConvScalars &scalars);

}  // namespace halogen
