// Facts about this machine that schedules and thread counts depend on. Read once per context.
#pragma once

#include <cstdint>

namespace halogen {

/// Bytes of one core's level-2 cache; a conservative guess where the system does not say.
int64_t l2_cache_bytes();

/// CPUs that this process may run on, at least 1.
int32_t available_cpus();

}  // namespace halogen
