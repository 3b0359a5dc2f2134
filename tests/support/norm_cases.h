// Problems to run, by scope and by option.
#pragma once

#include <vector>

#include "norm_problem.h"

namespace halogen_tests {

/** Scope batch, instance, group (3, 2 or 1 groups), and given statistics. */
std::vector<NormProblem> each_scope(const std::vector<int64_t> &shape);

/** Sets what may be asked for besides: weight, bias, running statistics, saved ones, the vectors' type, residual and activation. Which
 * changes with `turn`; all pairs of values come up within 60 turns. */
void set_options(NormProblem &problem, uint64_t turn);

}  // namespace halogen_tests
