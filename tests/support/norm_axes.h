// A tensor's dimensions as kernels see them: samples, channels, and all others as one.
#pragma once

#include <cstdint>

#include "norm_form.h"

namespace halogen_tests {

// Rows with gaps between them and shorter than this are copied.
inline constexpr int64_t kShortestRow = 8;

/** A tensor as (N, C, S), if S is one axis. */
struct Axes {
  explicit Axes(const TensorForm &form) {
    n_extent = form.shape[0];
    c_extent = form.shape[1];
    n = form.strides[0];
    c = form.strides[1];
    for (size_t d = 2; d < form.shape.size(); ++d) {
      if (form.shape[d] == 1) continue;
      if (s_extent > 1 && s != form.shape[d] * form.strides[d]) one_axis = false;
      s = form.strides[d];
      s_extent *= form.shape[d];
    }
  }

  bool first() const { return one_axis && (s_extent == 1 || s == 1) && (s_extent >= kShortestRow || rows_follow()); }
  bool last() const { return one_axis && (c_extent == 1 || c == 1); }
  bool rows_follow() const { return c_extent == 1 || c == s_extent; }
  bool samples_follow() const { return n_extent == 1 || n == s_extent * place_stride(); }
  /** Of channel-last data: between neighbouring places. */
  int64_t place_stride() const { return s_extent == 1 ? c_extent * (c_extent == 1 ? 1 : c) : s; }

  int64_t n_extent = 1, c_extent = 1, s_extent = 1, n = 0, c = 0, s = 1;
  bool one_axis = true;
};

}  // namespace halogen_tests
