#include "init/initializer.h"
#include "module.h"

namespace halogen {
namespace {

/// On a GPU by way of the CPU: the numbers are the same on every device.
halogen_status reset(halogen_module *module, const StateEntry &entry, const Seed &seed, const Report &report) {
  if (entry.tensor.device.device_type == kDLCPU) {
    return initialize(module->context, report, entry.init, seed, &entry.tensor);
  }
  void *host = module->context->workspace.acquire(static_cast<size_t>(entry_bytes(entry, entry.tensor.dtype)));
  if (host == nullptr)
    return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for %s", entry.key);
  DLTensor values = entry.tensor;
  values.data = host;
  values.byte_offset = 0;
  values.device = {kDLCPU, 0};
  halogen_status status = initialize(module->context, report, entry.init, seed, &values);
  if (status == HALOGEN_OK) status = module_copy_in(module->context, entry, host, report.error);
  module->context->workspace.release(host);
  return status;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" halogen_status halogen_module_reset_parameters(halogen_module *module, uint64_t seed, uint64_t stream,
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
      status = reset(module, entry, {seed, stream + static_cast<uint64_t>(i)}, report);
    }
  }
  return status;
}
