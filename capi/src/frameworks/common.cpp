#include "common.h"

#include <cmath>

namespace halogen {

bool state_dtype(const halogen_module &module, DLDataType *dtype) {
  for (int32_t i = 0; i < module.state_count; ++i) {
    if (module.state[i].role == StateRole::counter) continue;
    *dtype = module.state[i].tensor.dtype;
    return true;
  }
  return false;
}

const DLTensor *module_tensor(const halogen_module &module, const char *key) {
  const StateEntry *entry = module_find(&module, key);
  return entry != nullptr ? &entry->tensor : nullptr;
}

SizeText::SizeText(const int64_t *sizes, int32_t count) {
  Text to(text, sizeof(text));
  to.add("[");
  for (int32_t i = 0; i < count; ++i) to.add("%s%lld", i > 0 ? ", " : "", static_cast<long long>(sizes[i]));
  to.add("]");
}

Flat::Flat(const DLTensor *entry) : exists_(entry != nullptr) {
  if (entry == nullptr) return;
  tensor_ = *entry;
  for (int32_t i = 0; i < entry->ndim; ++i) length_ *= entry->shape[i];
  tensor_.ndim = 1;
  tensor_.shape = &length_;
  tensor_.strides = nullptr;
}

OutputForm same_form(const DLTensor &input) {
  OutputForm form = {};
  form.ndim = input.ndim;
  for (int32_t i = 0; i < input.ndim; ++i) form.shape[i] = input.shape[i];
  return form;
}

halogen_status check_eps(const Report &report, double eps) {
  if (eps >= 0 && std::isfinite(eps)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_ARGUMENT, "eps: expected a finite number of 0 or more, got %g", eps);
}

halogen_status check_place(const Report &report, const DLDataType &dtype, const DLDevice &device) {
  Dtype known;
  if (!dtype_of(dtype, &known)) {
    return fail(report, HALOGEN_ERROR_DTYPE, "dtype: expected float32, float64, float16 or bfloat16, got %s",
                DtypeText(dtype).text);
  }
  const int type = device.device_type;
  if (type != kDLCPU && (type != gpu_device_type() || type == 0)) {
    return fail(report, HALOGEN_ERROR_DEVICE, "device: expected device_type %d (CPU)%s%s, got %d", kDLCPU,
                gpu_device_type() != 0 ? " or " : "", gpu_name(), type);
  }
  return HALOGEN_OK;
}

halogen_status check_count(const Report &report, const char *name, int64_t count) {
  if (count < 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected 1 or more, got %lld", name,
                static_cast<long long>(count));
  }
  if (count > INT64_MAX / static_cast<int64_t>(sizeof(double))) {
    return fail(report, HALOGEN_ERROR_SIZE, "%s: expected at most 2^60 - 1, got %lld", name,
                static_cast<long long>(count));
  }
  return HALOGEN_OK;
}

halogen_status check_state(const Report &report, const halogen_module &module) {
  for (int32_t i = 0; i < module.state_count; ++i) {
    if (module.state[i].tensor.data != nullptr) continue;
    return fail(report, HALOGEN_ERROR_NULL_POINTER,
                "%s: expected memory on the GPU, got none: halogen_module_bind_state() gives it", module.state[i].key);
  }
  return HALOGEN_OK;
}

halogen_status check_tensors(const Report &report, const halogen_module &module, const ForwardCall &call) {
  Tensor checked;
  const halogen_status status = check_data(report, "input", call.input, !call.only_query, &checked);
  if (status != HALOGEN_OK) return status;
  if (call.output == nullptr) return fail_null(report, "output");
  return call.only_query ? HALOGEN_OK : check_state(report, module);
}

halogen_status check_tensors(const Report &report, const halogen_module &module, const BackwardCall &call) {
  Tensor checked;
  halogen_status status = check_data(report, "input", call.input, true, &checked);
  if (status == HALOGEN_OK) status = check_data(report, "grad_output", call.grad_output, true, &checked);
  return status == HALOGEN_OK ? check_state(report, module) : status;
}

halogen_status check_device(const Report &report, const halogen_module &module, const DLTensor &input) {
  if (input.device.device_type == module.device.device_type && input.device.device_id == module.device.device_id) {
    return HALOGEN_OK;
  }
  return fail(report, HALOGEN_ERROR_DEVICE, "input: expected the module's device (type %d, id %d), got (%d, %d)",
              static_cast<int>(module.device.device_type), module.device.device_id,
              static_cast<int>(input.device.device_type), input.device.device_id);
}

halogen_status check_gradient(const Report &report, const halogen_module &module, const char *name, const char *key,
                              const DLTensor *gradient) {
  if (gradient == nullptr) return HALOGEN_OK;
  const StateEntry *entry = key != nullptr ? module_find(&module, key) : nullptr;
  if (entry == nullptr) {
    return fail(report, HALOGEN_ERROR_KEY,
                "%s: expected NULL, since the module has no such parameter that gets a gradient", name);
  }
  Tensor checked;
  const halogen_status status = check_tensor(report, name, gradient, entry->tensor.dtype, true, &checked);
  if (status != HALOGEN_OK) return status;
  bool same = checked.ndim == entry->tensor.ndim;
  for (int32_t i = 0; same && i < checked.ndim; ++i) same = checked.shape[i] == entry->shape[i];
  if (same) return HALOGEN_OK;
  return fail(report, entry->mismatch, "%s: expected the parameter's shape %s, got %s", name,
              SizeText(entry->shape, entry->tensor.ndim).text, SizeText(checked.shape, checked.ndim).text);
}

}  // namespace halogen
