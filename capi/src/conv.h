// The transposed convolution as the modules call it: arguments that are already in this version's layout.
#pragma once

#include <halogen/conv.h>

#include "conv_check.h"
#include "conv_run.h"
#include "status.h"
#include "tensor.h"

/// Packed weights. In memory: this, then the blocks, each aligned to a cache line pair.
struct halogen_conv_weights {
  halogen::ConvWeightShape shape;
  halogen::ConvLayout layout;
  halogen_context *owner;  ///< of the memory; NULL: the caller
  bool finite;             ///< all weights are
  void *blocks;
};

namespace halogen {

/// Checks, plans and runs. `only_query`: fills `info` and touches no data.
halogen_status conv_call(halogen_context *context, const halogen_conv_transpose1d_args &args, bool only_query,
                         halogen_kernel_info *info, halogen_error *error);

/// A weight tensor that passed its checks.
struct CheckedWeight {
  Tensor tensor;
  ConvWeights weights;
  ConvWeightShape shape;

  ConvKind kind() const { return {shape.dtype, tensor.memory.device}; }
};

/// The strides of a tensor (C_in, C_out / groups, K); a dimension of extent 1 has those of a dense one.
ConvWeights conv_weights_of(const Tensor &weight);

/// Checks shape and parameters of a weight tensor.
halogen_status conv_check_weight(const Report &report, const DLTensor *weight, int64_t stride, int64_t dilation,
                                 int64_t groups, bool need_data, CheckedWeight *checked);

}  // namespace halogen
