#include "gradients.h"

namespace halogen {

using namespace Halide;

Expr rstd_of(const Expr &spread, const Expr &is_rstd, const Expr &eps) {
  const Expr value = cast<double>(spread);
  return select(is_rstd, value, cast<double>(1) / sqrt(value + eps));
}

Tuple correction(const Expr &own, const Expr &s1, const Expr &s2, const Expr &mean_lo, const Expr &rstd,
                 const Expr &count) {
  const Expr zero = cast<double>(0), lo = cast<double>(mean_lo);
  const Expr b = -rstd * rstd * rstd / count * (s2 - lo * s1), c = -rstd / count * s1;
  return Tuple(select(own, b, zero), select(own, c - b * lo, zero));
}

Expr input_gradient(const Target &target, const Expr &own, const Expr &a, const Expr &g, const Expr &b, const Expr &x,
                    const Expr &mean_hi, const Expr &c) {
  const Expr dx = a * g + select(own, b * strict_float(x - mean_hi) + c, cast(g.type(), 0));
  const bool plain = target.arch == Target::X86 && !target.has_gpu_feature() && !target.has_feature(Target::FMA);
  return plain ? strict_float(dx) : dx;
}

}  // namespace halogen
