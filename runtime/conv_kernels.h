// The kernels of the transposed convolution.
#pragma once

#include "halogen_target.h"
#include "kernel_table.h"
#include "kernels_conv.h"

namespace halogen {

enum class ConvRole {
  pack,
  largest,
  pad,
  sum_rows,
  sum_length,
  sum_length2,
  sum_length1,
  finish,
  grad_input,
  grad_input_single,
  grad_weight_rows,
  grad_weight_length,
  bias_sums,
  turn,
  whole_tiles,
  whole_direct,
  whole_input,
  whole_weight,
  join,
};

#define HALOGEN_KERNEL_ID ConvRole
#define HALOGEN_KERNEL HALOGEN_KERNEL_ROW
#include "kernels_conv.inc"
#undef HALOGEN_KERNEL
#undef HALOGEN_KERNEL_ID

/// A GPU's, in a library that has them.
constexpr Variant kGpuVariant = HALOGEN_WITH_CUDA ? Variant::cuda : Variant::opencl;

}  // namespace halogen
