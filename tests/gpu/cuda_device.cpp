#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "device.h"

namespace halogen_tests {

namespace {

// The driver's ABI, as far as it is used here; no CUDA toolkit is needed to build.
using Handle = struct Opaque *;
using Pointer = unsigned long long;

struct Cuda {
  explicit Cuda(void *library) {
    find(library, "cuInit", init);
    find(library, "cuDeviceGet", get_device);
    find(library, "cuCtxCreate_v2", create_context);
    find(library, "cuCtxDestroy_v2", destroy_context);
    find(library, "cuCtxSynchronize", synchronize);
    find(library, "cuStreamCreate", create_stream);
    find(library, "cuStreamDestroy_v2", destroy_stream);
    find(library, "cuMemAlloc_v2", allocate);
    find(library, "cuMemFree_v2", free);
    find(library, "cuMemcpyHtoD_v2", upload);
    find(library, "cuMemcpyDtoH_v2", download);
  }
  template <typename Function>
  static void find(void *library, const char *name, Function &function) {
    void *symbol = dlsym(library, name);
    if (!symbol) std::abort();
    function = reinterpret_cast<Function>(symbol);
  }

  int (*init)(unsigned flags);
  int (*get_device)(int *device, int ordinal);
  int (*create_context)(Handle *context, unsigned flags, int device);
  int (*destroy_context)(Handle context);
  int (*synchronize)();
  int (*create_stream)(Handle *stream, unsigned flags);
  int (*destroy_stream)(Handle stream);
  int (*allocate)(Pointer *pointer, size_t bytes);
  int (*free)(Pointer pointer);
  int (*upload)(Pointer to, const void *from, size_t bytes);
  int (*download)(void *to, Pointer from, size_t bytes);
};

void check(int error) {
  if (error != 0) std::abort();
}

class CudaDevice final : public Device {
 public:
  CudaDevice(const Cuda &cuda, Handle context) : cuda_(cuda), context_(context) { streams_.push_back(make_stream()); }
  ~CudaDevice() override {
    for (Pointer pointer : memory_) cuda_.free(pointer);
    for (Handle stream : streams_) cuda_.destroy_stream(stream);
    cuda_.destroy_context(context_);
  }

  const char *variant() const override { return "cuda"; }
  DLDevice device() const override { return {kDLCUDA, 0}; }
  void *context() const override { return context_; }
  void *stream() const override { return streams_[0]; }
  void *second_stream() override {
    streams_.push_back(make_stream());
    return streams_.back();
  }
  void *allocate(size_t bytes) override {
    Pointer pointer = 0;
    check(cuda_.allocate(&pointer, bytes));
    memory_.push_back(pointer);
    return reinterpret_cast<void *>(static_cast<uintptr_t>(pointer));
  }
  void upload(void *to, const void *from, size_t bytes) override {
    check(cuda_.synchronize());
    check(cuda_.upload(reinterpret_cast<uintptr_t>(to), from, bytes));
  }
  void download(void *to, const void *from, size_t bytes) override {
    check(cuda_.synchronize());
    check(cuda_.download(to, reinterpret_cast<uintptr_t>(from), bytes));
  }

 private:
  Handle make_stream() {
    Handle stream = nullptr;
    check(cuda_.create_stream(&stream, 0));
    return stream;
  }

  Cuda cuda_;
  Handle context_;
  std::vector<Handle> streams_;
  std::vector<Pointer> memory_;
};

}  // namespace

std::unique_ptr<Device> open_device(std::string &reason) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  if (!library) {
    reason = dlerror();
    return nullptr;
  }
  const Cuda cuda(library);
  int device = 0;
  Handle context = nullptr;
  if (cuda.init(0) != 0 || cuda.get_device(&device, 0) != 0) {
    reason = "no CUDA device";
    return nullptr;
  }
  if (cuda.create_context(&context, 0, device) != 0) {
    reason = "the CUDA device gives no context";
    return nullptr;
  }
  return std::make_unique<CudaDevice>(cuda, context);
}

}  // namespace halogen_tests
