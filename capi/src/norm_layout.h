// A tensor seen as (N, C, S): the only place that looks at the order of dimensions and at strides.
#pragma once

#include <halogen/ops.h>

#include "norm_plan.h"
#include "strided_copy.h"
#include "tensor.h"

namespace halogen {

/// Extents of a shape of at least 2 dimensions. S is 0 where a tensor is empty and S would overflow.
void norm_extents(const Tensor &tensor, halogen_layout layout, NormProblem *problem);

/// The strides in which kernels take it, channel-first (rows dense) or channel-last (channels dense); false: they do not.
bool norm_strides(const Tensor &tensor, halogen_layout layout, bool channel_last, const NormProblem &problem,
                  NormStrides *strides);

/// The tensor's elements with dimensions in the order N, C, and the others.
Strided norm_strided(const Tensor &tensor, halogen_layout layout);

/// The same elements without gaps, channel-first or channel-last; no memory.
Strided norm_dense_strided(const Strided &elements, bool channel_last);

/// The strides without gaps.
NormStrides norm_dense(const NormProblem &problem, bool channel_last);

/// Whether two tensors have no element at the same place, gaps not counted. False where that is not easily seen.
bool apart(const NormProblem &problem, const Tensor &a, const NormStrides &a_strides, const Tensor &b,
           const NormStrides &b_strides);

}  // namespace halogen
