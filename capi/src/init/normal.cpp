#include "normal.h"

#include <cfloat>
#include <cstdint>
#include <cstring>
#include <limits>

namespace halogen {
namespace {

uint64_t bits_of(double x) {
  uint64_t bits = 0;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}

double from_bits(uint64_t bits) {
  double x = 0;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

/// A quotient of two polynomials of degree 7, the lowest coefficients first.
struct Rational {
  double over[8], under[8];

  double at(double x) const { return horner(over, x) / horner(under, x); }

  static double horner(const double (&c)[8], double x) {
    double sum = c[7];
    for (int i = 6; i >= 0; --i) sum = sum * x + c[i];
    return sum;
  }
};

// M. J. Wichura: "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37 (1988) 477-484, PPND16.
constexpr Rational kCentre = {
    {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
    {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3}};
constexpr Rational kTail = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}};
constexpr Rational kFarTail = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
     1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15}};

}  // namespace

double natural_log(double x) {
  // x = m * 2^k with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.172: ten terms of its series leave
  // less than 2^-55 of it.
  constexpr uint64_t kRootHalf = 0x3fe6a09e667f3bcd, kFraction = (uint64_t{1} << 52) - 1;
  const auto k = static_cast<int64_t>(bits_of(x) - kRootHalf) >> 52;
  const double m = from_bits(bits_of(x) - (static_cast<uint64_t>(k) << 52));
  static_assert(kRootHalf > kFraction, "the subtraction borrows from the exponent");
  const double s = (m - 1) / (m + 1), z = s * s;
  double sum = 0;
  for (int n = 21; n >= 3; n -= 2) sum = (sum + 1.0 / n) * z;
  // log 2 in two parts: the first has so few bits that k times it is exact.
  constexpr double kLog2High = 0x1.62e42feep-1, kLog2Low = 0x1.a39ef35793c76p-33;
  const auto scale = static_cast<double>(k);
  return scale * kLog2High + (2 * s + (2 * s * sum + scale * kLog2Low));
}

double normal_quantile(double p) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!(p >= DBL_MIN)) return -kInfinity;
  if (!(p < 1)) return kInfinity;
  const double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) return q * kCentre.at(0.180625 - q * q);
  const double r = square_root(-natural_log(q < 0 ? p : 1 - p));
  const double x = r <= 5 ? kTail.at(r - 1.6) : kFarTail.at(r - 5);
  return q < 0 ? -x : x;
}

double normal_probability(double x) {
  if (x > 0) return 1 - normal_probability(-x);
  // Positive doubles are ordered as their bits are: the first p whose quantile is x or more.
  uint64_t below = 0, above = bits_of(0.5);
  while (above - below > 1) {
    const uint64_t middle = below + (above - below) / 2;
    (normal_quantile(from_bits(middle)) < x ? below : above) = middle;
  }
  return normal_quantile(DBL_MIN) < x ? from_bits(above) : 0;
}

}  // namespace halogen
