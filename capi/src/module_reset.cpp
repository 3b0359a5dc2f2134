#include "init/initializer.h"
#include "module.h"

using namespace halogen;

extern "C" {

halogen_status halogen_module_reset_parameters(halogen_module *module, uint64_t seed, uint64_t stream,
                                               halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  for (int32_t i = 0; i < module->state_count; ++i) {
    const StateEntry &entry = module->state[i];
    if (entry.tensor.data != nullptr) continue;
    return fail(report, HALOGEN_ERROR_NULL_POINTER, "%s: expected an entry with memory, got none: bind some",
                entry.key);
  }
  module_forget(module);
  halogen_status status = HALOGEN_OK;
  for (int32_t i = 0; i < module->state_count && status == HALOGEN_OK; ++i) {
    const StateEntry &entry = module->state[i];
    if (entry.role == StateRole::counter) {
      fill_state(entry);
    } else if (entry.init.kind != HALOGEN_INITIALIZER_TENSOR) {
      status = module_fill(report, module->context, entry, [&](const StateEntry &on_cpu) {
        return initialize(module->context, report, entry.init, {seed, stream + static_cast<uint64_t>(i)},
                          &on_cpu.tensor);
      });
    }
  }
  return status;
}

halogen_status halogen_module_reset_running_stats(halogen_module *module, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  halogen_status status = HALOGEN_OK;
  for (int32_t i = 0; i < module->state_count && status == HALOGEN_OK; ++i) {
    const StateEntry &entry = module->state[i];
    if (entry.role == StateRole::parameter || entry.tensor.data == nullptr) continue;
    status = module_fill(report, module->context, entry, [](const StateEntry &on_cpu) {
      fill_state(on_cpu);
      return HALOGEN_OK;
    });
  }
  return status;
}

}  // extern "C"
