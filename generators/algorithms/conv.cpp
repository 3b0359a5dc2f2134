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

Expr leaky_relu(const Expr &v, const Expr &slope) {
  // Strict: by default the compiler takes it that there is no NaN.
  return select(strict_float(v < 0), select(slope == 0, cast(v.type(), 0), v * slope), v);
}

Expr activation_gradient(const Expr &gradient, const Expr &result, const Expr &activation, const Expr &slope) {
  const Expr zero = cast(gradient.type(), 0), one = cast(gradient.type(), 1);
  const Expr behind_relu =
      strict_float(select(result <= zero, select(slope == zero, zero, gradient * slope), gradient));
  // 1 - tanh^2 without its cancellation near 1.
  const Expr behind_tanh = gradient * (strict_float(one - result) * strict_float(one + result));
  return select(activation == 0, gradient, activation == 1, behind_relu, behind_tanh);
}

Expr hyperbolic_tangent(const Expr &v) {
  const Expr magnitude = abs(v);
  Expr near, far;
  if (v.type().bits() == 64) {
    return tanh(v);
  }
  // Below 0.625 an odd polynomial (Cephes, tanhf.c, S. Moshier): 1 - 2/(exp(2v) + 1) would cancel.
  const Expr square = v * v;
  near =
      ((((-5.70498872745e-3f * square + 2.06390887954e-2f) * square - 5.37397155531e-2f) * square + 1.33314422036e-1f) *
           square -
       3.33332819422e-1f) *
          square * v +
      v;
  const Expr positive = 1.0f - 2.0f / (exp(2.0f * min(magnitude, 10.0f)) + 1.0f);
  far = select(v < 0, -positive, positive);
  return select(strict_float(magnitude < 0.625f), near, strict_float(v == v), far, v);
}

}  // namespace halogen
