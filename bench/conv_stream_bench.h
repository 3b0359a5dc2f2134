// conv_stream_bench.h: signals in chunks: the problems of up to 8 inputs, a push of as many each.
#pragma once

#include <vector>

#include "conv_problem.h"
#include "settings.h"

namespace halogen_bench {

void register_conv_stream_benchmarks(const std::vector<ConvProblem> &problems, const Settings &settings);

}  // namespace halogen_bench
