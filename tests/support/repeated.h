// Very large tensors that need little memory: the same physical pages over and over.
#pragma once

#include <cstddef>

namespace halogen_tests {

/** `repeats` consecutive views of one block of `block_bytes` (a multiple of the page size). What is written through one view is
 * seen through all. A page that may not be touched lies at either end. */
class RepeatedMapping {
 public:
  RepeatedMapping(size_t block_bytes, size_t repeats);
  ~RepeatedMapping();
  RepeatedMapping(const RepeatedMapping &) = delete;
  RepeatedMapping &operator=(const RepeatedMapping &) = delete;

  /** NULL where the system does not give that many addresses. */
  float *data() const { return data_; }

 private:
  float *data_ = nullptr;
  void *mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
};

}  // namespace halogen_tests
