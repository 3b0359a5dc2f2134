#include "init/initializer.h"
#include "module.h"

using namespace halogen;

extern "C" halogen_status halogen_module_reset_parameters(halogen_module *module, uint64_t seed, uint64_t stream,
                                                          halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  for (int32_t i = 0; i < module->state_count; ++i) {
    const StateEntry &entry = module->state[i];
    if (entry.tensor.device.device_type == kDLCPU) continue;
    return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected state on the CPU, got device_type %d", entry.key,
                static_cast<int>(entry.tensor.device.device_type));
  }
  module_forget(module);
  halogen_status status = HALOGEN_OK;
  for (int32_t i = 0; i < module->state_count && status == HALOGEN_OK; ++i) {
    const StateEntry &entry = module->state[i];
    if (entry.role == StateRole::counter) {
      fill_state(entry);
    } else if (entry.init.kind != HALOGEN_INITIALIZER_TENSOR) {
      status =
          initialize(module->context, report, entry.init, {seed, stream + static_cast<uint64_t>(i)}, &entry.tensor);
    }
  }
  return status;
}
