// The tests' tensors in a device's memory.
#pragma once

#include <vector>

#include "device.h"
#include "support/norm_gradients.h"
#include "support/variants.h"

namespace halogen_tests {

/** Device memory by slot, reused, as it is dear. */
class DevicePlacement : public Placement {
 public:
  void *put(size_t slot, const void *bytes, size_t size) override {
    if (slot >= slots_.size()) slots_.resize(slot + 1);
    Slot &to = slots_[slot];
    if (size > to.capacity || to.memory == nullptr) {
      to.capacity = 2 * size + 64;
      to.memory = the_device().allocate(to.capacity);
    }
    if (size > 0) the_device().upload(to.memory, bytes, size);
    return to.memory;
  }
  void get(size_t slot, void *bytes, size_t size) override {
    if (size > 0) the_device().download(bytes, slots_[slot].memory, size);
  }
  DLDevice device() const override { return the_device().device(); }

 private:
  struct Slot {
    void *memory = nullptr;
    size_t capacity = 0;
  };
  std::vector<Slot> slots_;
};

inline DevicePlacement &placement() {
  static DevicePlacement all;
  return all;
}

/** A context on the device. */
inline halogen_context *device_context() {
  static const Context made([] {
    halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
    options.gpu_context = the_device().context();
    options.gpu_stream = the_device().stream();
    return options;
  }());
  return made.get();
}

}  // namespace halogen_tests
