// A module of any class, for tests.
#pragma once

#include "conversion.h"
#include "dtype.h"

namespace halogen_tests {

/** Owns a module; one that cannot be made fails the test. */
class Created {
 public:
  explicit Created(const Settings &settings);
  ~Created() { halogen_module_destroy(handle_); }
  Created(const Created &) = delete;
  Created &operator=(const Created &) = delete;

  halogen_module *get() const { return handle_; }
  const DLTensor &state(const std::string &key) const;
  Values numbers(const std::string &key) const;
  /** Numbers from 0.5 to 1.5 everywhere: right for variances, too. */
  void randomise(uint64_t seed) const;

 private:
  halogen_module *handle_ = nullptr;
};

}  // namespace halogen_tests
