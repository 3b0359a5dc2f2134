// How the environment shapes a test run.
//   HALOGEN_TEST_SEED      base of all random data (decimal); printed by every run
//   HALOGEN_TEST_QUICK     set: fewer sizes, for emulators; every kernel is still executed
//   HALOGEN_TEST_COVERAGE  file that receives one line per kernel that ran (support/coverage.h)
//   HALOGEN_ISA            as for the library; tests then enumerate that level only
#pragma once

#include <cstdint>
#include <string>

namespace halogen_tests {

inline constexpr uint64_t default_seed = 20261;

/** The base seed of this run. */
uint64_t base_seed();

/** True where a run should be small. */
bool quick();

/** The value of an environment variable, or "" where it is not set. */
std::string environment(const char *name);

/** Sets an environment variable for its own lifetime; a NULL value removes it. */
class ScopedEnvironment {
 public:
  ScopedEnvironment(const char *name, const char *value);
  ~ScopedEnvironment();
  ScopedEnvironment(const ScopedEnvironment &) = delete;
  ScopedEnvironment &operator=(const ScopedEnvironment &) = delete;

 private:
  std::string name_;
  std::string before_;
  bool was_set_;
};

}  // namespace halogen_tests
