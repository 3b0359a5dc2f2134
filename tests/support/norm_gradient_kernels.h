// Which kernels a backward call must run: docs/scheduling.md once more, in the tests' own words.
#pragma once

#include <string>
#include <vector>

#include "norm_gradients.h"

namespace halogen_tests {

/** Whether the library has that schedule backward: sets of several channels sum first, unless they are rows. Without grad_input
 * sums are all that there is, whatever is asked for. */
bool backward_path_applies(const NormProblem &problem, halogen_norm_path path, const GradientWish &wish = {});

/** Whether sets are rows of values that have parameters of their own, taken by norm_backward_..._each. Tests stay below what fits in a
 * cache. */
bool backward_rows_are_sets(const NormProblem &problem, const GradientWish &wish = {});

/** The kernels that a path consists of, in any order; not for AUTO. */
std::vector<std::string> expected_gradient_kernels(const NormProblem &problem, const GradientWish &wish,
                                                   halogen_norm_path path);

/** Empty if those ran, and a query says the same; else what did. AUTO may be any path that applies. With streaming stores or without. */
std::string unexpected_kernels(const NormProblem &problem, const GradientWish &wish, halogen_norm_path path,
                               const GradientResult &result);

}  // namespace halogen_tests
