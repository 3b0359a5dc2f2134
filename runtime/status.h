// How a call fails: one function that writes the caller's halogen_error and the context's log, and returns the status.
#pragma once

#include <halogen/core.h>

namespace halogen {

/// Where a call's message goes. Either may be NULL: the context (no log then), the caller's error.
struct Report {
  const halogen_context *context;
  halogen_error *error;
};

/// Writes the message (printf format) and returns `status`, for `return fail(...)`.
halogen_status fail(const Report &report, halogen_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/// For pointers that a call cannot do without.
halogen_status fail_null(const Report &report, const char *what);

}  // namespace halogen
