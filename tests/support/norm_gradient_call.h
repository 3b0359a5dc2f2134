// A backward call with the tensors it points to, to be run any number of times.
#pragma once

#include <halogen/ops.h>

#include <memory>
#include <vector>

#include "norm_gradients.h"
#include "norm_storage.h"
#include "tensor.h"

namespace halogen_tests {

/** Not movable: `args` holds addresses of its own members. */
class GradientCall {
 public:
  /** `placement` NULL: the tensors are where their copies are. */
  GradientCall(const NormProblem &problem, const GradientData &data, const GradientWish &wish,
               halogen_norm_path path = HALOGEN_NORM_PATH_AUTO, Placement *placement = nullptr);
  GradientCall(const GradientCall &) = delete;
  GradientCall &operator=(const GradientCall &) = delete;

  /** Runs it; on success the kernels go on record. */
  halogen_status run(halogen_context *context);
  /** What the last run has left. */
  GradientResult result();

  /** Bytes of all gradients with memory of their own, gaps included. */
  std::vector<unsigned char> written();
  /** Writes something else there, gaps included. */
  void spoil();

  halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT, query = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;

 private:
  std::vector<StoredTensor> tensors_;
  std::vector<TensorView> views_;
  Placement *placement_;
  size_t input_gradient_;
  halogen_status status_ = HALOGEN_OK;
};

}  // namespace halogen_tests
