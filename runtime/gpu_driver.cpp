#include "gpu_driver.h"

#include <dlfcn.h>

#include <cstddef>

#include "halogen_target.h"

namespace halogen {

#if HALOGEN_WITH_CUDA || HALOGEN_WITH_OPENCL
void *gpu_symbol(const char *name) {
  // The handle is kept open: a driver cannot be unloaded, and dlopen() counts.
  void *library = dlopen(HALOGEN_WITH_CUDA ? "libcuda.so.1" : "libOpenCL.so.1", RTLD_LAZY);
  return library != nullptr ? dlsym(library, name) : nullptr;
}
#endif

#if HALOGEN_WITH_CUDA
namespace {

// Signatures of CUDA's driver API; a CUresult of 0 is success.
using Init = int (*)(unsigned);
using CtxGetCurrent = int (*)(void **);
using CtxGetDevice = int (*)(int *);
using CtxPush = int (*)(void *);
using CtxPop = int (*)(void **);
using DeviceGet = int (*)(int *, int);
using PrimaryRetain = int (*)(void **, int);
using PrimaryRelease = int (*)(int);

enum Function { kCtxGetCurrent, kCtxGetDevice, kCtxPush, kCtxPop, kDeviceGet, kPrimaryRetain, kPrimaryRelease };

template <class Signature>
Signature function(const CudaDriver &driver, Function which) {
  return reinterpret_cast<Signature>(driver.functions[which]);
}

}  // namespace

CudaDriver cuda_driver() {
  CudaDriver driver = {};
  const auto init = reinterpret_cast<Init>(gpu_symbol("cuInit"));
  constexpr const char *kNames[] = {
      "cuCtxGetCurrent", "cuCtxGetDevice",           "cuCtxPushCurrent_v2",         "cuCtxPopCurrent_v2",
      "cuDeviceGet",     "cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2"};
  bool found = init != nullptr;
  for (int i = 0; i < 7; ++i) {
    driver.functions[i] = gpu_symbol(kNames[i]);
    found = found && driver.functions[i] != nullptr;
  }
  driver.loaded = found && init(0) == 0;
  return driver;
}

bool CudaDriver::device(int32_t ordinal, int32_t *handle) const {
  return function<DeviceGet>(*this, kDeviceGet)(handle, ordinal) == 0;
}

bool CudaDriver::device_of(void *context, int32_t *handle) const {
  if (function<CtxPush>(*this, kCtxPush)(context) != 0) return false;
  const bool known = function<CtxGetDevice>(*this, kCtxGetDevice)(handle) == 0;
  function<CtxPop>(*this, kCtxPop)(&context);
  return known;
}

void *CudaDriver::current(int32_t *handle) const {
  void *context = nullptr;
  if (function<CtxGetCurrent>(*this, kCtxGetCurrent)(&context) != 0 || context == nullptr) return nullptr;
  return function<CtxGetDevice>(*this, kCtxGetDevice)(handle) == 0 ? context : nullptr;
}

void *CudaDriver::primary_retain(int32_t handle) const {
  void *context = nullptr;
  return function<PrimaryRetain>(*this, kPrimaryRetain)(&context, handle) == 0 ? context : nullptr;
}

void CudaDriver::primary_release(int32_t ordinal) const {
  int32_t handle = 0;
  if (device(ordinal, &handle)) function<PrimaryRelease>(*this, kPrimaryRelease)(handle);
}

#endif

#if HALOGEN_WITH_OPENCL

// Signatures of OpenCL 1.2; a cl_int of 0 is CL_SUCCESS.
void *opencl_make_queue(void *context) {
  using GetContextInfo = int32_t (*)(void *, uint32_t, size_t, void *, size_t *);
  using CreateQueue = void *(*)(void *, void *, uint64_t, int32_t *);
  constexpr uint32_t kDevices = 0x1081;  // CL_CONTEXT_DEVICES
  constexpr size_t kMostDevices = 64;
  const auto info = reinterpret_cast<GetContextInfo>(gpu_symbol("clGetContextInfo"));
  const auto create = reinterpret_cast<CreateQueue>(gpu_symbol("clCreateCommandQueue"));
  void *devices[kMostDevices] = {nullptr};
  if (info == nullptr || create == nullptr) return nullptr;
  if (info(context, kDevices, sizeof(devices), devices, nullptr) != 0) return nullptr;
  int32_t error = 0;
  void *queue = create(context, devices[0], 0, &error);
  return error == 0 ? queue : nullptr;
}

uint64_t opencl_alignment(void *queue) {
  using GetInfo = int32_t (*)(void *, uint32_t, size_t, void *, size_t *);
  constexpr uint32_t kDevice = 0x1091, kAlignment = 0x1019;  // CL_QUEUE_DEVICE, CL_DEVICE_MEM_BASE_ADDR_ALIGN
  const auto queue_info = reinterpret_cast<GetInfo>(gpu_symbol("clGetCommandQueueInfo"));
  const auto device_info = reinterpret_cast<GetInfo>(gpu_symbol("clGetDeviceInfo"));
  void *device = nullptr;
  uint32_t bits = 0;
  if (queue_info == nullptr || device_info == nullptr) return 0;
  if (queue_info(queue, kDevice, sizeof(device), &device, nullptr) != 0) return 0;
  if (device_info(device, kAlignment, sizeof(bits), &bits, nullptr) != 0) return 0;
  return bits / 8;
}

void opencl_release_queue(void *queue) {
  using ReleaseQueue = int32_t (*)(void *);
  const auto release = reinterpret_cast<ReleaseQueue>(gpu_symbol("clReleaseCommandQueue"));
  if (release != nullptr) release(queue);
}

#endif

}  // namespace halogen
