#include "call.h"

#include <cstdio>

namespace halogen {

void Call::note(halogen_status what, const char *text) {
  if (failed.exchange(true, std::memory_order_acq_rel)) return;
  status = what;
  std::snprintf(message, sizeof(message), "%s", text);
}

halogen_status Call::finish(int code) {
  if (code == 0) return HALOGEN_OK;
  const Report report = {context, error};
  if (failed.load(std::memory_order_acquire) && status != HALOGEN_OK) return fail(report, status, "%s", message);
  return fail(report, HALOGEN_ERROR_INTERNAL, "a kernel returned the code %d", code);
}

}  // namespace halogen
