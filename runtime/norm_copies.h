// Normalisation of data whose strides no kernel takes: through copies without gaps.
#pragma once

#include "norm_run.h"
#include "strided_copy.h"

namespace halogen {

/// The tensors that are copied, as the caller has them and as kernels take them.
struct NormCopies {
  struct Copy {
    bool needed;
    Strided caller, kernel;  ///< the latter without memory
  };
  Copy input, output, residual;

  bool any() const { return input.needed || output.needed || residual.needed; }
};

/// Bytes of the copies.
int64_t norm_copies_bytes(const NormProblem &problem, const NormCopies &copies);

/// norm_run() with copies before and after. A problem that is in place has input and output copied, to the same place.
int norm_run_copied(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
                    const NormScalars &scalars, const NormCopies &copies);

}  // namespace halogen
