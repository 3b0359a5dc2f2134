// norm_bench.h: halogen_norm_forward beside a copy of the same tensor.
#pragma once

#include <vector>

#include "problem.h"
#include "settings.h"

namespace halogen_bench {

/// One benchmark per problem, mode and thread count: instance norm (the input's statistics), batch norm in training
/// (the input's statistics, running ones move) and in evaluation (given statistics).
void register_norm_benchmarks(const std::vector<Problem> &problems, const Settings &settings);

}  // namespace halogen_bench
