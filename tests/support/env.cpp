#include "env.h"

#include <cstdlib>

namespace halogen_tests {

uint64_t base_seed() {
  static const uint64_t seed = [] {
    const std::string text = environment("HALOGEN_TEST_SEED");
    return text.empty() ? default_seed : std::strtoull(text.c_str(), nullptr, 10);
  }();
  return seed;
}

bool quick() { return !environment("HALOGEN_TEST_QUICK").empty(); }

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

ScopedEnvironment::ScopedEnvironment(const char *name, const char *value)
    : name_(name), before_(environment(name)), was_set_(std::getenv(name) != nullptr) {
  if (value) {
    setenv(name, value, 1);
  } else {
    unsetenv(name);
  }
}

ScopedEnvironment::~ScopedEnvironment() {
  if (was_set_) {
    setenv(name_.c_str(), before_.c_str(), 1);
  } else {
    unsetenv(name_.c_str());
  }
}

}  // namespace halogen_tests
