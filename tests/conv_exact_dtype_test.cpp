// float64 and float16 (float32: conv_reference_test.cpp, conv_backward_test.cpp; bfloat16: conv_pairs_test.cpp): sums of small integers
// are exact and rounded once, and all paths of a level have the same bits.
#include <doctest/doctest.h>

#include "support/conv_typed.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

constexpr DLDataType dtypes[] = {float64, float16};

/** How many of `got` are not what the dtype makes of the expected numbers. */
size_t count_wrong(const Numbers &got, const std::vector<double> &expected) {
  size_t wrong = 0;
  for (size_t i = 0; i < expected.size(); ++i) wrong += !(got[i] == rounded(expected[i], got.dtype()));
  return wrong;
}

}  // namespace

TEST_SUITE("conv_reference") {
  TEST_CASE("conv: in float64 and float16 small integers are exact, then rounded once") {
    Random random(5);
    for (uint64_t i = 0; i < (quick() ? 40 : 300); ++i) {
      const ConvProblem problem = exact_problem(random, -2);
      const ConvData data = integer_data(problem, i);
      const ConvReference expected = reference(problem, data);
      for (const DLDataType dtype : dtypes) {
        for (const Variant &variant : variants_of(dtype)) {
          for (const halogen_conv_path path : conv_paths) {
            if (!path_applies(problem, path)) continue;
            CHECK_MESSAGE(
                count_wrong(typed_output(context_of(variant), dtype, problem, data, path), expected.output) == 0,
                describe(variant, dtype, problem, path));
          }
        }
      }
    }
  }

  TEST_CASE("conv: in float64 and float16 all paths have the same bits") {
    Random random(6);
    size_t pairs_of_paths = 0;
    for (uint64_t i = 0; i < (quick() ? 40 : 300); ++i) {
      const ConvProblem problem = random_problem(random);
      if (!path_applies(problem, HALOGEN_CONV_PATH_LENGTH)) continue;
      const ConvData data = ordinary_data(problem, i);
      for (const DLDataType dtype : dtypes) {
        for (const Variant &variant : variants_of(dtype)) {
          const Numbers rows = typed_output(context_of(variant), dtype, problem, data, HALOGEN_CONV_PATH_ROWS);
          CHECK_MESSAGE(typed_output(context_of(variant), dtype, problem, data, HALOGEN_CONV_PATH_LENGTH) == rows,
                        describe(variant, dtype, problem));
          CHECK_MESSAGE(typed_output(context_of(variant), dtype, problem, data) == rows,
                        describe(variant, dtype, problem));
          ++pairs_of_paths;
        }
      }
    }
    CHECK(pairs_of_paths >= (quick() ? 10u : 150u));
  }
}

TEST_SUITE("conv_backward") {
  TEST_CASE("conv backward: in float64, float16 and bfloat16 small integers are exact, then rounded once") {
    Random random(105);
    for (uint64_t i = 0; i < (quick() ? 6 : 100); ++i) {
      const ConvProblem problem = exact_problem(random, 2);
      const ConvData data = integer_data(problem, i);
      // Of the output only the sign counts.
      const ConvBackwardData backward = integer_backward_data(problem, data, i);
      const ConvGradientReference expected = gradient_reference(problem, data, backward);
      for (const DLDataType dtype : {float64, float16, bfloat16}) {
        for (const Variant &variant : variants_of(dtype)) {
          for (const halogen_conv_path path : gradient_paths) {
            const TypedGradients got = typed_gradients(context_of(variant), dtype, problem, data, backward, path);
            INFO(describe(variant, dtype, problem, path));
            CHECK(count_wrong(got.input, expected.value.input) == 0);
            CHECK(count_wrong(got.weight, expected.value.weight) == 0);
            CHECK(count_wrong(got.bias, expected.value.bias) == 0);
          }
        }
      }
    }
  }
}
