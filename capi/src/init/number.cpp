#include "number.h"

#include <cstring>

namespace halogen {
namespace {

/// An IEEE format: `fraction` bits behind the leading one, `exponent` bits.
template <class Bits, int exponent, int fraction>
void store(uint64_t from, void *to) {
  constexpr int kBias = (1 << (exponent - 1)) - 1, kFromBias = 1023, kFromFraction = 52;
  constexpr auto kInfinity = static_cast<uint64_t>((1 << exponent) - 1) << fraction;
  const uint64_t magnitude = from & ~(uint64_t{1} << 63);
  const auto sign = static_cast<uint64_t>(from >> 63) << (exponent + fraction);
  uint64_t result = 0;
  if (magnitude >= uint64_t{0x7ff} << kFromFraction) {
    result = kInfinity;
    if (magnitude > uint64_t{0x7ff} << kFromFraction) result |= uint64_t{1} << (fraction - 1);
  } else {
    const int e = static_cast<int>(magnitude >> kFromFraction) - kFromBias;
    const uint64_t significand =
        (magnitude & ((uint64_t{1} << kFromFraction) - 1)) | (e == -kFromBias ? 0 : uint64_t{1} << kFromFraction);
    // Below the least normal number the last place stands still and more is dropped; beyond 54 bits nothing is left.
    const int subnormal = 1 - kBias - e;
    const int dropped = kFromFraction - fraction + (subnormal > 0 ? subnormal : 0);
    if (dropped < 55) {
      const uint64_t odd = significand >> dropped & 1, half = uint64_t{1} << (dropped - 1);
      result = (significand + half - 1 + odd) >> dropped;
      // The leading one adds one to the exponent, and so does a carry out of the fraction.
      if (subnormal <= 0) result += static_cast<uint64_t>(e + kBias - 1) << fraction;
      if (result > kInfinity) result = kInfinity;
    }
  }
  const auto bits = static_cast<Bits>(sign | result);
  std::memcpy(to, &bits, sizeof(bits));
}

template <class Bits, int exponent, int fraction>
uint64_t load(const void *from) {
  constexpr int kBias = (1 << (exponent - 1)) - 1, kMost = (1 << exponent) - 1, kToFraction = 52;
  Bits bits = 0;
  std::memcpy(&bits, from, sizeof(bits));
  const auto sign = static_cast<uint64_t>(bits) >> (exponent + fraction) << 63;
  int e = static_cast<int>(static_cast<uint64_t>(bits) >> fraction) & kMost;
  uint64_t f = bits & ((uint64_t{1} << fraction) - 1);
  if (e == kMost) return sign | uint64_t{0x7ff} << kToFraction | f << (kToFraction - fraction);
  if (e == 0) {
    if (f == 0) return sign;
    // Subnormal here, normal there.
    for (e = 1; (f >> fraction) == 0; --e) f <<= 1;
    f &= (uint64_t{1} << fraction) - 1;
  }
  return sign | static_cast<uint64_t>(e - kBias + 1023) << kToFraction | f << (kToFraction - fraction);
}

}  // namespace

double load_number(Dtype dtype, const void *from) {
  uint64_t bits = 0;
  switch (dtype) {
    case Dtype::f64:
      std::memcpy(&bits, from, sizeof(bits));
      break;
    case Dtype::f32:
      bits = load<uint32_t, 8, 23>(from);
      break;
    case Dtype::f16:
      bits = load<uint16_t, 5, 10>(from);
      break;
    case Dtype::bf16:
      bits = load<uint16_t, 8, 7>(from);
      break;
  }
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

void store_number(double value, Dtype dtype, void *to) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  switch (dtype) {
    case Dtype::f64:
      std::memcpy(to, &bits, sizeof(bits));
      break;
    case Dtype::f32:
      store<uint32_t, 8, 23>(bits, to);
      break;
    case Dtype::f16:
      store<uint16_t, 5, 10>(bits, to);
      break;
    case Dtype::bf16:
      store<uint16_t, 8, 7>(bits, to);
      break;
  }
}

}  // namespace halogen
