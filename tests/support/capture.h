// Proof that a call prints nothing: what reaches file descriptors 1 and 2 while a function runs.
#pragma once

#include <functional>
#include <string>

namespace halogen_tests {

/** Runs `body` with stdout and stderr redirected, and returns what was written to either. Not for use from two threads. */
std::string captured_output(const std::function<void()> &body);

}  // namespace halogen_tests
