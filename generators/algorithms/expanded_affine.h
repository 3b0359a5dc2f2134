// Scale and shift for lanes that run across channels: a value for every i = j*S + s of a slab, copied from its channel j.
#ifndef HALOGEN_GENERATORS_EXPANDED_AFFINE_H
#define HALOGEN_GENERATORS_EXPANDED_AFFINE_H

#include "normalize.h"

namespace halogen {

/// {mean_hi, scale, shift} by channel, (j, t, b), and by value, (i, t, b).
struct ExpandedAffine {
  Halide::Var i{"i"}, j{"j"}, t{"t"}, b{"b"};
  Halide::RDom channels;  ///< s, j
  Halide::Func of_channel{"of_channel"}, all{"expanded"};
};

/// of_channel must be of ExpandedAffine's variables, which are `vars`'s.
void expand(ExpandedAffine *vars, const Halide::Expr &mean_hi, const Affine &affine, const Halide::Expr &slab,
            const Halide::Expr &S);

}  // namespace halogen
#endif
