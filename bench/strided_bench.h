// strided_bench.h: tensors whose strides no kernel takes, which are worked on in a copy.
#pragma once

#include <vector>

#include "problem.h"
#include "settings.h"

namespace halogen_bench {

/// One benchmark per problem with two spatial axes, which lie swapped in the input's memory; one thread.
void register_strided_benchmarks(const std::vector<Problem> &problems, const Settings &settings);

}  // namespace halogen_bench
