// Workspace of a call.
#pragma once

#include "call.h"
#include "tensor.h"

namespace halogen {

/// A block of a GPU as tensors have it.
inline Memory device_memory(const DeviceBlock &block, const DLDevice &device) {
  if (device.device_type != kDLOpenCL) return {device, reinterpret_cast<void *>(block.buffer.device), 0};
  const auto *handle = reinterpret_cast<const OpenClMemory *>(block.buffer.device);
  return {device, handle->mem, handle->offset};
}

/// Workspace of a call, on the tensors' device, given back at the end of the scope.
class Scratch {
 public:
  Scratch(Call *call, const DLDevice &device) : call_(call), device_(device) {}
  ~Scratch() {
    call_->context->workspace.release(host_);
    call_->context->gpu.release(block_);
  }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  bool acquire(int64_t bytes) {
    if (device_.device_type == kDLCPU) {
      host_ = call_->context->workspace.acquire(static_cast<size_t>(bytes));
      if (host_ == nullptr) call_->note(HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for workspace");
      return host_ != nullptr;
    }
    block_ = call_->context->gpu.acquire(call_, static_cast<size_t>(bytes));
    return block_ != nullptr;
  }

  Memory memory() const { return block_ == nullptr ? Memory{device_, host_, 0} : device_memory(*block_, device_); }

 private:
  Call *call_;
  DLDevice device_;
  void *host_ = nullptr;
  DeviceBlock *block_ = nullptr;
};

}  // namespace halogen
