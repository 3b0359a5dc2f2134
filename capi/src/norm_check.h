// The checks of a normalisation's arguments, forward and backward.
#pragma once

#include <halogen/ops.h>

#include "norm_backward.h"
#include "norm_tensors.h"

namespace halogen {

/// What both directions have. Not movable: fields point into it.
struct NormCallBase {
  static constexpr int32_t kMaxData = 5, kMaxVectors = 9;

  NormCallBase() = default;
  NormCallBase(const NormCallBase &) = delete;
  NormCallBase &operator=(const NormCallBase &) = delete;

  NormProblem problem;
  NormCopies copies;
  DLDevice device;
  bool empty;
  DataField data[kMaxData];
  VectorField vectors[kMaxVectors];
  int32_t data_count, vector_count;
};

struct NormCall : NormCallBase {
  NormTensors tensors;
  NormScalars scalars;
};

struct NormBackwardCall : NormCallBase {
  NormBackwardTensors tensors;
  NormBackwardScalars scalars;
  halogen_norm_path path;  ///< as asked for, or the one that sums need
};

/// `need_data` false: for a query, whose tensors may have no data.
halogen_status check_norm(const Report &report, const halogen_norm_args &args, bool need_data, NormCall *call);
halogen_status check_norm_backward(const Report &report, const halogen_norm_backward_args &args, bool need_data,
                                   NormBackwardCall *call);

}  // namespace halogen
