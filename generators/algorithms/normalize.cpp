#include "normalize.h"

namespace halogen {

using namespace Halide;

Expr reciprocal_deviation(const Expr &var, const Expr &eps) { return cast<double>(1) / sqrt(cast<double>(var) + eps); }

Affine affine(const Expr &mean_lo, const Expr &rstd, const Expr &has_weight, const Expr &weight, const Expr &has_bias,
              const Expr &bias) {
  const Type type = mean_lo.type();
  const Expr zero = cast(type, 0);
  const Expr scale = cast(type, rstd * cast<double>(select(has_weight, weight, cast(type, 1))));
  // A scale that is not finite (var = 0 and eps = 0) must not turn a mean_lo of 0 into NaN here: x - mean_hi does that.
  return {scale, select(has_bias, bias, zero) - select(mean_lo == zero, zero, mean_lo * scale)};
}

Expr normalize(const Expr &x, const Expr &mean_hi, const Expr &scale, const Expr &shift) {
  return strict_float(x - mean_hi) * scale + shift;
}

Expr finish(const Expr &v, const Expr &has_residual, const Expr &residual, const Expr &slope) {
  const Expr zero = cast(v.type(), 0), factor = cast(v.type(), slope);
  const Expr sum = v + select(has_residual, residual, zero);
  return strict_float(select(sum < zero, select(factor == zero, zero, sum * factor), sum));
}

}  // namespace halogen
