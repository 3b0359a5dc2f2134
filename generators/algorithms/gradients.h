// Backward of y = (x - mean) * rstd * weight + bias, rstd = 1 / sqrt(var + eps). With g the gradient of y and d = x - mean,
//   S1 = sum(g)      S2 = sum(g d)                  of a channel, over the values that it shares its parameters over
//   dbias = S1       dweight = S2 * rstd            (added up over samples where statistics are of each sample)
//   dx = a g + b d + c      a = weight * rstd
// and, where the statistics are the input's own, over sets of M values that may hold several channels,
//   b = -rstd^3 / M * sum(weight S2)      c = -rstd / M * sum(weight S1)
// With given statistics b = c = 0. Behind an activation, g is the gradient of its result where that is positive, and slope times it elsewhere.
// (Ioffe, Szegedy, "Batch Normalization", 2015, section 3, with the terms of dvar and dmean put in.)
// d is taken from mean_hi where sums and products are in the type of the data; the rest of the mean is put right in f64:
//   sum(g d) = sum(g (x - mean_hi)) - mean_lo S1      b d + c = b (x - mean_hi) + (c - b mean_lo)
#ifndef HALOGEN_GENERATORS_GRADIENTS_H
#define HALOGEN_GENERATORS_GRADIENTS_H

#include "Halide.h"
#include "activations.h"
#include "precision.h"

namespace halogen {

/// What all gradients are computed from, at a place of the buffers: dy or, if `masked`, the gradient behind the activation whose result
/// is y.
struct OutputGradient {
  Precision precision;
  Halide::Func dy, y;
  Halide::Expr masked, slope;

  template <class... Places>
  Halide::Expr operator()(const Places &...at) const {
    return masked_gradient(masked, precision.decode(y(at...)), precision.decode(dy(at...)), slope);
  }
};

/// 1 / sqrt(var + eps) in f64 from var, or from what was saved of it.
Halide::Expr rstd_of(const Halide::Expr &spread, const Halide::Expr &is_rstd, const Halide::Expr &eps);

/// {b, c} of dx, in f64, from sum(weight S1) and sum(weight S2) over a set of `count` values; the latter from mean_hi.
Halide::Tuple correction(const Halide::Expr &own, const Halide::Expr &s1, const Halide::Expr &s2,
                         const Halide::Expr &mean_lo, const Halide::Expr &rstd, const Halide::Expr &count);

/// dx. A value that is not finite spoils b d only where statistics are the input's own. A CPU without fused multiply-adds has no masked stores
/// either: rows that are in place end in scalar code there, in which the compiler would add the terms in another order.
Halide::Expr input_gradient(const Halide::Target &target, const Halide::Expr &own, const Halide::Expr &a,
                            const Halide::Expr &g, const Halide::Expr &b, const Halide::Expr &x,
                            const Halide::Expr &mean_hi, const Halide::Expr &c);

}  // namespace halogen
#endif
