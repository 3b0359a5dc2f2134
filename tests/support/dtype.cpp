#include "dtype.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace halogen_tests {

namespace {

/** Binary digits, the least exponent of a normal number and that number, the largest number. */
struct Format {
  const char *name;
  int digits, least;
  double smallest, largest;
};

Format format_of(DLDataType dtype) {
  if (same(dtype, float32)) return {"f32", 24, -126, 0x1p-126, std::numeric_limits<float>::max()};
  if (same(dtype, float64)) return {"f64", 53, -1022, 0x1p-1022, std::numeric_limits<double>::max()};
  if (same(dtype, float16)) return {"f16", 11, -14, 0x1p-14, 65504};
  if (same(dtype, bfloat16)) return {"bf16", 8, -126, 0x1p-126, 0x1.fep127};
  std::abort();
}

/** The exponent of the last digit of `value`. */
int last_digit(double value, const Format &format) {
  int exponent = 0;
  std::frexp(value, &exponent);
  return std::max(exponent, format.least + 1) - format.digits;
}

uint16_t f16_bits(double value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (std::isinf(value)) return sign | 0x7c00;
  if (magnitude < 0x1p-14) return static_cast<uint16_t>(sign | static_cast<int>(magnitude * 0x1p24));
  int exponent = 0;
  const double mantissa = std::frexp(magnitude, &exponent) * 2048 - 1024;
  return static_cast<uint16_t>(sign | (exponent + 14) << 10 | static_cast<int>(mantissa));
}

double f16_value(uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  double magnitude = exponent == 0 ? mantissa * 0x1p-24 : std::ldexp(1024 + mantissa, exponent - 25);
  if (exponent == 31) magnitude = mantissa ? std::nan("") : std::numeric_limits<double>::infinity();
  return bits & 0x8000 ? -magnitude : magnitude;
}

}  // namespace

std::string short_name(DLDataType dtype) { return format_of(dtype).name; }

double rounded(double value, DLDataType dtype) {
  if (same(dtype, float32)) return static_cast<double>(static_cast<float>(value));
  if (same(dtype, float64) || !std::isfinite(value) || value == 0) return value;
  const Format format = format_of(dtype);
  const double magnitude = std::fabs(value);
  double near = 0;
  if (magnitude < format.smallest) {
    const int last = last_digit(value, format);
    near = std::ldexp(std::nearbyint(std::ldexp(magnitude, -last)), last);
  } else {
    uint64_t bits = 0;
    std::memcpy(&bits, &magnitude, sizeof bits);
    const int dropped = std::numeric_limits<double>::digits - format.digits;
    bits += (uint64_t{1} << (dropped - 1)) - 1 + (bits >> dropped & 1);
    bits = bits >> dropped << dropped;
    std::memcpy(&near, &bits, sizeof near);
  }
  if (near > format.largest) near = std::numeric_limits<double>::infinity();
  return std::copysign(near, value);
}

double half_ulp(double value, DLDataType dtype) {
  return std::isfinite(value) ? std::ldexp(0.5, last_digit(value, format_of(dtype))) : 0;
}

void store(double value, DLDataType dtype, void *to) {
  if (same(dtype, float64)) {
    std::memcpy(to, &value, sizeof value);
  } else if (same(dtype, float32)) {
    const float single = static_cast<float>(value);
    std::memcpy(to, &single, sizeof single);
  } else if (same(dtype, float16)) {
    const uint16_t bits = f16_bits(rounded(value, dtype));
    std::memcpy(to, &bits, sizeof bits);
  } else {
    const float single = static_cast<float>(rounded(value, dtype));
    uint32_t bits = 0;
    std::memcpy(&bits, &single, sizeof bits);
    // A bf16 is the upper half of a float.
    const uint16_t upper = static_cast<uint16_t>(bits >> 16);
    std::memcpy(to, &upper, sizeof upper);
  }
}

double load(DLDataType dtype, const void *from) {
  uint16_t half = 0;
  if (bytes_of(dtype) == sizeof half) std::memcpy(&half, from, sizeof half);
  if (same(dtype, float16)) return f16_value(half);
  if (same(dtype, float64)) {
    double value = 0;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  uint32_t bits = uint32_t{half} << 16;
  if (same(dtype, float32)) std::memcpy(&bits, from, sizeof bits);
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace halogen_tests
