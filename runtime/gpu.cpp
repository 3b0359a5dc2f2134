#include "gpu.h"

#include <atomic>
#include <cstring>

#include "call.h"
#include "halogen_target.h"
#include "lock.h"

#if HALOGEN_WITH_CUDA
#include "HalideRuntimeCuda.h"
#endif
#if HALOGEN_WITH_OPENCL
#include "HalideRuntimeOpenCL.h"
#endif

namespace halogen {

#if HALOGEN_WITH_CUDA
const halide_device_interface_t *gpu_interface() { return halide_cuda_device_interface(); }
int gpu_device_type() { return kDLCUDA; }
const char *gpu_name() { return "cuda"; }
#elif HALOGEN_WITH_OPENCL
const halide_device_interface_t *gpu_interface() { return halide_opencl_device_interface(); }
int gpu_device_type() { return kDLOpenCL; }
const char *gpu_name() { return "opencl"; }
#else
const halide_device_interface_t *gpu_interface() { return nullptr; }
int gpu_device_type() { return 0; }
const char *gpu_name() { return ""; }
#endif

#if HALOGEN_WITH_CUDA || HALOGEN_WITH_OPENCL

void GpuState::init() { pthread_mutex_init(&mutex_, nullptr); }

void GpuState::free_blocks(halogen_context *context) {
  DeviceBlock *block = nullptr;
  {
    const Lock lock(&mutex_);
    block = kept_;
    kept_ = nullptr;
  }
  while (block != nullptr) {
    DeviceBlock *next = block->next;
    Call call(context, block->stream, block->device_id, nullptr);
    call.gpu_context = block->gpu_context;
    halide_device_free(&call, &block->buffer);
    context->workspace.release(block);
    block = next;
  }
}

void GpuState::destroy(halogen_context *context) {
  free_blocks(context);
  for (int32_t i = 0; i < used_count_; ++i) {
    Call call(context, context->options.gpu_stream, used_[i].device_id, nullptr);
    call.gpu_context = used_[i].gpu_context;
#if HALOGEN_WITH_OPENCL
    // The caller's queues may be gone by now. Halide waits for the one it is given before it releases programs.
    call.stream = opencl_make_queue(call.gpu_context);
    if (call.stream == nullptr) continue;
#endif
    halide_device_release(&call, gpu_interface());
#if HALOGEN_WITH_OPENCL
    opencl_release_queue(call.stream);
#endif
  }
#if HALOGEN_WITH_CUDA
  for (int32_t device = 0; device < kMaxDevices; ++device) {
    if (primary_[device] != nullptr) driver_.primary_release(device);
  }
#endif
  pthread_mutex_destroy(&mutex_);
}

void GpuState::trim(halogen_context *context) { free_blocks(context); }

void GpuState::remember(const Call &call) {
  const Lock lock(&mutex_);
  for (int32_t i = 0; i < used_count_; ++i) {
    if (used_[i].gpu_context == call.gpu_context) return;
  }
  if (used_count_ < kMaxDevices) used_[used_count_++] = {call.gpu_context, call.device_id};
}

#if HALOGEN_WITH_CUDA

halogen_status GpuState::begin(Call *call, const DLDevice &device) {
  const Report report = {call->context, call->error};
  if (call->stream == nullptr) call->stream = call->context->options.gpu_stream;
  call->device_id = device.device_id;
  if (device.device_id < 0 || device.device_id >= kMaxDevices) {
    return fail(report, HALOGEN_ERROR_DEVICE, "expected a device_id from 0 to %d, got %d", kMaxDevices - 1,
                device.device_id);
  }
  {
    const Lock lock(&mutex_);
    if (!driver_.loaded) driver_ = cuda_driver();
  }
  if (!driver_.loaded) {
    return fail(report, HALOGEN_ERROR_DRIVER, "libcuda.so.1 is missing or cannot be initialised: no CUDA driver here");
  }
  const halogen_status status = choose_cuda_context(call);
  if (status == HALOGEN_OK) remember(*call);
  return status;
}

/// The caller's context, or the thread's current one where it is of the tensor's device, or the device's primary one, which
/// is retained until destroy().
halogen_status GpuState::choose_cuda_context(Call *call) {
  const Report report = {call->context, call->error};
  int32_t wanted = 0;
  if (!driver_.device(call->device_id, &wanted)) {
    return fail(report, HALOGEN_ERROR_DEVICE, "expected a CUDA device of this machine, got device_id %d",
                call->device_id);
  }
  int32_t device = 0;
  call->gpu_context = call->context->options.gpu_context;
  if (call->gpu_context != nullptr) {
    if (!driver_.device_of(call->gpu_context, &device)) {
      return fail(report, HALOGEN_ERROR_DRIVER, "options.gpu_context: expected a CUcontext, the driver refuses it");
    }
    if (device == wanted) return HALOGEN_OK;
    return fail(report, HALOGEN_ERROR_DEVICE,
                "expected tensors on the device of options.gpu_context, got tensors on device_id %d", call->device_id);
  }
  call->gpu_context = driver_.current(&device);
  if (call->gpu_context != nullptr && device == wanted) return HALOGEN_OK;
  const Lock lock(&mutex_);
  void *&primary = primary_[call->device_id];
  if (primary == nullptr) primary = driver_.primary_retain(wanted);
  call->gpu_context = primary;
  if (primary != nullptr) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DRIVER, "no CUDA context for device %d could be had from the driver",
              call->device_id);
}

