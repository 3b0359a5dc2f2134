// problem.h: the shapes that are measured, read from shapes/*.txt.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace halogen_bench {

struct Problem {
  std::string model;  // the file's name: where the shape comes from
  std::string name;
  bool per_instance = false;  // scope instance, else batch
  int64_t n = 0, c = 0, h = 0, w = 0;

  int64_t size() const { return n * c * h * w; }
  /// Values over which one mean is taken.
  int64_t set_size() const { return (per_instance ? 1 : n) * h * w; }
  std::string shape() const;
};

/// All problems of all files in `folder`, sorted by file, in the file's order. Throws std::runtime_error with file and
/// line.
std::vector<Problem> read_problems(const std::string &folder);

}  // namespace halogen_bench
