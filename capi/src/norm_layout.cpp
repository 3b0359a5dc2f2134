#include "norm_layout.h"

#include <utility>

namespace halogen {
namespace {

// Rows with gaps between them and shorter than this are not worth a loop of their own.
constexpr int64_t kShortestRow = 8;

struct Axis {
  int64_t extent, stride;
};

/// Axes of extents other than 1, outermost first.
struct Axes {
  Axis axis[kMaxRank];
  int32_t count = 0;

  void add(const Tensor &t, int32_t d) {
    if (t.shape[d] == 1) return;
    int64_t stride = 1;
    if (t.strides != nullptr) {
      stride = t.strides[d];
    } else {
      for (int32_t i = d + 1; i < t.ndim; ++i) stride *= t.shape[i];
    }
    axis[count++] = {t.shape[d], stride};
  }
};

}  // namespace

void norm_extents(const Tensor &t, halogen_layout layout, NormProblem *p) {
  const int32_t channel = layout == HALOGEN_LAYOUT_CHANNEL_LAST ? t.ndim - 1 : 1;
  p->N = t.shape[0];
  p->C = t.shape[channel];
  p->S = 1;
  for (int32_t d = 1; d < t.ndim; ++d) {
    // Cannot overflow where the tensor is not empty; where it is, only "empty" matters.
    if (d != channel && __builtin_mul_overflow(p->S, t.shape[d], &p->S)) p->S = 0;
  }
}

Strided norm_strided(const Tensor &t, halogen_layout layout) {
  const Strided as_named = strided(t);
  if (layout == HALOGEN_LAYOUT_CHANNEL_FIRST) return as_named;
  Strided all = as_named;
  const int32_t last = t.ndim - 1;
  all.extent[1] = as_named.extent[last];
  all.stride[1] = as_named.stride[last];
  for (int32_t d = 1; d < last; ++d) {
    all.extent[d + 1] = as_named.extent[d];
    all.stride[d + 1] = as_named.stride[d];
  }
  return all;
}

Strided norm_dense_strided(const Strided &elements, bool channel_last) {
  Strided dense = elements;
  dense.memory = {};
  int64_t stride = 1;
  const auto lay = [&](int32_t d) {
    dense.stride[d] = stride;
    stride *= dense.extent[d];
  };
  if (channel_last) lay(1);
  for (int32_t d = elements.rank - 1; d > 1; --d) lay(d);
  if (!channel_last) lay(1);
  lay(0);
  return dense;
}

NormStrides norm_dense(const NormProblem &p, bool channel_last) {
  return channel_last ? NormStrides{p.C * p.S, 1, p.C} : NormStrides{p.C * p.S, p.S, 1};
}

bool norm_strides(const Tensor &t, halogen_layout layout, bool channel_last, const NormProblem &p, NormStrides *to) {
  const int32_t channel = layout == HALOGEN_LAYOUT_CHANNEL_LAST ? t.ndim - 1 : 1;
  Axes n, c, s;
  n.add(t, 0);
  c.add(t, channel);
  for (int32_t d = 1; d < t.ndim; ++d) {
    if (d != channel) s.add(t, d);
  }
  // All of S must be one axis.
  for (int32_t i = 0; i + 1 < s.count; ++i) {
    if (s.axis[i].stride != s.axis[i + 1].extent * s.axis[i + 1].stride) return false;
  }
  *to = norm_dense(p, channel_last);
  if (s.count > 0) to->s = s.axis[s.count - 1].stride;
  if (c.count > 0) to->c = c.axis[0].stride;
  // A dimension of extent 1 has the stride that leaves no gaps.
  if (c.count == 0 && !channel_last) to->c = p.S * to->s;
  if (s.count == 0 && channel_last) to->s = p.C * to->c;
  to->n = n.count > 0 ? n.axis[0].stride : channel_last ? p.S * to->s : p.C * to->c;
  if (channel_last) return to->c == 1;
  return to->s == 1 && (p.S >= kShortestRow || to->c == p.S);
}

bool apart(const NormProblem &p, const Tensor &a, const NormStrides &a_strides, const Tensor &b,
           const NormStrides &b_strides) {
  if (!overlap(a, b)) return true;
  if (a.memory.device.device_type == kDLOpenCL && a.memory.base != b.memory.base) return true;
  // Slices of one tensor: elements repeat with a period, and in it each has a part of its own.
  const int64_t bytes = a.dtype.bits / 8;
  const auto start = [](const Tensor &t) {
    return static_cast<int64_t>(t.memory.offset) +
           (t.memory.device.device_type == kDLOpenCL ? 0 : reinterpret_cast<intptr_t>(t.memory.base));
  };
  const auto separate = [&](int64_t period, int64_t a_length, int64_t b_length) {
    if (period <= 0) return false;
    const int64_t shift = ((start(b) - start(a)) / bytes % period + period) % period;
    return shift >= a_length && shift + b_length <= period;
  };
  const auto sample = [&](const NormStrides &t) { return (p.C - 1) * t.c + (p.S - 1) * t.s + 1; };
  if ((start(b) - start(a)) % bytes != 0) return false;
  if (a_strides.n == b_strides.n && separate(a_strides.n, sample(a_strides), sample(b_strides))) return true;
  return a_strides.c == 1 && b_strides.c == 1 && a_strides.s == b_strides.s && a_strides.n == b_strides.n &&
         a_strides.s > 0 && a_strides.n % a_strides.s == 0 && separate(a_strides.s, p.C, p.C);
}

}  // namespace halogen
