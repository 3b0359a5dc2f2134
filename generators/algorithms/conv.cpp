#include "conv.h"

#include <vector>

namespace halogen {

using namespace Halide;

TapSum tap_sum(ImageParam x, ImageParam w, const Expr &step, const Expr &dilation) {
  TapSum t;
  const Expr taps = w.dim(1).extent();
  t.taps = RDom(0, taps, 0, w.dim(2).extent(), "taps");
  t.sum(t.lane, t.u, t.kb, t.cb) = cast(x.type(), 0);
  std::vector<Expr> at{t.u * step + (taps - 1 - t.taps.x) * dilation, t.taps.y};
  if (x.dimensions() == 3) at.emplace_back(t.kb);
  t.sum(t.lane, t.u, t.kb, t.cb) += w(t.lane, t.taps.x, t.taps.y, t.kb, t.cb) * x(at);
  return t;
}

TapSum pair_sum(ImageParam x, ImageParam w, const Expr &step, const Expr &dilation) {
  TapSum t;
  const Expr taps = w.dim(2).extent();
  t.taps = RDom(0, taps, 0, w.dim(3).extent(), 0, 2, "taps");
  // Halide's own type, because it is what the product of AVX512-BF16 is known by.
  const auto value = [](const Expr &stored) { return cast<float>(reinterpret<bfloat16_t>(stored)); };
  t.sum(t.lane, t.u, t.kb, t.cb) = 0.0f;
  t.sum(t.lane, t.u, t.kb, t.cb) += value(w(t.taps.z, t.lane, t.taps.x, t.taps.y, t.kb, t.cb)) *
                                    value(x(t.taps.z, t.u * step + (taps - 1 - t.taps.x) * dilation, t.taps.y));
  return t;
}

bool takes_pairs(Dtype dtype, const Target &target) {
  return dtype == Dtype::bf16 && target.has_feature(Target::AVX512);
}

Expr bfloat16_pair(const Expr &first, const Expr &second) {
  return reinterpret<float>(cast<uint32_t>(first) | (cast<uint32_t>(second) << 16));
}

}  // namespace halogen
