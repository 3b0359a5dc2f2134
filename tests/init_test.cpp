// halogen/init.h: the same bits everywhere, and numbers from the distributions that it names.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/callbacks.h"
#include "support/initialized.h"
#include "support/statistics.h"
#include "support/variants.h"

using namespace halogen_tests;

namespace {

using Bytes = std::vector<unsigned char>;

halogen_context *context() { return context_of(variants()[0]); }

/** FNV-1a. */
uint64_t hash(const Bytes &bytes) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const unsigned char byte : bytes) h = (h ^ byte) * 0x100000001b3u;
  return h;
}

halogen_initializer truncated(double mean, double sigma, double a, double b) {
  halogen_initializer initializer = initializer_of(HALOGEN_INITIALIZER_TRUNCATED_NORMAL);
  initializer.mean = mean;
  initializer.sigma = sigma;
  initializer.a = a;
  initializer.b = b;
  return initializer;
}

void check_within(const Values &values, double low, double high) {
  for (const double value : values) REQUIRE((value >= low && value <= high));
}

}  // namespace

TEST_SUITE_BEGIN("init");

TEST_CASE("init: recorded bits, on every target and from every compiler") {
  struct {
    halogen_initializer_kind kind;
    DLDataType dtype;
    uint64_t hash;
  } const recorded[] = {{HALOGEN_INITIALIZER_UNIFORM, float64, 0x14bb52f7d3e4e5d4},
                        {HALOGEN_INITIALIZER_UNIFORM, float32, 0x387789bacfc5bea5},
                        {HALOGEN_INITIALIZER_NORMAL, float64, 0xe3716be49ff7e8ab},
                        {HALOGEN_INITIALIZER_NORMAL, float32, 0x800ee115d58a15db},
                        {HALOGEN_INITIALIZER_NORMAL, float16, 0x1bc0d10862f1d364},
                        {HALOGEN_INITIALIZER_NORMAL, bfloat16, 0x51f5a922765edd3e},
                        {HALOGEN_INITIALIZER_TRUNCATED_NORMAL, float64, 0x298f29dbfe7b67c4},
                        {HALOGEN_INITIALIZER_TRUNCATED_NORMAL, float32, 0x53f765a6ffbee5f5},
                        {HALOGEN_INITIALIZER_HE_UNIFORM, float64, 0x0801d7790c9e12e0},
                        {HALOGEN_INITIALIZER_HE_NORMAL, float64, 0xc444a8b6ce75830d},
                        {HALOGEN_INITIALIZER_XAVIER_UNIFORM, float64, 0x0bb4f9d1d7112634}};
  for (const auto &r : recorded) {
    const Bytes bytes =
        initialized_bytes(context(), initializer_of(r.kind), 0x0123456789abcdefu, 7, {64, 48, 33}, r.dtype);
    CHECK_MESSAGE(hash(bytes) == r.hash, "kind ", static_cast<int>(r.kind), " ", short_name(r.dtype), ": ",
                  hash(bytes));
  }
}

TEST_CASE("init: bits do not depend on threads, nor on who runs the tasks") {
  const halogen_initializer normal = initializer_of(HALOGEN_INITIALIZER_NORMAL);
  const Bytes expected = initialized_bytes(context(), normal, 1, 2, {100003}, float32);
  for (const int32_t threads : {1, 2, 5}) {
    halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
    options.num_threads = threads;
    const Context own(options);
    CHECK(initialized_bytes(own.get(), normal, 1, 2, {100003}, float32) == expected);
  }
  CallerLoop loop(LoopKind::backwards);
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  loop.install(options);
  const Context own(options);
  CHECK(initialized_bytes(own.get(), normal, 1, 2, {100003}, float32) == expected);
  CHECK(loop.tasks() > 1);
}

TEST_CASE("init: an element depends on seed, stream and index alone") {
  const halogen_initializer uniform = initializer_of(HALOGEN_INITIALIZER_UNIFORM);
  const Values all = initialized(uniform, 5, 6, {20001});
  for (const int64_t length : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{8191}, int64_t{8193}}) {
    CHECK(initialized(uniform, 5, 6, {length}) == Values(all.begin(), all.begin() + length));
  }
  CHECK(initialized(uniform, 5, 6, {3, 59, 113}) == all);
  for (const auto &[seed, stream] : {std::pair<uint64_t, uint64_t>{4, 6},
                                     {5, 7},
                                     {6, 5},
                                     {5 + (uint64_t{1} << 32), 6},
                                     {5, 6 + (uint64_t{1} << 32)}}) {
    const Values other = initialized(uniform, seed, stream, {20001});
    CHECK(other != all);
    check_uncorrelated(all, other);
  }
  check_uncorrelated(Values(all.begin(), all.end() - 1), Values(all.begin() + 1, all.end()));
  check_uncorrelated(Values(all.begin(), all.end() - 2), Values(all.begin() + 2, all.end()));
}

TEST_CASE("init: uniform numbers") {
  halogen_initializer uniform = initializer_of(HALOGEN_INITIALIZER_UNIFORM);
  for (const auto &[low, high] : {std::pair{-0.07, 0.07}, {0.0, 1.0}, {-3.0, 5.0}, {1e6, 1e6 + 1}, {2.0, 2.0}}) {
    uniform.low = low;
    uniform.high = high;
    const Values values = initialized(uniform, 11, 0, {100000});
    check_within(values, low, high);
    if (low < high) check_distribution(values, expected_uniform(low, high));
  }
}

