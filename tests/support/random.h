// Reproducible random numbers: the same on every platform, unlike the standard library's distributions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "env.h"

namespace halogen_tests {

/** splitmix64. */
class Random {
 public:
  /** @param stream tells the sequences of one run apart; the base seed comes from the environment. */
  explicit Random(uint64_t stream) : state_(base_seed() * 0x9e3779b97f4a7c15u + stream) {}

  uint64_t bits() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /** Uniform in [low, high). */
  double uniform(double low, double high) { return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53; }

  /** Uniform in [0, count). */
  size_t below(size_t count) { return static_cast<size_t>(bits() % count); }

  template <typename T>
  void shuffle(std::vector<T> &values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  uint64_t state_;
};

}  // namespace halogen_tests
