// y = (x - mean) / sqrt(var + eps) * weight + bias, with mean = mean_hi + mean_lo:
//   scale = weight / sqrt(var + eps)
//   shift = bias - mean_lo * scale
//   y     = (x - mean_hi) * scale + shift
// Never x * scale + (bias - mean * scale): that cancels where the mean is much larger than the deviation.
#ifndef HALOGEN_GENERATORS_NORMALIZE_H
#define HALOGEN_GENERATORS_NORMALIZE_H

#include "Halide.h"

namespace halogen {

/// scale and shift of one channel. A `has_*` of false makes mean_lo 0, weight 1, bias 0 whatever the other value is.
struct Affine {
  Halide::Expr scale, shift;
};

Affine affine(const Halide::Expr &mean_lo, const Halide::Expr &var, const Halide::Expr &eps,
              const Halide::Expr &has_weight, const Halide::Expr &weight, const Halide::Expr &has_bias,
              const Halide::Expr &bias);

Halide::Expr normalize(const Halide::Expr &x, const Halide::Expr &mean_hi, const Halide::Expr &scale,
                       const Halide::Expr &shift);

/// {mean_hi, scale, shift} of the channel of i = j*S + s in slab t: what lanes that run across channels need.
struct ExpandedAffine {
  Halide::Var i{"i"};
  Halide::RDom channels;                  // s, j
  Halide::Func of_channel{"of_channel"};  // (j, t)
  Halide::Func all{"expanded"};           // (i, t)
};

ExpandedAffine expand_affine(const Halide::Expr &mean_hi, const Affine &affine, const Halide::Var &j,
                             const Halide::Var &t, const Halide::Expr &slab, const Halide::Expr &S);

}  // namespace halogen
#endif
