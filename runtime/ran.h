// What a call ran: the names of its kernels, and telling them.
#pragma once

#include <halogen/core.h>

#include <cstddef>

namespace halogen {

/// Names of kernels in the order they run, separated by ' '; from the first that has no room on they are left out.
struct KernelNames {
  char *text;
  size_t size, used = 0;
  const char *missing = nullptr;

  KernelNames(char *to, size_t size_of_it) : text(to), size(size_of_it) { text[0] = '\0'; }
  /// `name` NULL: the library has no such kernel, and `role` is missing.
  void add(const char *name, const char *role);
};

/// Tells the context's log which kernels a call ran, if it has one. `what`: the call.
void log_ran(const halogen_context &context, const char *what, const halogen_kernel_info &ran);

}  // namespace halogen
