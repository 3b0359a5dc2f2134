#include "module.h"

#include <cstring>

#include "struct_size.h"
#include "tensor.h"

namespace halogen {
namespace {

size_t element_bytes(const DLDataType &dtype) { return dtype.bits / 8u; }

size_t entry_bytes(const StateEntry &entry) {
  return static_cast<size_t>(entry.elements) * element_bytes(entry.tensor.dtype);
}

/// The bits of 1.
uint64_t one_in(const DLDataType &dtype) {
  if (dtype.code == kDLInt) return 1;
  if (same_dtype(dtype, kFloat64)) return 0x3ff0000000000000;
  if (same_dtype(dtype, kFloat32)) return 0x3f800000;
  return same_dtype(dtype, kFloat16) ? 0x3c00 : 0x3f80;
}

void fill(const StateEntry &entry, bool one) {
  const size_t size = element_bytes(entry.tensor.dtype);
  // Little-endian, as all targets are: the first bytes are the value's.
  const uint64_t bits = one ? one_in(entry.tensor.dtype) : 0;
  for (int64_t i = 0; i < entry.elements; ++i) {
    std::memcpy(static_cast<char *>(entry.owned) + static_cast<size_t>(i) * size, &bits, size);
  }
}

halogen_status unknown_key(const Report &report, const halogen_module &module, const char *key) {
  char keys[200] = {0};
  for (int32_t i = 0; i < module.state_count; ++i) {
    if (i > 0) std::strncat(keys, ", ", sizeof(keys) - std::strlen(keys) - 1);
    std::strncat(keys, module.state[i].key, sizeof(keys) - std::strlen(keys) - 1);
  }
  return fail(report, HALOGEN_ERROR_KEY, "expected one of the keys [%s], got \"%.64s\"", keys, key);
}

/// Finds the entry and checks that `tensor` is one of its shape and dtype on `device`.
halogen_status match(const Report &report, halogen_module *module, const char *key, const DLTensor *tensor,
                     const DLDevice &device, StateEntry **entry, Tensor *checked) {
  if (key == nullptr) return fail_null(report, "key");
  *entry = const_cast<StateEntry *>(module_find(module, key));
  if (*entry == nullptr) return unknown_key(report, *module, key);
  const StateEntry &e = **entry;
  const halogen_status status = check_tensor(report, e.key, tensor, e.tensor.dtype, true, checked);
  if (status != HALOGEN_OK) return status;
  if (checked->ndim != e.tensor.ndim) {
    return fail(report, HALOGEN_ERROR_RANK, "%s: expected %d dimensions, got %d", key, e.tensor.ndim, checked->ndim);
  }
  for (int32_t i = 0; i < checked->ndim; ++i) {
    if (checked->shape[i] == e.shape[i]) continue;
    Tensor expected = *checked;
    expected.shape = e.shape;
    char wanted[160], got[160];
    return fail(report, HALOGEN_ERROR_SHAPE, "%s: expected %s, got %s", key, shape_text(expected, wanted),
                shape_text(*checked, got));
  }
  if (tensor->device.device_type != device.device_type || tensor->device.device_id != device.device_id) {
    return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected a tensor on device (type %d, id %d), got (%d, %d)", key,
                static_cast<int>(device.device_type), device.device_id, static_cast<int>(tensor->device.device_type),
                tensor->device.device_id);
  }
  return HALOGEN_OK;
}

constexpr DLDevice kCpu = {kDLCPU, 0};

void forget(halogen_module *module) {
  if (module->forget != nullptr) module->forget(module);
}

}  // namespace

halogen_module *module_allocate(halogen_context *context, size_t bytes) {
  auto *module = static_cast<halogen_module *>(context->workspace.acquire(bytes));
  if (module == nullptr) return nullptr;
  std::memset(static_cast<void *>(module), 0, bytes);
  module->context = context;
  module->training = true;
  return module;
}

