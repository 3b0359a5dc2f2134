#include "number.h"

#include <cstdint>
#include <cstring>

#include "tensor.h"

namespace halogen {
namespace {

/// A 16-bit format: bits of the mantissa, and the exponent of 1.
struct Format {
  int mantissa, bias;
  double least;  ///< the smallest number above 0
};
constexpr Format kHalf = {10, 15, 0x1p-24}, kBrain = {7, 127, 0x1p-133};

Format format_of(const DLDataType &dtype) { return dtype.code == kDLBfloat ? kBrain : kHalf; }

template <class To, class From>
To bits_as(const From &from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

constexpr int kWide = 52, kWideBias = 1023;

double decode(uint16_t bits, const Format &f) {
  const uint64_t sign = uint64_t{bits} >> 15 << 63, fraction = bits & ((1u << f.mantissa) - 1);
  const int top = (1 << (15 - f.mantissa)) - 1, exponent = bits >> f.mantissa & top;
  if (exponent == 0) {
    const double magnitude = static_cast<double>(fraction) * f.least;
    return sign != 0 ? -magnitude : magnitude;
  }
  const auto wide = static_cast<uint64_t>(exponent == top ? 0x7ff : exponent - f.bias + kWideBias);
  return bits_as<double>(sign | wide << kWide | fraction << (kWide - f.mantissa));
}

uint16_t encode(double value, const Format &f) {
  const auto wide = bits_as<uint64_t>(value);
  const auto sign = static_cast<uint16_t>(wide >> 63 << 15);
  const int exponent = static_cast<int>(wide >> kWide & 0x7ff) - kWideBias;
  const uint64_t infinite = uint64_t{0x7fff} >> f.mantissa << f.mantissa;
  const uint64_t fraction = wide & ((uint64_t{1} << kWide) - 1);
  if (exponent == 0x7ff - kWideBias) {
    const uint64_t quiet = fraction != 0 ? uint64_t{1} << (f.mantissa - 1) : 0;
    return static_cast<uint16_t>(sign | infinite | quiet);
  }
  // Below the least normal number the mantissa loses its last bits.
  const int lost = exponent < 1 - f.bias ? 1 - f.bias - exponent : 0, shift = kWide - f.mantissa + lost;
  if (shift > kWide + 1) return sign;
  const uint64_t full = fraction | uint64_t{1} << kWide, half = uint64_t{1} << (shift - 1);
  const uint64_t rest = full & (2 * half - 1);
  uint64_t rounded = full >> shift;
  rounded += rest > half || (rest == half && rounded % 2 == 1) ? 1 : 0;
  // What rounds up to the next power of two carries into the exponent, which is right.
  if (lost == 0) rounded += (static_cast<uint64_t>(exponent + f.bias - 1)) << f.mantissa;
  return static_cast<uint16_t>(sign | (rounded < infinite ? rounded : infinite));
}

}  // namespace

double load_number(const DLDataType &dtype, const void *from) {
  if (dtype.bits == 64) return *static_cast<const double *>(from);
  if (dtype.bits == 32) return static_cast<double>(*static_cast<const float *>(from));
  return decode(*static_cast<const uint16_t *>(from), format_of(dtype));
}

void store_number(double value, const DLDataType &dtype, void *to) {
  if (dtype.bits == 64) {
    *static_cast<double *>(to) = value;
  } else if (dtype.bits == 32) {
    *static_cast<float *>(to) = static_cast<float>(value);
  } else {
    *static_cast<uint16_t *>(to) = encode(value, format_of(dtype));
  }
}

}  // namespace halogen
