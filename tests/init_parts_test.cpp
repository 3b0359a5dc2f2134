// What halogen_initialize() is made of: the generator, the normal distribution, rounding, and each framework's defaults.
#include <doctest/doctest.h>

#include <cfloat>
#include <cmath>
#include <cstring>

#include "init/initializer.h"
#include "init/normal.h"
#include "init/philox.h"
#include "number.h"
#include "support/dtype.h"
#include "support/random.h"
#include "support/statistics.h"

using namespace halogen;

namespace {

void check_block(const PhiloxBlock &block, const uint32_t (&expected)[4]) {
  for (int i = 0; i < 4; ++i) CHECK(block.word[i] == expected[i]);
}

double relative(double got, double expected) { return std::abs(got - expected) / std::abs(expected); }

}  // namespace

TEST_CASE("philox: Random123's known answers (kat_vectors, philox4x32 10)") {
  check_block(philox4x32_10({{0, 0, 0, 0}}, 0, 0), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  check_block(philox4x32_10({{~0u, ~0u, ~0u, ~0u}}, ~0u, ~0u), {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check_block(philox4x32_10({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0),
              {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  // The same, by seed, stream and index.
  const Seed seed = {0x299f31d0a4093822, 0x0370734413198a2e};
  check_block(seed.block(0x85a308d3243f6a88), {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("normal: logarithm to 2 ulp, square root exactly") {
  halogen_tests::Random random(1);
  for (int i = 0; i < 100000; ++i) {
    const double x = std::ldexp(random.uniform(0.5, 2), static_cast<int>(random.below(2000)) - 1000);
    CHECK(std::abs(natural_log(x) - std::log(x)) <= 2 * DBL_EPSILON * std::abs(std::log(x)));
    CHECK(square_root(x) == std::sqrt(x));
  }
  CHECK(natural_log(1) == 0);
  CHECK(natural_log(DBL_MIN) == doctest::Approx(std::log(DBL_MIN)).epsilon(DBL_EPSILON));
}

TEST_CASE("normal: the quantile inverts the distribution") {
  // The quantile's relative error e is one of e * |x| * density(x) in the probability.
  halogen_tests::Random random(2);
  for (int i = 0; i < 20000; ++i) {
    const double p = i % 2 ? random.uniform(0, 0.5) : std::exp(random.uniform(-700, 0)) / 2;
    const double x = normal_quantile(p), density = std::exp(-x * x / 2) / std::sqrt(2 * 3.141592653589793);
    CHECK(std::abs(halogen_tests::normal_cdf(x) - p) <= 4e-15 * std::abs(x) * density + 8e-16 * (1 + x * x) * p);
    if (p > 1e-3) CHECK(normal_quantile(1 - p) == doctest::Approx(-x).epsilon(1e-13));
    CHECK(relative(normal_probability(x), p) < 1e-13 * (1 + x * x));
  }
  CHECK(normal_quantile(0.5) == 0);
  CHECK(normal_quantile(0) == -HUGE_VAL);
  CHECK(normal_quantile(1) == HUGE_VAL);
  CHECK(normal_probability(0) == 0.5);
  CHECK(normal_probability(-40) == 0);
  CHECK(normal_probability(40) == 1);
}

TEST_CASE("numbers: stored as plain arithmetic rounds them") {
  halogen_tests::Random random(3);
  for (const DLDataType type : halogen_tests::float_types) {
    for (int i = 0; i < 200000; ++i) {
      // All exponents of float64, and often those where 16-bit types end.
      uint64_t bits = random.bits();
      if (i % 2) bits = (bits & 0x800fffffffffffff) | (1023 - 30 + random.below(60)) << 52;
      // Ties, and their neighbours.
      if (i % 3) bits = (bits & ~((uint64_t{1} << (52 - 7 - random.below(20))) - 1)) + random.below(3) - 1;
      double value = 0;
      std::memcpy(&value, &bits, sizeof value);
      if (std::isnan(value)) continue;
      alignas(8) unsigned char got[8] = {}, expected[8] = {};
      store_number(value, type, got);
      halogen_tests::store(value, type, expected);
      REQUIRE_MESSAGE(std::memcmp(got, expected, sizeof got) == 0, halogen_tests::short_name(type), " ", value);
      REQUIRE(load_number(type, got) == halogen_tests::load(type, expected));
    }
  }
}

TEST_CASE("defaults: transposed convolutions as the frameworks fill them (tests/golden/init_facts.json)") {
  struct {
    int64_t out_channels, groups, kernel_size;
    double by_fan, megengine;
  } const recorded[] = {{12, 1, 5, 0.12909944487358055, 0.12909944487358055},
                        {12, 4, 5, 0.2581988897471611, 0.12909944487358055},
                        {6, 6, 3, 0.5773502691896258, 0.23570226039551584},
                        {64, 1, 3, 0.07216878364870323, 0.07216878364870323}};
  for (const auto &r : recorded) {
    const auto of = [&](ConvDefaults defaults) {
      return conv_transpose_initializers(defaults, r.out_channels, r.groups, r.kernel_size);
    };
    for (const halogen_initializer &init : {of(ConvDefaults::by_fan).weight, of(ConvDefaults::by_fan).bias}) {
      CHECK(init.kind == HALOGEN_INITIALIZER_UNIFORM);
      CHECK(relative(init.high, r.by_fan) < 4e-16);
      CHECK(init.low == -init.high);
    }
    const ConvInitializers megengine = of(ConvDefaults::megengine), old = of(ConvDefaults::mindspore_2_0);
    CHECK(megengine.weight.kind == HALOGEN_INITIALIZER_NORMAL);
    CHECK(megengine.weight.mean == 0);
    CHECK(relative(megengine.weight.sigma, r.megengine) < 4e-16);
    CHECK(megengine.bias.kind == HALOGEN_INITIALIZER_ZERO);
    CHECK(old.weight.kind == HALOGEN_INITIALIZER_NORMAL);
    CHECK(old.weight.mean == 0);
    CHECK(old.weight.sigma == 0.01);
    CHECK(old.bias.kind == HALOGEN_INITIALIZER_ZERO);
  }
}
