#include "status.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "context.h"

namespace halogen {

halogen_status fail(const Report &report, halogen_status status, const char *format, ...) {
  const bool logs = report.context != nullptr && report.context->options.log != nullptr;
  if (report.error == nullptr && !logs) return status;

  halogen_error text = HALOGEN_ERROR_INIT;
  text.status = status;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text.message, sizeof(text.message), format, arguments);
  va_end(arguments);

  // An error of another header version: only the bytes that are there are written, and the text stays terminated.
  if (report.error != nullptr && report.error->struct_size > offsetof(halogen_error, message)) {
    const size_t given = report.error->struct_size;
    const size_t size = given < sizeof(text) ? given : sizeof(text);
    text.struct_size = given;
    auto *to = reinterpret_cast<char *>(report.error);
    std::memcpy(to, &text, size);
    to[size - 1] = '\0';
  }
  if (logs) report.context->options.log(report.context->options.log_user, HALOGEN_LOG_ERROR, text.message);
  return status;
}

halogen_status fail_null(const Report &report, const char *what) {
  return fail(report, HALOGEN_ERROR_NULL_POINTER, "%s: expected a pointer, got NULL", what);
}

}  // namespace halogen
