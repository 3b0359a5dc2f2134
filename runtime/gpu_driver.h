// The few functions of the drivers that Halide's runtime has no name for. Libraries are loaded at the first use; loading one twice
// gives the same.
#pragma once

#include <cstdint>

namespace halogen {

/// A function of libcuda.so.1 or libOpenCL.so.1, whichever this library has kernels for; NULL where there is none.
void *gpu_symbol(const char *name);

/// Choosing a CUDA context.
struct CudaDriver {
  bool loaded;
  void *functions[7];

  /// The driver's handle of a device. False where there is none with this ordinal.
  bool device(int32_t ordinal, int32_t *handle) const;
  /// The handle of the device that a context is of.
  bool device_of(void *context, int32_t *handle) const;
  /// The thread's current context, with its device, or NULL.
  void *current(int32_t *handle) const;
  /// The primary context of a device handle, or NULL; each retain is paired with a release.
  void *primary_retain(int32_t handle) const;
  void primary_release(int32_t ordinal) const;
};

/// The driver, loaded and initialised; loaded is false where there is none.
CudaDriver cuda_driver();

/// What the offset of a part of a buffer must be a multiple of on a queue's device, in bytes; 0 where the driver does not say.
uint64_t opencl_alignment(void *queue);

/// A queue of our own on a cl_context's device; NULL where the driver refuses.
void *opencl_make_queue(void *context);
void opencl_release_queue(void *queue);

}  // namespace halogen
