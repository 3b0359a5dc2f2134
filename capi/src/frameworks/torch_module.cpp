#include "torch_module.h"

#include <cmath>
#include <cstdio>

namespace halogen {
namespace {

/// The dtype of the parameters and running statistics; false where the module has none.
bool state_dtype(const halogen_module &module, DLDataType *dtype) {
  for (int32_t i = 0; i < module.state_count; ++i) {
    if (module.state[i].tensor.dtype.code == kDLInt) continue;
    *dtype = module.state[i].tensor.dtype;
    return true;
  }
  return false;
}

}  // namespace

const DLTensor *torch_state(const halogen_module &module, const char *key) {
  const StateEntry *entry = module_find(&module, key);
  return entry != nullptr ? &entry->tensor : nullptr;
}

TorchSizes::TorchSizes(const int64_t *sizes, int32_t count) {
  size_t used = static_cast<size_t>(std::snprintf(text, sizeof(text), "["));
  for (int32_t i = 0; i < count && used < sizeof(text); ++i) {
    used += static_cast<size_t>(
        std::snprintf(text + used, sizeof(text) - used, "%s%lld", i > 0 ? ", " : "", static_cast<long long>(sizes[i])));
  }
  if (used < sizeof(text)) std::snprintf(text + used, sizeof(text) - used, "]");
}

halogen_status torch_check_create(const Report &report, double eps, const DLDataType &dtype, const DLDevice &device) {
  if (!(eps >= 0) || !std::isfinite(eps)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "eps: expected a finite number of 0 or more, got %g", eps);
  }
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

halogen_status torch_check_tensors(const Report &report, const halogen_module &module, const ForwardCall &call) {
  Tensor checked;
  const halogen_status status = check_data(report, "input", call.input, !call.only_query, &checked);
  if (status != HALOGEN_OK) return status;
  if (call.output == nullptr) return fail_null(report, "output");
  for (int32_t i = 0; i < module.state_count && !call.only_query; ++i) {
    if (module.state[i].tensor.data != nullptr) continue;
    return fail(report, HALOGEN_ERROR_NULL_POINTER,
                "%s: expected memory on the GPU, got none: halogen_module_bind_state() gives it", module.state[i].key);
  }
  return HALOGEN_OK;
}

halogen_status torch_check_input(const Report &report, const halogen_module &module, const DLTensor &input) {
  DLDataType state;
  if (state_dtype(module, &state) && !same_dtype(state, input.dtype)) {
    const char *why = !same_dtype(state, kFloat32) ? "expect parameter to have scalar type of Float"
                      : input.dtype.bits != 16     ? "all inputs must share same datatype."
                                                   : nullptr;
    if (why != nullptr) {
      return fail(report, HALOGEN_ERROR_DTYPE, "mixed dtype (CPU): %s (input %s, module %s)", why,
                  DtypeText(input.dtype).text, DtypeText(state).text);
    }
  }
  if (input.device.device_type == module.device.device_type && input.device.device_id == module.device.device_id) {
    return HALOGEN_OK;
  }
  return fail(report, HALOGEN_ERROR_DEVICE, "input: expected the module's device (type %d, id %d), got (%d, %d)",
              static_cast<int>(module.device.device_type), module.device.device_id,
              static_cast<int>(input.device.device_type), input.device.device_id);
}

halogen_status torch_out_of_memory(const Report &report, halogen_module *incomplete) {
  halogen_module_destroy(incomplete);
  return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for a module and its state");
}

}  // namespace halogen
