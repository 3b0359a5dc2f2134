// norm_bench.h: halogen_norm_forward and halogen_norm_backward beside copies of as many bytes.
#pragma once

#include <vector>

#include "problem.h"
#include "settings.h"

namespace halogen_bench {

/// One benchmark per problem, mode, dtype, layout and thread count: forward with the input's statistics (batch norm: running ones
/// move) and, batch norm, with given ones; backward with saved ones, for the gradients of input, weight and bias. Without
/// settings.all only forward, f32, channel-first.
void register_norm_benchmarks(const std::vector<Problem> &problems, const Settings &settings);

}  // namespace halogen_bench