#else

namespace {

// Halide's runtime loads libOpenCL at its first use without a lock, and aborts where two threads do so at once. Its table of
// functions is the process's, so this is too.
pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
std::atomic<bool> loaded{false};

int load_opencl(Call *call) {
  if (loaded.load(std::memory_order_acquire)) return 0;
  const Lock lock(&loading);
  int major = 0, minor = 0;
  const int code = gpu_interface()->compute_capability(call, &major, &minor);
  if (code != 0) return code;
  if (major == 0) {
    call->note(HALOGEN_ERROR_DRIVER, "libOpenCL.so.1 is missing: no OpenCL driver here");
    return halide_error_code_symbol_not_found;
  }
  loaded.store(true, std::memory_order_release);
  return 0;
}

}  // namespace

halogen_status GpuState::begin(Call *call, const DLDevice &device) {
  const Report report = {call->context, call->error};
  if (call->stream == nullptr) call->stream = call->context->options.gpu_stream;
  call->device_id = device.device_id;
  call->gpu_context = call->context->options.gpu_context;
  if (call->gpu_context == nullptr || call->stream == nullptr) {
    return fail(report, HALOGEN_ERROR_DEVICE,
                "OpenCL: expected options.gpu_context (cl_context) and a stream "
                "(cl_command_queue), got NULL");
  }
  const halogen_status status = call->finish(load_opencl(call));
  if (status == HALOGEN_OK) remember(*call);
  return status;
}

#endif

uint64_t GpuState::offset_alignment(const Call &call) const {
#if HALOGEN_WITH_OPENCL
  // A tensor that does not begin with its cl_mem is handed to kernels as a sub-buffer.
  const uint64_t alignment = opencl_alignment(call.stream);
  return alignment > 0 ? alignment : 1;
#else
  static_cast<void>(call);
  return 1;
#endif
}

DeviceBlock *GpuState::acquire(Call *call, size_t bytes) {
  {
    const Lock lock(&mutex_);
    for (DeviceBlock **at = &kept_; *at != nullptr; at = &(*at)->next) {
      DeviceBlock *block = *at;
      // Not one that is far too large: it may be needed for what it was made for.
      if (block->stream != call->stream || block->gpu_context != call->gpu_context ||
          block->device_id != call->device_id || block->bytes < bytes || block->bytes > 2 * bytes + 4096) {
        continue;
      }
      *at = block->next;
      return block;
    }
  }
  auto *block = static_cast<DeviceBlock *>(call->context->workspace.acquire(sizeof(DeviceBlock)));
  if (block == nullptr) {
    call->note(HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for a record of device memory");
    return nullptr;
  }
  std::memset(static_cast<void *>(block), 0, sizeof(*block));
  block->gpu_context = call->gpu_context;
  block->stream = call->stream;
  block->device_id = call->device_id;
  block->bytes = bytes;
  // In rows of doubles, the widest type of a workspace, so that large ones fit in Halide's 31 bits.
  constexpr size_t kRow = 64;
  block->dim[0] = {0, kRow, 1, 0};
  block->dim[1] = {0, static_cast<int32_t>((bytes + 8 * kRow - 1) / (8 * kRow)), kRow, 0};
  block->buffer.type = halide_type_t(halide_type_float, 64);
  block->buffer.dimensions = 2;
  block->buffer.dim = block->dim;
  if (halide_device_malloc(call, &block->buffer, gpu_interface()) != 0) {
    call->context->workspace.release(block);
    call->note(HALOGEN_ERROR_DRIVER, "the GPU's driver has no memory for workspace");
    return nullptr;
  }
  return block;
}

void GpuState::release(DeviceBlock *block) {
  if (block == nullptr) return;
  const Lock lock(&mutex_);
  block->next = kept_;
  kept_ = block;
}

#else

void GpuState::init() {}
void GpuState::destroy(halogen_context *) {}
void GpuState::trim(halogen_context *) {}
halogen_status GpuState::begin(Call *call, const DLDevice &) {
  return fail({call->context, call->error}, HALOGEN_ERROR_DEVICE, "this library has no GPU kernels");
}
uint64_t GpuState::offset_alignment(const Call &) const { return 1; }
DeviceBlock *GpuState::acquire(Call *, size_t) { return nullptr; }
void GpuState::release(DeviceBlock *) {}

#endif

}  // namespace halogen
