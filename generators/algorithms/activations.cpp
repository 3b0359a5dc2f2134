#include "activations.h"

namespace halogen {

using namespace Halide;

Expr leaky_relu(const Expr &v, const Expr &slope) {
  // Strict: by default the compiler takes it that there is no NaN.
  return select(strict_float(v < 0), select(slope == 0, cast(v.type(), 0), v * slope), v);
}

Expr masked_gradient(const Expr &masked, const Expr &y, const Expr &dy, const Expr &slope) {
  const Expr zero = cast(dy.type(), 0), factor = cast(dy.type(), slope);
  return strict_float(select(masked && y <= zero, select(factor == zero, zero, dy * factor), dy));
}

Expr activation_gradient(const Expr &gradient, const Expr &result, const Expr &activation, const Expr &slope) {
  const Expr one = cast(gradient.type(), 1);
  const Expr behind_relu = masked_gradient(Internal::const_true(), result, gradient, slope);
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
