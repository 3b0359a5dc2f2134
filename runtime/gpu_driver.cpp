#include "gpu_driver.h"

#include <dlfcn.h>

#include "halogen_target.h"

namespace halogen {

#if HALOGEN_WITH_CUDA
namespace {

// Signatures of CUDA's driver API; a CUresult of 0 is success.
using Init = int (*)(unsigned);
using CtxGetCurrent = int (*)(void **);
using DeviceGet = int (*)(int *, int);
using PrimaryRetain = int (*)(void **, int);
using PrimaryRelease = int (*)(int);

enum Function { kCtxGetCurrent, kDeviceGet, kPrimaryRetain, kPrimaryRelease };

bool device_of(const CudaDriver &driver, int32_t ordinal, int *device) {
  return reinterpret_cast<DeviceGet>(driver.functions[kDeviceGet])(device, ordinal) == 0;
}

}  // namespace

CudaDriver cuda_driver() {
  CudaDriver driver = {};
  // The handle is kept open: a driver cannot be unloaded, and dlopen() counts.
  void *library = dlopen("libcuda.so.1", RTLD_LAZY);
  if (library == nullptr) return driver;
  const auto init = reinterpret_cast<Init>(dlsym(library, "cuInit"));
  constexpr const char *kNames[] = {"cuCtxGetCurrent", "cuDeviceGet", "cuDevicePrimaryCtxRetain",
                                    "cuDevicePrimaryCtxRelease_v2"};
  bool found = init != nullptr;
  for (int i = 0; i < 4; ++i) {
    driver.functions[i] = dlsym(library, kNames[i]);
    found = found && driver.functions[i] != nullptr;
  }
  driver.loaded = found && init(0) == 0;
  return driver;
}

void *CudaDriver::current() const {
  void *context = nullptr;
  return reinterpret_cast<CtxGetCurrent>(functions[kCtxGetCurrent])(&context) == 0 ? context : nullptr;
}

void *CudaDriver::primary_retain(int32_t ordinal) const {
  int device = 0;
  void *context = nullptr;
  if (!device_of(*this, ordinal, &device)) return nullptr;
  return reinterpret_cast<PrimaryRetain>(functions[kPrimaryRetain])(&context, device) == 0 ? context : nullptr;
}

void CudaDriver::primary_release(int32_t ordinal) const {
  int device = 0;
  if (device_of(*this, ordinal, &device)) reinterpret_cast<PrimaryRelease>(functions[kPrimaryRelease])(device);
}

#endif

}  // namespace halogen
