// Which kernels a call must run: docs/scheduling.md once more, in the tests' own words.
#pragma once

#include <string>
#include <vector>

#include "norm_problem.h"

namespace halogen_tests {

/** Whether the data are worked on as channel-last; copies are of tensors that then do not fit. */
bool runs_channel_last(const NormProblem &problem);

/** Whether the library has that schedule for that problem. */
bool path_applies(const NormProblem &problem, halogen_norm_path path);

/** Whether sets are rows of values that have parameters of their own: scope group, S = 1. Tests stay below what fits in a cache. */
bool rows_are_sets(const NormProblem &problem);

/** The kernels that a forced path consists of, in any order; empty for AUTO, which is free to choose. */
std::vector<std::string> expected_kernels(const NormProblem &problem, halogen_norm_path path);

}  // namespace halogen_tests
