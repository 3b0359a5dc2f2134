// call_bench.h: what a call costs beside its kernel.
#pragma once

#include "settings.h"

namespace halogen_bench {

/// Calls on tensors of at most 4 KiB. On two values the kernel has next to nothing to do, so that call's time is an
/// upper bound of what validation and dispatch cost.
void register_call_benchmarks(const Settings &settings);

}  // namespace halogen_bench
