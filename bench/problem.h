// problem.h: the shapes that are measured, read from shapes/*.txt.
#pragma once

#include <halogen/ops.h>

#include <cstdint>
#include <string>
#include <vector>

namespace halogen_bench {

struct Problem {
  std::string model;  // the file's name: where the shape comes from
  std::string name;
  std::string scope_name;  // batch, instance, group or layer
  halogen_norm_scope scope = HALOGEN_NORM_SCOPE_BATCH;
  int64_t groups = 0;          // scope group, else 0
  std::vector<int64_t> shape;  // N, C, spatial ones

  int64_t n() const { return shape[0]; }
  int64_t c() const { return shape[1]; }
  /// Values of a channel of a sample.
  int64_t row() const;
  int64_t size() const { return n() * c() * row(); }
  int64_t channels_per_set() const { return groups == 0 ? 1 : c() / groups; }
  std::vector<int64_t> statistics_shape() const;
  std::string shape_text() const;
};

/// All problems of all files in `folder`, sorted by file, in the file's order. Throws std::runtime_error with file and
/// line.
std::vector<Problem> read_problems(const std::string &folder);

}  // namespace halogen_bench
