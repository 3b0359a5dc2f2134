// State by key: seen, copied in, bound.
#include <cstring>

#include "module.h"

namespace halogen {
namespace {

constexpr DLDevice kCpu = {kDLCPU, 0};

halogen_status unknown_key(const Report &report, const halogen_module &module, const char *key) {
  char keys[200];
  Text text(keys, sizeof(keys));
  for (int32_t i = 0; i < module.state_count; ++i) text.add("%s%s", i > 0 ? ", " : "", module.state[i].key);
  return fail(report, HALOGEN_ERROR_KEY, "expected one of the keys [%s], got \"%.64s\"", keys, key);
}

/// Checks that `tensor` is one of the entry's shape and dtype on `device`.
halogen_status match(const Report &report, const StateEntry &entry, const DLTensor *tensor, const DLDevice &device,
                     Tensor *checked) {
  const halogen_status status = check_tensor(report, entry.key, tensor, entry.tensor.dtype, true, checked);
  if (status != HALOGEN_OK) return status;
  if (checked->ndim != entry.tensor.ndim) {
    return fail(report, HALOGEN_ERROR_RANK, "%s: expected %d dimensions, got %d", entry.key, entry.tensor.ndim,
                checked->ndim);
  }
  for (int32_t i = 0; i < checked->ndim; ++i) {
    if (checked->shape[i] == entry.shape[i]) continue;
    Tensor expected = *checked;
    expected.shape = entry.shape;
    char wanted[160], got[160];
    return fail(report, entry.mismatch, "%s: expected %s, got %s", entry.key, shape_text(expected, wanted),
                shape_text(*checked, got));
  }
  if (tensor->device.device_type != device.device_type || tensor->device.device_id != device.device_id) {
    return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected a tensor on device (type %d, id %d), got (%d, %d)",
                entry.key, static_cast<int>(device.device_type), device.device_id,
                static_cast<int>(tensor->device.device_type), tensor->device.device_id);
  }
  return HALOGEN_OK;
}

/// What a tensor must be for an entry that it is copied to, or becomes.
halogen_status check_set(const Report &report, const StateEntry &entry, const DLTensor *tensor, bool by_reference) {
  Tensor checked;
  const halogen_status status = match(report, entry, tensor, by_reference ? entry.tensor.device : kCpu, &checked);
  if (status != HALOGEN_OK || by_reference || entry.tensor.data != nullptr) return status;
  return fail(report, HALOGEN_ERROR_NULL_POINTER, "%s: expected an entry with memory to copy to, got none: bind some",
              entry.key);
}

/// Of a tensor that has been checked.
halogen_status set(halogen_module *module, StateEntry *entry, const DLTensor &tensor, bool by_reference,
                   halogen_error *error) {
  if (!by_reference) {
    return module_copy_in(module->context, *entry, static_cast<const char *>(tensor.data) + tensor.byte_offset, error);
  }
  StateMemory bound;
  bound.memory = {tensor.device, tensor.data, tensor.byte_offset};
  module_replace(module, entry, bound);
  return HALOGEN_OK;
}

StateEntry *find(halogen_module *module, const char *key) { return const_cast<StateEntry *>(module_find(module, key)); }

halogen_status set_one(halogen_module *module, const char *key, const DLTensor *tensor, bool by_reference,
                       halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  if (key == nullptr) return fail_null(report, "key");
  StateEntry *entry = find(module, key);
  if (entry == nullptr) return unknown_key(report, *module, key);
  const halogen_status status = check_set(report, *entry, tensor, by_reference);
  if (status != HALOGEN_OK) return status;
  module_forget(module);
  return set(module, entry, *tensor, by_reference, error);
}

/// The keys that are missing or too many, in the words of torch's load_state_dict().
halogen_status check_keys(const Report &report, const halogen_module &module, const char *const *keys, size_t count) {
  char words[400];
  Text text(words, sizeof(words));
  const char *separator = " Missing key(s) in state_dict: ";
  for (int32_t i = 0; i < module.state_count; ++i) {
    bool given = false;
    for (size_t k = 0; k < count; ++k) given = given || std::strcmp(keys[k], module.state[i].key) == 0;
    if (given) continue;
    text.add("%s\"%s\"", separator, module.state[i].key);
    separator = ", ";
  }
  if (text.length() > 0) text.add(".");
  separator = " Unexpected key(s) in state_dict: ";
  bool unexpected = false;
  for (size_t k = 0; k < count; ++k) {
    if (module_find(&module, keys[k]) != nullptr) continue;
    text.add("%s\"%.64s\"", separator, keys[k]);
    separator = ", ";
    unexpected = true;
  }
  if (unexpected) text.add(".");
  if (text.length() == 0) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_KEY, "Error(s) in loading state_dict for %s:%s", module.kind->name(module), words);
}

halogen_status check_all(const Report &report, halogen_module *module, const char *const *keys,
                         const DLTensor *const *tensors, size_t count, bool strict, bool by_reference) {
  for (size_t k = 0; k < count; ++k) {
    if (keys[k] == nullptr)
      return fail(report, HALOGEN_ERROR_NULL_POINTER, "keys[%zu]: expected a pointer, got NULL", k);
    for (size_t before = 0; before < k; ++before) {
      if (std::strcmp(keys[before], keys[k]) != 0) continue;
      return fail(report, HALOGEN_ERROR_KEY, "expected each key once, got \"%.64s\" twice", keys[k]);
    }
  }
  halogen_status status = strict ? check_keys(report, *module, keys, count) : HALOGEN_OK;
  for (size_t k = 0; k < count && status == HALOGEN_OK; ++k) {
    const StateEntry *entry = find(module, keys[k]);
    if (entry != nullptr) status = check_set(report, *entry, tensors[k], by_reference);
  }
  return status;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

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
  return set_one(module, key, tensor, false, error);
}

halogen_status halogen_module_bind_state(halogen_module *module, const char *key, const DLTensor *tensor,
                                         halogen_error *error) {
  return set_one(module, key, tensor, true, error);
}

halogen_status halogen_module_set_states(halogen_module *module, const char *const *keys,
                                         const DLTensor *const *tensors, size_t count, int32_t strict,
                                         int32_t by_reference, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  if (keys == nullptr && count > 0) return fail_null(report, "keys");
  if (tensors == nullptr && count > 0) return fail_null(report, "tensors");
  if ((strict != 0 && strict != 1) || (by_reference != 0 && by_reference != 1)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "strict, by_reference: expected 0 or 1 each, got %d, %d", strict,
                by_reference);
  }
  halogen_status status = check_all(report, module, keys, tensors, count, strict != 0, by_reference != 0);
  if (status != HALOGEN_OK) return status;
  module_forget(module);
  for (size_t k = 0; k < count && status == HALOGEN_OK; ++k) {
    StateEntry *entry = find(module, keys[k]);
    if (entry != nullptr) status = set(module, entry, *tensors[k], by_reference != 0, error);
  }
  return status;
}

}  // extern "C"
