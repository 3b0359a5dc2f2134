// Tensors whose strides no kernel takes: a call on them runs on copies without gaps.
#pragma once

#include "norm_plan.h"
#include "scratch.h"
#include "strided_copy.h"

namespace halogen {

/// A tensor that is copied, before or after the call.
struct NormCopy {
  Memory *memory;          ///< what the call works on
  Strided caller, kernel;  ///< the caller's elements; the same without gaps, less the memory
  bool read, written;
};

struct NormCopies {
  NormCopy copy[5];
  int32_t count;
};

/// Bytes of the copies.
int64_t norm_copies_bytes(const NormProblem &problem, const NormCopies &copies);

/// Makes copies and puts them in the tensors' place.
int norm_gather(Call *call, const NormProblem &problem, const NormCopies &copies, Scratch *scratch);

/// Copies what was written to where it belongs.
int norm_scatter(Call *call, const NormProblem &problem, const NormCopies &copies);

}  // namespace halogen
