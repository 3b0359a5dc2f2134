// What the GPU tests need of a device. One implementation per kind, each reached through a library loaded at run time, so that the
// tests build and skip where there is no driver.
#pragma once

#include <dlpack/dlpack.h>

#include <cstddef>
#include <memory>
#include <string>

namespace halogen_tests {

class Device {
 public:
  virtual ~Device() = default;

  /** The kernels' variant: "opencl", "cuda". */
  virtual const char *variant() const = 0;
  virtual DLDevice device() const = 0;
  /** For halogen_context_options. */
  virtual void *context() const = 0;
  virtual void *stream() const = 0;
  /** Another stream than stream(), owned by the device. */
  virtual void *second_stream() = 0;

  /** Memory as DLTensor.data has it; freed with the device. */
  virtual void *allocate(size_t bytes) = 0;
  /** Both wait for everything that was queued on any stream. */
  virtual void upload(void *to, const void *from, size_t bytes) = 0;
  virtual void download(void *to, const void *from, size_t bytes) = 0;
};

/** The first device of this program's kind, or NULL and the reason why there is none. */
std::unique_ptr<Device> open_device(std::string &reason);

/** The device that main() opened. */
Device &the_device();

}  // namespace halogen_tests
