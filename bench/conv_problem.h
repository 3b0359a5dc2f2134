// conv_problem.h: the transposed convolutions that are measured, read from shapes/conv_transpose1d/*.txt.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace halogen_bench {

struct ConvProblem {
  std::string model;  // the file's name: where the shape comes from
  std::string name;
  int64_t n, c_in, c_out, kernel, stride, pad_left, pad_right, groups, length;

  int64_t out_length() const { return (length - 1) * stride + kernel - pad_left - pad_right; }
  double weights() const { return static_cast<double>(c_in * (c_out / groups) * kernel); }
  /// Multiplications and additions that reach the output, its ends included.
  double flops() const;
  /// Bytes of input, weights and output.
  double bytes() const;
  std::string shape() const;
};

/// All problems of all files in `folder`, sorted by file, in the file's order. Throws std::runtime_error with file and
/// line.
std::vector<ConvProblem> read_conv_problems(const std::string &folder);

}  // namespace halogen_bench
