// capi/src/number.h: every 16-bit number there and back, and rounding to nearest even.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "number.h"
#include "support/dtype.h"
#include "support/random.h"

namespace {

using halogen_tests::bfloat16;
using halogen_tests::float16;
using halogen_tests::float32;
using halogen_tests::float64;

double stored(double value, DLDataType dtype) {
  alignas(double) unsigned char bytes[sizeof(double)];
  halogen::store_number(value, dtype, bytes);
  return halogen_tests::load(dtype, bytes);
}

}  // namespace

TEST_SUITE("number") {
  TEST_CASE("number: every 16-bit number comes back as it was") {
    for (const DLDataType dtype : {float16, bfloat16}) {
      for (uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<uint16_t>(bits);
        const double value = halogen::load_number(dtype, &half);
        const double expected = halogen_tests::load(dtype, &half);
        if (std::isnan(expected)) {
          REQUIRE(std::isnan(value));
          REQUIRE(std::isnan(stored(value, dtype)));
          continue;
        }
        REQUIRE(value == expected);
        REQUIRE(std::signbit(value) == std::signbit(expected));
        uint16_t back = 0;
        halogen::store_number(value, dtype, &back);
        REQUIRE(back == half);
      }
    }
  }

  TEST_CASE("number: rounding to nearest even") {
    halogen_tests::Random random(5);
    for (const DLDataType dtype : halogen_tests::float_types) {
      for (int i = 0; i < 20000; ++i) {
        const double value = std::ldexp(random.uniform(-2, 2), static_cast<int>(random.uniform(-160, 140)));
        REQUIRE(stored(value, dtype) == halogen_tests::rounded(value, dtype));
      }
      // Halfway between neighbours.
      for (uint16_t bits = 0; bits < 0x7b00; bits = static_cast<uint16_t>(bits + 7)) {
        const auto next = static_cast<uint16_t>(bits + 1);
        const double middle = (halogen::load_number(float16, &bits) + halogen::load_number(float16, &next)) / 2;
        REQUIRE(stored(middle, dtype) == halogen_tests::rounded(middle, dtype));
      }
      for (const double value : {0.0, -0.0, 65504.0, 65519.99, 65520.0, 3.4e38, 1e300, 1e-300,
                                 std::numeric_limits<double>::infinity(), std::numeric_limits<double>::denorm_min()}) {
        CHECK(stored(value, dtype) == halogen_tests::rounded(value, dtype));
        CHECK(std::signbit(stored(-value, dtype)) == std::signbit(-value));
      }
    }
  }
}