TEST_CASE("init: normal numbers") {
  halogen_initializer normal = initializer_of(HALOGEN_INITIALIZER_NORMAL);
  for (const auto &[mean, sigma] : {std::pair{0.0, 0.01}, {0.0, 1.0}, {-40.0, 3.0}}) {
    normal.mean = mean;
    normal.sigma = sigma;
    check_distribution(initialized(normal, 12, 0, {100000}), expected_normal(mean, sigma));
  }
  normal.mean = 2.5;
  normal.sigma = 0;
  check_within(initialized(normal, 12, 0, {100}), 2.5, 2.5);
}

TEST_CASE("init: truncated normal numbers, far out and on either side too") {
  struct {
    double mean, sigma, a, b;
  } const problems[] = {{0, 0.01, -2, 2}, {3, 2, -0.5, 4},     {0, 1, 5, 6},   {0, 1, -6, -5},
                        {1, 1, 8.5, 9},   {0, 1, -0.01, 0.01}, {0, 1, -40, 0}, {0, 1, 0, 40}};
  for (const auto &p : problems) {
    INFO("[", p.a, ", ", p.b, "]");
    const Values values = initialized(truncated(p.mean, p.sigma, p.a, p.b), 13, 0, {100000});
    check_within(values, p.mean + p.sigma * p.a, p.mean + p.sigma * p.b);
    // Beyond 5 sigma the reference's 1 - p has too few digits: by symmetry, the other side.
    if (p.a >= 5) {
      Values mirrored(values);
      for (double &value : mirrored) value = 2 * p.mean - value;
      check_distribution(mirrored, expected_truncated(p.mean, p.sigma, -p.b, -p.a));
    } else {
      check_distribution(values, expected_truncated(p.mean, p.sigma, p.a, p.b));
    }
  }
}

TEST_CASE("init: He and Xavier count fans as MindSpore does") {
  const double in = 6 * 5 * 7, out = 400 * 5 * 7;
  const std::vector<int64_t> shape{400, 6, 5, 7};
  halogen_initializer he = initializer_of(HALOGEN_INITIALIZER_HE_UNIFORM);
  const auto check = [&](double gain, double fan) {
    const double bound = gain * std::sqrt(3 / fan);
    he.kind = HALOGEN_INITIALIZER_HE_UNIFORM;
    check_within(initialized(he, 14, 0, shape), -bound * (1 + 1e-15), bound * (1 + 1e-15));
    check_distribution(initialized(he, 14, 0, shape), expected_uniform(-bound, bound));
    he.kind = HALOGEN_INITIALIZER_HE_NORMAL;
    check_distribution(initialized(he, 14, 0, shape), expected_normal(0, gain / std::sqrt(fan)));
  };
  check(std::sqrt(2.0), in);
  he.fan = HALOGEN_FAN_OUT;
  check(std::sqrt(2.0), out);
  he.negative_slope = std::sqrt(5.0);
  check(std::sqrt(1 / 3.0), out);
  he.nonlinearity = HALOGEN_NONLINEARITY_RELU;
  check(std::sqrt(2.0), out);
  he.nonlinearity = HALOGEN_NONLINEARITY_TANH;
  check(5 / 3.0, out);
  he.nonlinearity = HALOGEN_NONLINEARITY_SIGMOID;
  check(1, out);
  he.nonlinearity = HALOGEN_NONLINEARITY_LINEAR;
  check(1, out);

  halogen_initializer xavier = initializer_of(HALOGEN_INITIALIZER_XAVIER_UNIFORM);
  xavier.gain = 2;
  const double bound = 2 * std::sqrt(6 / (in + out)), flat = 2 * std::sqrt(6 / (300.0 + 200));
  check_distribution(initialized(xavier, 15, 0, shape), expected_uniform(-bound, bound));
  check_distribution(initialized(xavier, 15, 0, {200, 300}), expected_uniform(-flat, flat));
}

TEST_CASE("init: zero, one, constants and given tensors, in every type") {
  for (const DLDataType dtype : float_types) {
    INFO(short_name(dtype));
    CHECK(initialized(initializer_of(HALOGEN_INITIALIZER_ZERO), 0, 0, {5}, dtype) == Values(5, 0));
    CHECK(initialized(HALOGEN_INITIALIZER_INIT, 0, 0, {5}, dtype) == Values(5, 0));
    CHECK(initialized(initializer_of(HALOGEN_INITIALIZER_ONE), 0, 0, {}, dtype) == Values(1, 1));
    halogen_initializer constant = initializer_of(HALOGEN_INITIALIZER_CONSTANT);
    for (const double value :
         {0.1, -2.5, 1e-7, -3e-8, 65519.999, 65520.0, 1e39, -1e300, 1e-320, -std::numeric_limits<double>::infinity()}) {
      constant.value = value;
      CHECK(initialized(constant, 0, 0, {2, 2}, dtype) == Values(4, rounded(value, dtype)));
    }
    constant.value = std::nan("");
    CHECK(std::isnan(initialized(constant, 0, 0, {1}, dtype)[0]));

    Bytes numbers = initialized_bytes(context(), initializer_of(HALOGEN_INITIALIZER_NORMAL), 3, 4, {4, 5}, dtype);
    const TensorView given(numbers.data(), {4, 5}, dtype);
    halogen_initializer tensor = initializer_of(HALOGEN_INITIALIZER_TENSOR);
    tensor.tensor = &given.dl;
    CHECK(initialized_bytes(context(), tensor, 0, 0, {4, 5}, dtype) == numbers);
  }
}

TEST_CASE("init: every type rounds the same numbers once") {
  const halogen_initializer normal = initializer_of(HALOGEN_INITIALIZER_NORMAL);
  const Values exact = initialized(normal, 21, 0, {30001});
  for (const DLDataType dtype : float_types) {
    Values expected(exact);
    for (double &value : expected) value = rounded(value, dtype);
    CHECK(initialized(normal, 21, 0, {30001}, dtype) == expected);
  }
}

TEST_SUITE_END();
