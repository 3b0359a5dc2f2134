#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>

#include <cstdlib>
#include <vector>

#include "device.h"

namespace halogen_tests {

namespace {

/** The few functions needed, from the ICD loader. */
struct OpenCl {
  explicit OpenCl(void *library) {
    find(library, "clGetPlatformIDs", get_platforms);
    find(library, "clGetDeviceIDs", get_devices);
    find(library, "clCreateContext", create_context);
    find(library, "clCreateCommandQueue", create_queue);
    find(library, "clCreateBuffer", create_buffer);
    find(library, "clEnqueueWriteBuffer", write);
    find(library, "clEnqueueReadBuffer", read);
    find(library, "clFinish", finish);
    find(library, "clReleaseMemObject", release_buffer);
    find(library, "clReleaseCommandQueue", release_queue);
    find(library, "clReleaseContext", release_context);
  }
  template <typename Function>
  static void find(void *library, const char *name, Function &function) {
    void *symbol = dlsym(library, name);
    if (!symbol) std::abort();
    function = reinterpret_cast<Function>(symbol);
  }

  decltype(&clGetPlatformIDs) get_platforms;
  decltype(&clGetDeviceIDs) get_devices;
  decltype(&clCreateContext) create_context;
  decltype(&clCreateCommandQueue) create_queue;
  decltype(&clCreateBuffer) create_buffer;
  decltype(&clEnqueueWriteBuffer) write;
  decltype(&clEnqueueReadBuffer) read;
  decltype(&clFinish) finish;
  decltype(&clReleaseMemObject) release_buffer;
  decltype(&clReleaseCommandQueue) release_queue;
  decltype(&clReleaseContext) release_context;
};

class OpenClDevice final : public Device {
 public:
  OpenClDevice(const OpenCl &cl, cl_context context, cl_device_id id) : cl_(cl), context_(context), id_(id) {
    queues_.push_back(make_queue());
  }
  ~OpenClDevice() override {
    for (cl_mem buffer : buffers_) cl_.release_buffer(buffer);
    for (cl_command_queue queue : queues_) cl_.release_queue(queue);
    cl_.release_context(context_);
  }

  const char *variant() const override { return "opencl"; }
  DLDevice device() const override { return {kDLOpenCL, 0}; }
  void *context() const override { return context_; }
  void *stream() const override { return queues_[0]; }
  void *second_stream() override {
    queues_.push_back(make_queue());
    return queues_.back();
  }
  void *allocate(size_t bytes) override {
    cl_int error = 0;
    buffers_.push_back(cl_.create_buffer(context_, CL_MEM_READ_WRITE, bytes, nullptr, &error));
    check(error);
    return buffers_.back();
  }
  void upload(void *to, const void *from, size_t bytes) override {
    wait();
    check(cl_.write(queues_[0], static_cast<cl_mem>(to), CL_TRUE, 0, bytes, from, 0, nullptr, nullptr));
  }
  void download(void *to, const void *from, size_t bytes) override {
    wait();
    check(cl_.read(queues_[0], static_cast<cl_mem>(const_cast<void *>(from)), CL_TRUE, 0, bytes, to, 0, nullptr,
                   nullptr));
  }

 private:
  static void check(cl_int error) {
    if (error != CL_SUCCESS) std::abort();
  }
  void wait() {
    for (cl_command_queue queue : queues_) check(cl_.finish(queue));
  }
  cl_command_queue make_queue() {
    cl_int error = 0;
    cl_command_queue queue = cl_.create_queue(context_, id_, 0, &error);
    check(error);
    return queue;
  }

  OpenCl cl_;
  cl_context context_;
  cl_device_id id_;
  std::vector<cl_command_queue> queues_;
  std::vector<cl_mem> buffers_;
};

}  // namespace

std::unique_ptr<Device> open_device(std::string &reason) {
  void *library = dlopen("libOpenCL.so.1", RTLD_NOW);
  if (!library) {
    reason = dlerror();
    return nullptr;
  }
  const OpenCl cl(library);
  cl_platform_id platforms[8];
  cl_uint count = 0;
  if (cl.get_platforms(8, platforms, &count) != CL_SUCCESS || count == 0) {
    reason = "no OpenCL platform (Debian: pocl-opencl-icd)";
    return nullptr;
  }
  for (cl_uint i = 0; i < count && i < 8; ++i) {
    cl_device_id id = nullptr;
    if (cl.get_devices(platforms[i], CL_DEVICE_TYPE_ALL, 1, &id, nullptr) != CL_SUCCESS) continue;
    cl_int error = 0;
    cl_context context = cl.create_context(nullptr, 1, &id, nullptr, nullptr, &error);
    if (error == CL_SUCCESS) return std::make_unique<OpenClDevice>(cl, context, id);
  }
  reason = "no OpenCL device";
  return nullptr;
}

}  // namespace halogen_tests
