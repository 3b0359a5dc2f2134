// The checks of a normalisation's arguments.
#pragma once

#include <halogen/ops.h>

#include "norm_copies.h"
#include "norm_run.h"
#include "status.h"

namespace halogen {

/// Everything that a call is about, checked.
struct NormCall {
  NormProblem problem;
  NormTensors tensors;
  NormScalars scalars;
  NormCopies copies;
  DLDevice device;
  bool empty;
};

/// `need_data` false: for a query, whose tensors may have no data.
halogen_status check_norm(const Report &report, const halogen_norm_args &args, bool need_data, NormCall *call);

/// On a GPU whose driver cannot begin a tensor at any byte. The driver is asked only where a tensor has an offset.
halogen_status check_norm_offsets(const Report &report, const NormTensors &tensors, const GpuState &gpu,
                                  const Call &call);

}  // namespace halogen
