// One call's record: what Halide's runtime is given as user_context. It lives on the caller's stack, one per call, since a
// context is shared by threads.
#pragma once

#include <atomic>

#include "context.h"
#include "status.h"

namespace halogen {

struct Call {
  halogen_context *context;
  void *stream;                 ///< CUstream or cl_command_queue of this call
  void *gpu_context = nullptr;  ///< CUcontext or cl_context, set by GpuState::begin(); NULL on the CPU
  int32_t device_id;            ///< ordinal of the GPU
  halogen_error *error;
  /// What Halide, an allocation or the driver said first, if anything.
  std::atomic<bool> failed{false};
  halogen_status status = HALOGEN_OK;
  char message[400] = {0};
  /// Parallel loops of this call that are running; a loop begun inside one runs in line.
  std::atomic<int32_t> loops{0};

  Call(halogen_context *c, void *s, int32_t d, halogen_error *e) : context(c), stream(s), device_id(d), error(e) {}

  /// Keeps the first failure; thread-safe.
  void note(halogen_status what, const char *text);
  /// The status of a finished call whose kernels returned `code`: OK, or the noted failure, reported.
  halogen_status finish(int code);
};

}  // namespace halogen
