#include "ran.h"

#include <cstdio>

#include "context.h"

namespace halogen {

void KernelNames::add(const char *name, const char *role) {
  if (name == nullptr) {
    missing = role;
  } else if (used < size) {
    const int written = std::snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", name);
    if (used + static_cast<size_t>(written) >= size) text[used] = '\0';  // no half of a name
    used += static_cast<size_t>(written);
  }
}

void log_ran(const halogen_context &context, const char *what, const halogen_kernel_info &ran) {
  if (context.options.log == nullptr) return;
  char line[320];
  std::snprintf(line, sizeof(line), "%s ran %s", what, ran.kernels);
  context.options.log(context.options.log_user, HALOGEN_LOG_DEBUG, line);
}

}  // namespace halogen
