// y = act((x - mean) / sqrt(var + eps) * weight + bias + residual), with mean = mean_hi + mean_lo:
//   scale = weight / sqrt(var + eps)
//   shift = bias - mean_lo * scale
//   y     = act((x - mean_hi) * scale + shift + residual)
//   act(v) = v < 0 ? slope * v : v         slope 1: none, 0: relu (no NaN from an infinity), else leaky relu
// Never x * scale + (bias - mean * scale): that cancels where the mean is much larger than the deviation.
#ifndef HALOGEN_GENERATORS_NORMALIZE_H
#define HALOGEN_GENERATORS_NORMALIZE_H

#include "Halide.h"

namespace halogen {

/// scale and shift of one channel. A `has_*` of false makes mean_lo 0, weight 1, bias 0 whatever the other value is.
struct Affine {
  Halide::Expr scale, shift;
};

/// 1 / sqrt(var + eps) in f64: once per set, and eps reaches the result unrounded.
Halide::Expr reciprocal_deviation(const Halide::Expr &var, const Halide::Expr &eps);

Affine affine(const Halide::Expr &mean_lo, const Halide::Expr &rstd, const Halide::Expr &has_weight,
              const Halide::Expr &weight, const Halide::Expr &has_bias, const Halide::Expr &bias);

Halide::Expr normalize(const Halide::Expr &x, const Halide::Expr &mean_hi, const Halide::Expr &scale,
                       const Halide::Expr &shift);

/// act(v + residual) of the formula above; NaN stays NaN.
Halide::Expr finish(const Halide::Expr &v, const Halide::Expr &has_residual, const Halide::Expr &residual,
                    const Halide::Expr &slope);

}  // namespace halogen
#endif
