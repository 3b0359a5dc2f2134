// Every compiled variant of the transposed convolution, by every path, against a double-precision reference that scatters.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/conv_run.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

/** Runs `problem` on every variant and path; all paths of a variant must give the same bits. */
void check(const ConvProblem &problem, const ConvData &data, const ConvReference &expected) {
  for (const Variant &variant : variants()) {
    std::vector<float> first;
    for (halogen_conv_path path : conv_paths) {
      if (!path_applies(problem, path)) continue;
      const ConvResult result = run_conv(context_of(variant), problem, data, path);
      const std::string wrong = verify(problem, expected, result, path, variant.name);
      CHECK_MESSAGE(wrong.empty(), wrong);
      if (first.empty()) first = result.output;
      CHECK_MESSAGE(same_bits(first, result.output), variant.name, ": paths differ, ", describe(problem));
    }
  }
}

void check(const ConvProblem &problem, uint64_t stream) {
  const ConvData data = ordinary_data(problem, stream);
  check(problem, data, reference(problem, data));
}

}  // namespace

TEST_SUITE("conv_reference") {
  TEST_CASE("conv: random parameters agree with a scatter") {
    Random random(1);
    for (uint64_t i = 0; i < (quick() ? 120 : 1500); ++i) check(random_problem(random), i);
  }

  TEST_CASE("conv: small integers are exact") {
    Random random(2);
    for (uint64_t i = 0; i < (quick() ? 120 : 1500); ++i) {
      const ConvProblem problem = exact_problem(random, -2);
      const ConvData data = integer_data(problem, i);
      ConvReference expected = reference(problem, data);
      expected.tolerance.assign(expected.tolerance.size(), 0);
      check(problem, data, expected);
    }
  }

  TEST_CASE("conv: every length from 1 to 100 with strides that take different paths") {
    for (int64_t length = 1; length <= 100; length += quick() ? 13 : 1) {
      for (const ConvProblem &like :
           {conv_shape(1, 5, 20, 4, 2, 1, 1), conv_shape(1, 3, 18, 3, 1, 1, 1), conv_shape(1, 4, 3, 16, 8, 4, 1),
            conv_shape(1, 2, 17, 6, 3, 1, 1), conv_shape(1, 3, 2, 10, 5, 0, 1)}) {
        ConvProblem problem = like;
        problem.length = length;
        check(problem, static_cast<uint64_t>(length));
      }
    }
  }

  TEST_CASE("conv: large kernels, strides, channels, and more than one task") {
    std::vector<ConvProblem> problems{conv_shape(1, 6, 1, 1024, 256, 0, 19),  conv_shape(1, 3, 2, 4096, 1024, 512, 5),
                                      conv_shape(1, 2, 3, 7, 1000, 0, 4),     conv_shape(1, 70, 40, 25, 4, 10, 33),
                                      conv_shape(1, 300, 1, 1024, 256, 3, 1), conv_shape(1, 300, 1, 1024, 256, 400, 5),
                                      conv_shape(1, 33, 130, 16, 8, 4, 70),   conv_shape(1, 16, 24, 4, 2, 1, 3000)};
    if (!quick()) {
      problems.push_back(conv_shape(1, 300, 200, 4, 2, 1, 700));
      problems.push_back(conv_shape(1, 64, 32, 3, 1, 1, 5000));
      problems.push_back(conv_shape(1, 520, 40, 10, 5, 0, 61));
    }
    for (const ConvProblem &problem : problems) check(problem, 3);
  }

  TEST_CASE("conv: an output length of 0, and no samples, compute nothing") {
    for (const Variant &variant : variants()) {
      ConvProblem problem = conv_shape(1, 2, 3, 3, 2, 0, 4);
      problem.pad_left = problem.out_length();
      ConvResult result = run_conv(context_of(variant), problem, ordinary_data(problem, 1));
      CHECK_MESSAGE(result.status == HALOGEN_OK, result.message);
      CHECK(std::string(result.ran.kernels).empty());
      problem.pad_left = 0;
      problem.n = 0;
      result = run_conv(context_of(variant), problem, ordinary_data(problem, 1));
      CHECK_MESSAGE(result.status == HALOGEN_OK, result.message);
    }
  }

  TEST_CASE("conv: NaN and infinity spoil what they reach and nothing else") {
    Random random(4);
    const float specials[] = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::nanf("")};
    for (uint64_t i = 0; i < (quick() ? 60 : 600); ++i) {
      const ConvProblem problem = random_problem(random);
      ConvData data = ordinary_data(problem, i);
      // In the weights: zeros beyond the input's ends must not meet them.
      std::vector<float> &spoilt = i % 2 ? data.weight : data.input;
      spoilt[random.below(spoilt.size())] = specials[i % 3];
      const ConvReference expected = reference(problem, data);
      for (const Variant &variant : variants()) {
        for (halogen_conv_path path : {HALOGEN_CONV_PATH_AUTO, HALOGEN_CONV_PATH_ROWS}) {
          const std::string wrong =
              verify(problem, expected, run_conv(context_of(variant), problem, data, path), path, variant.name);
          CHECK_MESSAGE(wrong.empty(), wrong);
        }
      }
    }
  }
}
