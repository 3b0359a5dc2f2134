// Runs the planned gradients of a transposed convolution.
#pragma once

#include "call.h"
#include "conv_gradient_plan.h"
#include "conv_run.h"
#include "tensor.h"

namespace halogen {

/// What a call works on; tensors that no gradient needs, and gradients that are not asked for, have no memory.
struct ConvGradientTensors {
  Memory input, grad_output, output, grad_input;
  ConvWeights weight, grad_weight;
  Memory grad_bias;
  int64_t grad_bias_stride;
};

struct ConvGradientScalars {
  double input_slope;  ///< 1: the input as it is
  int32_t activation;  ///< as generators/conv_pad_generator.cpp numbers them; 0: none
  double slope;
};

/// Whether all of an input channel's weights lie in a row.
inline bool conv_rows_are_dense(const ConvWeightShape &shape, const ConvWeights &weights) {
  return weights.k == 1 && (weights.co == shape.K || shape.group_out() == 1);
}

/// Where everything lies in the call's workspace: offsets in bytes.
struct ConvGradientLayout {
  int64_t gradient, input, weight_gradient;  ///< of a piece
  int64_t table;                             ///< where each tap reads
  int64_t columns, column_input;             ///< of a problem by columns
  int64_t column_table;                      ///< where each column begins
  int64_t dense, weights;                    ///< the weights as dense rows, and as rows of `weights_row` float32
  int64_t bias_parts, bias;
  int64_t end;
  int64_t weights_row;
  bool copies, widens;  ///< whether there are `dense`, `weights`
};
ConvGradientLayout conv_gradient_layout(const ConvGradientProblem &problem, const ConvGradientPlan &plan,
                                        const ConvGradientTensors &tensors);

/// Elements of a task that copies, and taps that go from columns to rows at a time.
constexpr int64_t kConvCopyElements = 32 * 1024;
constexpr int64_t kConvTurnedTaps = 256;

/// Bytes of workspace: of the call, and of each task that runs.
struct ConvGradientWorkspace {
  int64_t call, task;
};
ConvGradientWorkspace conv_gradient_workspace(const ConvGradientProblem &problem, const ConvGradientPlan &plan,
                                              const ConvGradientTensors &tensors);

/// Names of the kernels that a plan runs, separated by ' '; false where this library lacks one (its name goes to `missing`).
bool conv_gradient_kernel_names(const ConvGradientProblem &problem, const ConvGradientPlan &plan,
                                const ConvGradientTensors &tensors, halogen_isa isa, char *names, size_t size,
                                const char **missing);

/// Runs the plan. Returns 0 or a kernel's code; the reason is noted in `call`.
int conv_gradient_run(Call *call, const ConvGradientProblem &problem, const ConvGradientPlan &plan,
                      const ConvGradientTensors &tensors, const ConvGradientScalars &scalars);

/// Writes 0 to all gradients that are asked for: those of an empty output.
int conv_gradient_clear(Call *call, const ConvGradientProblem &problem, const ConvGradientTensors &tensors);

}  // namespace halogen
