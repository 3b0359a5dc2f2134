// Copies between tensors of any strides, for data that kernels do not take as they lie.
#pragma once

#include "call.h"
#include "kernel_table.h"
#include "tensor.h"

namespace halogen {

constexpr int32_t kMaxRank = 8;

/// Elements of a tensor, in any order of dimensions.
struct Strided {
  Memory memory;
  int32_t rank;
  int64_t extent[kMaxRank], stride[kMaxRank];
};

/// The elements of `tensor`, its dimensions in their order.
Strided strided(const Tensor &tensor);

/// The name of the kernel that copies; NULL where this library has none.
const char *strided_copy_name(Dtype dtype, Variant variant);

/// Copies; extents are the same on both sides. Returns 0 or a kernel's code.
int strided_copy(Call *call, Dtype dtype, Variant variant, const Strided &from, const Strided &to);

}  // namespace halogen
