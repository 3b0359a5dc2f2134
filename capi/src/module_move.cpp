// A module's state in other memory: copies, other dtypes, other devices.
#include <cstring>

#include "call.h"
#include "device_copy.h"
#include "module.h"
#include "number.h"
#include "scratch.h"

namespace halogen {
namespace {

constexpr DLDevice kCpu = {kDLCPU, 0};

bool same_device(const DLDevice &a, const DLDevice &b) {
  return a.device_type == b.device_type && a.device_id == b.device_id;
}

/// New memory for every entry of a module, given back unless it was put to use.
class NewState {
 public:
  /// @param call of the GPU, if one takes part.
  NewState(halogen_context *context, Call *call) : context_(context), call_(call) {}
  ~NewState() {
    for (StateMemory &memory : memory_) {
      context_->workspace.release(memory.owned);
      context_->gpu.release(memory.block);
    }
  }
  NewState(const NewState &) = delete;
  NewState &operator=(const NewState &) = delete;

  /// Memory of `bytes` bytes for entry `index`.
  int acquire(int32_t index, const DLDevice &device, int64_t bytes) {
    StateMemory &memory = memory_[index];
    const auto size = static_cast<size_t>(bytes);
    if (device.device_type == kDLCPU) {
      memory.owned = context_->workspace.acquire(size);
      memory.memory = {kCpu, memory.owned, 0};
    } else {
      memory.block = context_->gpu.acquire(call_, size);
      if (memory.block != nullptr) memory.memory = device_memory(*memory.block, device);
    }
    if (memory.owned != nullptr || memory.block != nullptr) return 0;
    call_->note(HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for a module and its state");
    return -1;
  }

  const Memory &at(int32_t index) const { return memory_[index].memory; }

  /// The entry's memory becomes what was made for it, if anything was.
  void use(halogen_module *module, int32_t index) {
    StateMemory &memory = memory_[index];
    if (memory.owned == nullptr && memory.block == nullptr) return;
    module_replace(module, &module->state[index], memory);
    module->state[index].tensor.device = memory.memory.device;
    memory = {};
  }

 private:
  halogen_context *context_;
  Call *call_;
  StateMemory memory_[kMaxState];
};

Memory memory_of(const StateEntry &entry) { return {entry.tensor.device, entry.tensor.data, entry.tensor.byte_offset}; }

bool on_gpu(const DLDevice &device) { return device.device_type != kDLCPU; }

/// Makes the call ready for a GPU, if one of the devices is one.
halogen_status begin(halogen_context *context, Call *call, const DLDevice &a, const DLDevice &b) {
  if (!on_gpu(a) && !on_gpu(b)) return HALOGEN_OK;
  return context->gpu.begin(call, on_gpu(a) ? a : b);
}

/// Copies an entry that has memory; one without leaves the new memory as it is.
int copy_entry(Call *call, const StateEntry &entry, const Memory &to) {
  const int64_t bytes = entry_bytes(entry, entry.tensor.dtype);
  if (entry.tensor.data == nullptr) return 0;
  if (!on_gpu(entry.tensor.device) || !on_gpu(to.device)) return device_copy(call, memory_of(entry), to, bytes);
  // From a GPU to the same: through the CPU, since Halide copies no other way.
  void *host = call->context->workspace.acquire(static_cast<size_t>(bytes));
  if (host == nullptr) {
    call->note(HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for a copy of a module's state");
    return -1;
  }
  int code = device_copy(call, memory_of(entry), {kCpu, host, 0}, bytes);
  if (code == 0) code = device_copy(call, {kCpu, host, 0}, to, bytes);
  call->context->workspace.release(host);
  return code;
}

}  // namespace

halogen_status module_copy_in(halogen_context *context, const StateEntry &entry, const void *from,
                              halogen_error *error) {
  const Memory to = memory_of(entry);
  const int64_t bytes = entry_bytes(entry, entry.tensor.dtype);
  if (!on_gpu(to.device)) {
    std::memmove(static_cast<char *>(to.base) + to.offset, from, static_cast<size_t>(bytes));
    return HALOGEN_OK;
  }
  Call call(context, nullptr, to.device.device_id, error);
  const halogen_status status = begin(context, &call, to.device, kCpu);
  if (status != HALOGEN_OK) return status;
  return call.finish(device_copy(&call, {kCpu, const_cast<void *>(from), 0}, to, bytes));
}

namespace {

halogen_status clone(const halogen_module &module, halogen_module **result, halogen_error *error) {
  const Report report = {module.context, error};
  Call call(module.context, nullptr, module.device.device_id, error);
  const halogen_status status = begin(module.context, &call, module.device, kCpu);
  if (status != HALOGEN_OK) return status;
  auto *made = static_cast<halogen_module *>(module.context->workspace.acquire(module.kind->bytes));
  if (made == nullptr) return module_out_of_memory(report, nullptr);
  NewState state(module.context, &call);
  int code = 0;
  for (int32_t i = 0; i < module.state_count && code == 0; ++i) {
    const StateEntry &entry = module.state[i];
    if (entry.tensor.data == nullptr) continue;
    code = state.acquire(i, entry.tensor.device, entry_bytes(entry, entry.tensor.dtype));
    if (code == 0) code = copy_entry(&call, entry, state.at(i));
  }
  if (code != 0) {
    module.context->workspace.release(made);
    return call.finish(code);
  }
  std::memcpy(static_cast<void *>(made), &module, module.kind->bytes);
  made->derived = nullptr;
  for (int32_t i = 0; i < made->state_count; ++i) {
    made->state[i].owned = nullptr;
    made->state[i].block = nullptr;
    made->state[i].tensor.shape = made->state[i].shape;
    state.use(made, i);
  }
  *result = made;
  return HALOGEN_OK;
}

/// Copies the entry's values from `from` to `to` as another dtype. Both on the CPU.
void convert_values(const StateEntry &entry, const char *from, const DLDataType &dtype, char *to) {
  const size_t from_size = entry.tensor.dtype.bits / 8u, to_size = dtype.bits / 8u;
  for (int64_t i = 0; i < entry.elements; ++i) {
    const auto index = static_cast<size_t>(i);
    store_number(load_number(entry.tensor.dtype, from + index * from_size), dtype, to + index * to_size);
  }
}

/// Copies the entry into `to` as another dtype; on a GPU by way of `host`, an entry of which is made.
int convert_entry(Call *call, int32_t index, const StateEntry &entry, const DLDataType &dtype, NewState *host,
                  const Memory &to) {
  if (!on_gpu(to.device)) {
    const char *from = static_cast<const char *>(entry.tensor.data) + entry.tensor.byte_offset;
    convert_values(entry, from, dtype, static_cast<char *>(to.base));
    return 0;
  }
  constexpr int64_t kAligned = 16;
  const int64_t bytes = entry_bytes(entry, entry.tensor.dtype), second = (bytes + kAligned - 1) / kAligned * kAligned;
  int code = host->acquire(index, kCpu, second + entry_bytes(entry, dtype));
  if (code == 0) code = device_copy(call, memory_of(entry), host->at(index), bytes);
  if (code != 0) return code;
  const Memory converted = host->at(index).at(second, 1);
  convert_values(entry, static_cast<const char *>(host->at(index).base), dtype,
                 static_cast<char *>(converted.address()));
  return device_copy(call, converted, to, entry_bytes(entry, dtype));
}

halogen_status convert(halogen_module *module, const DLDataType &dtype, halogen_error *error) {
  Call call(module->context, nullptr, module->device.device_id, error);
  const halogen_status status = begin(module->context, &call, module->device, kCpu);
  if (status != HALOGEN_OK) return status;
  NewState state(module->context, &call), host(module->context, &call);
  for (int32_t i = 0; i < module->state_count; ++i) {
    const StateEntry &entry = module->state[i];
    if (entry.role == StateRole::counter || entry.tensor.data == nullptr) continue;
    int code = state.acquire(i, entry.tensor.device, entry_bytes(entry, dtype));
    if (code == 0) code = convert_entry(&call, i, entry, dtype, &host, state.at(i));
    if (code != 0) return call.finish(code);
  }
  module_forget(module);
  for (int32_t i = 0; i < module->state_count; ++i) {
    if (module->state[i].role == StateRole::counter) continue;
    state.use(module, i);
    module->state[i].tensor.dtype = dtype;
  }
  return HALOGEN_OK;
}

halogen_status move(halogen_module *module, const DLDevice &device, void *stream, halogen_error *error) {
  Call call(module->context, stream, device.device_id, error);
  const halogen_status status = begin(module->context, &call, device, module->device);
  if (status != HALOGEN_OK) return status;
  NewState state(module->context, &call);
  for (int32_t i = 0; i < module->state_count; ++i) {
    const StateEntry &entry = module->state[i];
    if (entry.role == StateRole::counter) continue;
    int code = state.acquire(i, device, entry_bytes(entry, entry.tensor.dtype));
    if (code == 0) code = copy_entry(&call, entry, state.at(i));
    if (code != 0) return call.finish(code);
  }
  module_forget(module);
  module->device = device;
  for (int32_t i = 0; i < module->state_count; ++i) state.use(module, i);
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_module_clone(const halogen_module *module, halogen_module **result, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  if (result == nullptr) return fail_null({module->context, error}, "clone");
  return clone(*module, result, error);
}

halogen_status halogen_module_convert(halogen_module *module, DLDataType dtype, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  Dtype known;
  if (!dtype_of(dtype, &known)) {
    return fail(report, HALOGEN_ERROR_DTYPE, "dtype: expected float32, float64, float16 or bfloat16, got %s",
                DtypeText(dtype).text);
  }
  return convert(module, dtype, error);
}

halogen_status halogen_module_to(halogen_module *module, DLDevice device, void *stream, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  const int type = device.device_type;
  if (type != kDLCPU && (type != gpu_device_type() || type == 0)) {
    return fail(report, HALOGEN_ERROR_DEVICE, "device: expected device_type %d (CPU)%s%s, got %d", kDLCPU,
                gpu_device_type() != 0 ? " or " : "", gpu_name(), type);
  }
  if (same_device(device, module->device)) return HALOGEN_OK;
  if (on_gpu(device) && on_gpu(module->device)) {
    return fail(report, HALOGEN_ERROR_DEVICE, "device: expected the CPU or device_id %d, got device_id %d",
                module->device.device_id, device.device_id);
  }
  for (int32_t i = 0; i < module->state_count; ++i) {
    if (module->state[i].tensor.data != nullptr) continue;
    return fail(report, HALOGEN_ERROR_NULL_POINTER, "%s: expected memory on the GPU, got none", module->state[i].key);
  }
  return move(module, device, stream, error);
}

}  // extern "C"
