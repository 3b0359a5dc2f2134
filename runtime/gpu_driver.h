// The few functions of the CUDA driver that choosing a context takes; libcuda.so.1 is loaded at the first use.
#pragma once

#include <cstdint>

namespace halogen {

struct CudaDriver {
  bool loaded;
  void *functions[4];

  /// The thread's current context, or NULL.
  void *current() const;
  /// The device's primary context, or NULL; each retain is paired with a release.
  void *primary_retain(int32_t device) const;
  void primary_release(int32_t device) const;
};

/// The driver, loaded and initialised; loaded is false where there is none. Loading twice gives the same library.
CudaDriver cuda_driver();

}  // namespace halogen
