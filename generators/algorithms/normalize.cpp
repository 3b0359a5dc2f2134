#include "normalize.h"

namespace halogen {

using namespace Halide;

Affine affine(const Expr &mean_lo, const Expr &var, const Expr &eps, const Expr &has_weight, const Expr &weight,
              const Expr &has_bias, const Expr &bias) {
  // f64: once per channel, and eps reaches the result unrounded.
  const Expr rstd = cast<double>(1) / sqrt(cast<double>(var) + eps);
  const Expr scale = cast<float>(rstd * cast<double>(select(has_weight, weight, 1.0f)));
  // A scale that is not finite (var = 0 and eps = 0) must not turn a mean_lo of 0 into NaN here: x - mean_hi does that.
  return {scale, select(has_bias, bias, 0.0f) - select(mean_lo == 0.0f, 0.0f, mean_lo * scale)};
}

Expr normalize(const Expr &x, const Expr &mean_hi, const Expr &scale, const Expr &shift) {
  return strict_float(x - mean_hi) * scale + shift;
}

ExpandedAffine expand_affine(const Expr &mean_hi, const Affine &affine, const Var &j, const Var &t, const Expr &slab,
                             const Expr &S) {
  ExpandedAffine expanded;
  expanded.of_channel(j, t) = Tuple(mean_hi, affine.scale, affine.shift);
  expanded.channels = RDom(0, S, 0, slab, "channels");
  const RVar s = expanded.channels.x, channel = expanded.channels.y;
  const FuncRef of = expanded.of_channel(channel, t);
  expanded.all(expanded.i, t) = Tuple(undef<float>(), undef<float>(), undef<float>());
  expanded.all(channel * S + s, t) = Tuple(of[0], of[1], of[2]);
  return expanded;
}

}  // namespace halogen
