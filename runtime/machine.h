// Facts about this machine that schedules and thread counts depend on. Read once per context.
#pragma once

#include <cstdint>

namespace halogen {

/// Bytes of the data caches; conservative guesses where the system does not say.
struct Caches {
  int64_t l2;          ///< of one core
  int64_t last_level;  ///< of all that share it
};
Caches cache_bytes();

/// CPUs that this process may run on, at least 1.
int32_t available_cpus();

}  // namespace halogen
