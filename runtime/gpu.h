// GPUs: which device a call runs on, and workspace in its memory. In a library without GPU kernels all of it refuses.
#pragma once

#include <pthread.h>

#include <halogen/core.h>

#include "HalideRuntime.h"
#include "gpu_driver.h"

namespace halogen {

struct Call;

/// How Halide's OpenCL runtime describes memory behind halide_buffer_t::device. (CUDA: the address itself.)
struct OpenClMemory {
  uint64_t offset;
  void *mem;
};

/// Memory of a device that a context keeps between calls. Blocks belong to a stream: what one call on it has read is read
/// before the next call on it writes.
struct DeviceBlock {
  DeviceBlock *next;
  void *gpu_context;
  void *stream;
  int32_t device_id;
  size_t bytes;
  halide_buffer_t buffer;
  halide_dimension_t dim[2];
};

class GpuState {
 public:
  void init();
  /// Frees memory and modules on every device that was used.
  void destroy(halogen_context *context);
  void trim(halogen_context *context);

  /// Checks that this library has kernels for the device, that a driver is there, and that the context can use it. Sets the
  /// call's stream, device and GPU context.
  halogen_status begin(Call *call, const DLDevice &device);

  /// What byte offsets of tensors must be a multiple of on the call's device, which begin() has set.
  uint64_t offset_alignment(const Call &call) const;

  DeviceBlock *acquire(Call *call, size_t bytes);
  void release(DeviceBlock *block);

 private:
  halogen_status choose_cuda_context(Call *call);
  void remember(const Call &call);
  void free_blocks(halogen_context *context);

  static constexpr int kMaxDevices = 64;
  struct Used {
    void *gpu_context;
    int32_t device_id;
  };

  pthread_mutex_t mutex_;
  DeviceBlock *kept_;
  Used used_[kMaxDevices];  ///< GPU contexts that hold modules of ours; more than these keep theirs until they end
  int32_t used_count_;
  CudaDriver driver_;           ///< loaded by the first call that needs it
  void *primary_[kMaxDevices];  ///< retained primary contexts
};

/// The interface of the GPU kernels in this library; NULL without.
const halide_device_interface_t *gpu_interface();
/// kDLCUDA, kDLOpenCL, or 0 without.
int gpu_device_type();
/// "cuda", "opencl"
const char *gpu_name();

}  // namespace halogen
