// The kernels of the normalisation operator.
#pragma once

#include "kernel_table.h"
#include "kernels_norm.h"

namespace halogen {

enum class NormRole {
  fused_cs_row,
  fused_cs_each,
  fused_cs_each_stream,
  fused_cs_stream,
  fused_slab,
  partial_cs_row,
  partial_slab,
  merge,
  moments,
  join,
  given,
  apply_cs_row,
  apply_cs_stream,
  apply_sc_stream,
  apply_slab,
  running,
  save,
  convert,
  mask,
  sums_cs_row,
  sums_slab,
  sum_merge,
  coefficients,
  gradients,
  dx_cs_row,
  dx_cs_stream,
  dx_sc_stream,
  dx_slab,
  backward_cs_row,
  backward_cs_each,
  backward_cs_stream,
  backward_slab,
};

#define HALOGEN_KERNEL_ID NormRole
#define HALOGEN_KERNEL HALOGEN_KERNEL_ROW
#include "kernels_norm.inc"
#undef HALOGEN_KERNEL
#undef HALOGEN_KERNEL_ID

}  // namespace halogen
