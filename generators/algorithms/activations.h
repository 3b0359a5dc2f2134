// Activations and their gradients. Comparisons are strict: by default the compiler takes it that there is no NaN.
#ifndef HALOGEN_GENERATORS_ACTIVATIONS_H
#define HALOGEN_GENERATORS_ACTIVATIONS_H

#include "Halide.h"

namespace halogen {

/// v where it is not negative, slope * v where it is; a slope of 0 gives 0 for every negative v. NaN stays NaN.
Halide::Expr leaky_relu(const Halide::Expr &v, const Halide::Expr &slope);

/// The gradient of a leaky relu's argument from that of its result y: dy where y > 0 or NaN, slope * dy elsewhere, 0 with a slope of 0;
/// just dy unless `masked`. What comes in is decoded.
Halide::Expr masked_gradient(const Halide::Expr &masked, const Halide::Expr &y, const Halide::Expr &dy,
                             const Halide::Expr &slope);

/// `gradient`, which is by the result of an activation, by its argument. 0: the same; 1: times slope where the result, of a leaky relu or
/// with its argument's sign, is not above 0, a slope of 0 gives 0; 2: tanh.
Halide::Expr activation_gradient(const Halide::Expr &gradient, const Halide::Expr &result,
                                 const Halide::Expr &activation, const Halide::Expr &slope);

/// tanh to about two units in the last place, in lanes; NaN stays NaN.
Halide::Expr hyperbolic_tangent(const Halide::Expr &v);

}  // namespace halogen
#endif
