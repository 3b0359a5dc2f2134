// Problems to run, by scope and by option.
#pragma once

#include <vector>

#include "norm_problem.h"

namespace halogen_tests {

class Random;

/** Scope batch, instance, group (3, 2 or 1 groups), and given statistics. */
std::vector<NormProblem> each_scope(const std::vector<int64_t> &shape);

/** Sets what may be asked for besides: weight, bias, running statistics, saved ones, the vectors' type, residual and activation. Which
 * changes with `turn`; all pairs of values come up within 60 turns. */
void set_options(NormProblem &problem, uint64_t turn);

/** Extents are small as a rule, and now and then of several blocks or slabs. */
std::vector<int64_t> random_norm_shape(Random &random);

/** Any scope, shape, dtype, layout and options; tensors without gaps, in slices, or so that they are copied. */
NormProblem random_norm_problem(Random &random);

}  // namespace halogen_tests