bool module_add_state(halogen_module *module, const char *key, const DLDataType &dtype, const int64_t *shape,
                      int32_t ndim, bool one) {
  StateEntry &entry = module->state[module->state_count];
  entry.key = key;
  entry.elements = 1;
  for (int32_t i = 0; i < ndim; ++i) {
    entry.shape[i] = shape[i];
    if (__builtin_mul_overflow(entry.elements, shape[i], &entry.elements)) return false;
  }
  entry.tensor.device = dtype.code == kDLInt ? kCpu : module->device;
  entry.tensor.ndim = ndim;
  entry.tensor.dtype = dtype;
  entry.tensor.shape = entry.shape;
  if (entry.tensor.device.device_type == kDLCPU) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<size_t>(entry.elements), element_bytes(dtype), &bytes)) return false;
    entry.owned = module->context->workspace.acquire(bytes);
    if (entry.owned == nullptr) return false;
    entry.tensor.data = entry.owned;
    fill(entry, one);
  }
  ++module->state_count;
  return true;
}

const StateEntry *module_find(const halogen_module *module, const char *key) {
  for (int32_t i = 0; i < module->state_count; ++i) {
    if (std::strcmp(module->state[i].key, key) == 0) return &module->state[i];
  }
  return nullptr;
}

}  // namespace halogen

using namespace halogen;

extern "C" {

void halogen_module_destroy(halogen_module *module) {
  if (module == nullptr) return;
  forget(module);
  Workspace &workspace = module->context->workspace;
  for (int32_t i = 0; i < module->state_count; ++i) workspace.release(module->state[i].owned);
  workspace.release(module);
}

halogen_status halogen_module_set_training(halogen_module *module, int32_t training, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  if (training != 0 && training != 1) {
    return fail({module->context, error}, HALOGEN_ERROR_ARGUMENT, "training: expected 0 or 1, got %d", training);
  }
  module->training = training != 0;
  forget(module);
  return HALOGEN_OK;
}

halogen_status halogen_module_forward(halogen_module *module, const DLTensor *input, const DLTensor *output,
                                      void *stream, halogen_kernel_info *ran, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  if (ran != nullptr) {
    const halogen_status status = check_struct({module->context, error}, "ran", ran);
    if (status != HALOGEN_OK) return status;
  }
  return module->forward(module, {input, output, stream, false, ran, error});
}

halogen_status halogen_module_query(halogen_module *module, const DLTensor *input, const DLTensor *output,
                                    halogen_kernel_info *info, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  if (info == nullptr) return fail_null({module->context, error}, "info");
  const halogen_status status = check_struct({module->context, error}, "info", info);
  return status != HALOGEN_OK ? status : module->forward(module, {input, output, nullptr, true, info, error});
}

size_t halogen_module_state_count(const halogen_module *module) {
  return module != nullptr ? static_cast<size_t>(module->state_count) : 0;
}

const char *halogen_module_state_key(const halogen_module *module, size_t index) {
  return index < halogen_module_state_count(module) ? module->state[index].key : nullptr;
}

halogen_status halogen_module_state(const halogen_module *module, const char *key, const DLTensor **tensor,
                                    halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  if (key == nullptr) return fail_null(report, "key");
  if (tensor == nullptr) return fail_null(report, "tensor");
  const StateEntry *entry = module_find(module, key);
  if (entry == nullptr) return unknown_key(report, *module, key);
  *tensor = &entry->tensor;
  return HALOGEN_OK;
}

halogen_status halogen_module_load_state(halogen_module *module, const char *key, const DLTensor *tensor,
                                         halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  StateEntry *entry = nullptr;
  Tensor checked;
  const halogen_status status = match(report, module, key, tensor, kCpu, &entry, &checked);
  if (status != HALOGEN_OK) return status;
  if (entry->tensor.device.device_type != kDLCPU) {
    return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected an entry on the CPU to copy to, got one on a GPU: bind it",
                key);
  }
  forget(module);
  std::memmove(static_cast<char *>(entry->tensor.data) + entry->tensor.byte_offset, checked.memory.address(),
               entry_bytes(*entry));
  return HALOGEN_OK;
}

halogen_status halogen_module_bind_state(halogen_module *module, const char *key, const DLTensor *tensor,
                                         halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  if (key == nullptr) return fail_null(report, "key");
  const StateEntry *found = module_find(module, key);
  const DLDevice device = found != nullptr ? found->tensor.device : kCpu;
  StateEntry *entry = nullptr;
  Tensor checked;
  const halogen_status status = match(report, module, key, tensor, device, &entry, &checked);
  if (status != HALOGEN_OK) return status;
  forget(module);
  module->context->workspace.release(entry->owned);
  entry->owned = nullptr;
  entry->tensor.data = tensor->data;
  entry->tensor.byte_offset = tensor->byte_offset;
  return HALOGEN_OK;
}

}  // extern "C"
