// samples.h: times of one thing, and what is said about them. Medians, because a busy machine spoils means and minima.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace halogen_bench {

class Samples {
 public:
  void add(double seconds) { seconds_.push_back(seconds); }

  double median() const {
    std::vector<double> sorted = seconds_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
  }
  size_t count() const { return seconds_.size(); }
  double min() const { return *std::min_element(seconds_.begin(), seconds_.end()); }

 private:
  std::vector<double> seconds_;
};

/// Seconds per call of `body`, over `repetitions` calls after one that is not counted: it wakes threads and brings the
/// caches into the state that this body leaves behind.
template <typename Body>
double time_block(int repetitions, Body &&body) {
  body();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < repetitions; ++i) body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / repetitions;
}

}  // namespace halogen_bench
