#include "call.h"

#include <cstdio>

#include "HalideRuntime.h"

namespace halogen {
namespace {

/// Codes of kernels and of Halide's runtime by which a GPU's driver may have refused: anything, but what a kernel checks of
/// its arguments. (Compiling a module fails with the generic one.)
bool may_be_the_driver(int code) {
  switch (code) {
    case halide_error_code_generic_error:
    case halide_error_code_copy_to_host_failed:
    case halide_error_code_copy_to_device_failed:
    case halide_error_code_device_malloc_failed:
    case halide_error_code_device_sync_failed:
    case halide_error_code_device_free_failed:
    case halide_error_code_symbol_not_found:
    case halide_error_code_device_run_failed:
    case halide_error_code_gpu_device_error:
    case halide_error_code_device_buffer_copy_failed:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Call::note(halogen_status what, const char *text) {
  if (failed.exchange(true, std::memory_order_acq_rel)) return;
  status = what;
  std::snprintf(message, sizeof(message), "%s", text);
}

halogen_status Call::finish(int code) {
  if (code == 0) return HALOGEN_OK;
  const Report report = {context, error};
  if (failed.load(std::memory_order_acquire) && status != HALOGEN_OK) {
    const bool driver = status == HALOGEN_ERROR_INTERNAL && gpu_context != nullptr && may_be_the_driver(code);
    return fail(report, driver ? HALOGEN_ERROR_DRIVER : status, "%s", message);
  }
  return fail(report, HALOGEN_ERROR_INTERNAL, "a kernel returned the code %d", code);
}

}  // namespace halogen
