// conv_backward_bench.h: halogen_conv_transpose1d_backward beside the multiply-adds and the copies that this machine can do.
#pragma once

#include <vector>

#include "conv_problem.h"
#include "settings.h"

namespace halogen_bench {

/// One benchmark per problem, gradient (input, weight, all with the bias') and thread count.
void register_conv_backward_benchmarks(const std::vector<ConvProblem> &problems, const Settings &settings);

}  // namespace halogen_bench
