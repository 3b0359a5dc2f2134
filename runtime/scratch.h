// Workspace of a call.
#pragma once

#include "call.h"
#include "tensor.h"

namespace halogen {

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

  Memory memory() const {
    if (block_ == nullptr) return {device_, host_, 0};
    if (device_.device_type == kDLOpenCL) {
      const auto *handle = reinterpret_cast<const OpenClMemory *>(block_->buffer.device);
      return {device_, handle->mem, handle->offset};
    }
    return {device_, reinterpret_cast<void *>(block_->buffer.device), 0};
  }

 private:
  Call *call_;
  DLDevice device_;
  void *host_ = nullptr;
  DeviceBlock *block_ = nullptr;
};

}  // namespace halogen
