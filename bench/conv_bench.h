// conv_bench.h: halogen_conv_transpose1d_forward beside the multiply-adds and the copies that this machine can do.
#pragma once

#include <vector>

#include "conv_problem.h"
#include "settings.h"

namespace halogen_bench {

/// One benchmark per problem and thread count, with packed weights; the one-shot call is measured beside it. With all lines, 16-bit data
/// beside float32, too.
void register_conv_benchmarks(const std::vector<ConvProblem> &problems, const Settings &settings);

}  // namespace halogen_bench
