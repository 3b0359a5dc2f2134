// Whole numbers, and how many of anything a kernel counts.
#pragma once

#include <cstdint>

namespace halogen {

/// Halide's extents and strides are 31 bits.
constexpr int64_t kMaxElements = (int64_t{1} << 31) - 1;

/// b above 0.
constexpr int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
constexpr int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

/// A GPU's memory, taken in parts: how many of a dimension in one, of `at_once` at most. A part begins where devices want parts of
/// their memory to begin (OpenCL), whatever an element has.
constexpr int64_t gpu_part(int64_t at_once, int64_t extent) {
  constexpr int64_t kAligned = 256;
  return at_once < extent && at_once > kAligned ? at_once / kAligned * kAligned : at_once;
}

}  // namespace halogen
