// What must hold of any transposed convolution, whatever its numbers: small integers, so that both sides are the same floats.
#include <doctest/doctest.h>

#include "support/conv_run.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

/** Random parameters without what is not linear. */
ConvProblem linear_problem(Random &random) {
  ConvProblem problem = random_problem(random);
  problem.activation = problem.input_activation = HALOGEN_ACTIVATION_NONE;
  return problem;
}

std::vector<float> output_of(const Variant &variant, const ConvProblem &problem, const ConvData &data) {
  const ConvResult result = run_conv(context_of(variant), problem, data);
  REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
  return result.output;
}

template <typename Check>
void for_each_problem(uint64_t stream, const Check &check) {
  Random random(stream);
  for (uint64_t i = 0; i < (quick() ? 20 : 200); ++i) {
    const ConvProblem problem = linear_problem(random);
    INFO(describe(problem));
    for (const Variant &variant : variants()) check(variant, problem, i);
  }
}

}  // namespace

TEST_SUITE("conv_properties") {
  TEST_CASE("conv: linear in the input") {
    for_each_problem(11, [](const Variant &variant, ConvProblem problem, uint64_t stream) {
      problem.bias = false;
      ConvData a = integer_data(problem, stream), b = a, sum = a;
      b.input = integer_data(problem, stream + 1000).input;
      for (size_t i = 0; i < a.input.size(); ++i) sum.input[i] = 2 * a.input[i] - 3 * b.input[i];
      const std::vector<float> ya = output_of(variant, problem, a), yb = output_of(variant, problem, b),
                               y = output_of(variant, problem, sum);
      for (size_t i = 0; i < y.size(); ++i) CHECK(y[i] == 2 * ya[i] - 3 * yb[i]);
    });
  }

  TEST_CASE("conv: zeros between the inputs are what a stride is") {
    for_each_problem(12, [](const Variant &variant, const ConvProblem &problem, uint64_t stream) {
      const ConvData data = integer_data(problem, stream);
      ConvProblem wide = problem;
      wide.length = (problem.length - 1) * problem.stride + 1;
      wide.stride = 1;
      ConvData spread = data;
      spread.input.assign(at(wide.n * wide.c_in * wide.length), 0);
      for (int64_t row = 0; row < problem.n * problem.c_in; ++row) {
        for (int64_t l = 0; l < problem.length; ++l) {
          spread.input[at(row * wide.length + l * problem.stride)] = data.input[at(row * problem.length + l)];
        }
      }
      const std::vector<float> got = output_of(variant, problem, data), expected = output_of(variant, wide, spread);
      for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == expected[i]);
    });
  }

  TEST_CASE("conv: groups are blocks on the diagonal of one large weight") {
    for_each_problem(13, [](const Variant &variant, const ConvProblem &problem, uint64_t stream) {
      const ConvData data = integer_data(problem, stream);
      ConvProblem whole = problem;
      whole.groups = 1;
      ConvData diagonal = data;
      diagonal.weight.assign(at(problem.c_in * problem.c_out * problem.kernel), 0);
      const int64_t group_in = problem.c_in / problem.groups, group_out = problem.c_out / problem.groups;
      for (int64_t ci = 0; ci < problem.c_in; ++ci) {
        for (int64_t co = 0; co < group_out; ++co) {
          for (int64_t k = 0; k < problem.kernel; ++k) {
            diagonal.weight[at((ci * problem.c_out + ci / group_in * group_out + co) * problem.kernel + k)] =
                data.weight[at((ci * group_out + co) * problem.kernel + k)];
          }
        }
      }
      const std::vector<float> got = output_of(variant, problem, data), expected = output_of(variant, whole, diagonal);
      for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == expected[i]);
    });
  }

  TEST_CASE("conv: a part of the output, by its crop, has the bits of the whole") {
    for_each_problem(14, [](const Variant &variant, const ConvProblem &problem, uint64_t stream) {
      const ConvData data = ordinary_data(problem, stream);
      const std::vector<float> whole = output_of(variant, problem, data);
      Random random(stream);
      ConvProblem part = problem;
      const int64_t length = problem.out_length();
      const int64_t first = static_cast<int64_t>(random.below(at(length)));
      const int64_t count = 1 + static_cast<int64_t>(random.below(at(length - first)));
      part.pad_left += first;
      part.pad_right += length - first - count;
      const std::vector<float> got = output_of(variant, part, data);
      for (int64_t row = 0; row < problem.n * problem.c_out; ++row) {
        for (int64_t t = 0; t < count; ++t) CHECK(got[at(row * count + t)] == whole[at(row * length + first + t)]);
      }
    });
  }
}
