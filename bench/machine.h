// machine.h: what the figures were measured on.
#pragma once

#include <cstddef>
#include <string>

namespace halogen_bench {

/// The processor's name, as the operating system gives it.
std::string cpu_model();

/// Bytes of one core's second-level cache; 512 KiB where the system does not say.
size_t l2_bytes();

/// Bytes of the third-level cache; 32 MiB where the system does not say.
size_t last_level_bytes();

/// The time now, in UTC, ISO 8601.
std::string utc_now();

}  // namespace halogen_bench
