// The normal distribution, by operations that every IEEE machine rounds the same way: + - * / and the square root. Compiled without
// contraction (cmake/HalogenArchive.cmake), since a fused multiply-add would be another number.
#pragma once

namespace halogen {

/// Correctly rounded, as IEEE 754 asks for: one instruction, no library.
inline double square_root(double x) { return __builtin_sqrt(x); }

/// Natural logarithm of a positive normal number, to 2 ulp.
double natural_log(double x);

/// The x with P(X <= x) = p for 0 < p < 1, relative error 1e-15; -infinity and infinity at and beyond the ends.
double normal_quantile(double p);

/// P(X <= x): the p whose quantile is x, with the same accuracy. 0 below about -37.5.
double normal_probability(double x);

}  // namespace halogen
