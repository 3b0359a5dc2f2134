// Says what a test was doing when a kernel faulted: doctest names the test case only.
#pragma once

#include <string>

namespace halogen_tests {

/** Notes what runs next; printed if the process dies of a signal. */
void note_running(const std::string &what);

/** Call once, before doctest takes over. */
void install_crash_note();

}  // namespace halogen_tests
