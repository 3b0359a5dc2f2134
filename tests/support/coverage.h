// Which kernels a test program executed. Each is appended to the file named by HALOGEN_TEST_COVERAGE when it runs for the first
// time, so a crash loses nothing; tests/check_coverage.cmake compares the files with the kernel table.
//   ran <kernel> <variant>
//   unavailable <variant> <why this machine cannot execute it>
#pragma once

#include <halogen/core.h>

#include <string>
#include <vector>

namespace halogen_tests {

/** Records every kernel that `info` names. */
void record_ran(const halogen_kernel_info &info);

/** Records that no kernel of `variant` can run on this machine. */
void record_unavailable(const std::string &variant, const std::string &reason);

/** The kernels that `info` names, in their order, without the variant behind their names; one of another variant keeps it. */
std::vector<std::string> kernel_names(const halogen_kernel_info &info);

}  // namespace halogen_tests
