// The gradients of every compiled variant, by both paths, against a double-precision reference that scatters.
#include <doctest/doctest.h>

#include <cmath>

#include "support/conv_gradients.h"
#include "support/conv_storage.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

void check(const ConvProblem &problem, const ConvData &data, const ConvBackwardData &backward, double unit) {
  const ConvGradientReference expected = gradient_reference(problem, data, backward);
  for (const Variant &variant : variants()) {
    for (halogen_conv_path path : gradient_paths) {
      const std::string wrong = verify(
          problem, expected, run_backward(context_of(variant), problem, data, backward, path), variant.name, unit);
      CHECK_MESSAGE(wrong.empty(), wrong);
    }
  }
}

void check(const ConvProblem &problem, uint64_t stream) {
  const ConvData data = ordinary_data(problem, stream);
  check(problem, data, ordinary_backward_data(problem, data, stream), 1e-6);
}

double dot(const std::vector<float> &a, const std::vector<float> &b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace

TEST_SUITE("conv_backward") {
  TEST_CASE("conv backward: random parameters agree with a scatter") {
    Random random(101);
    for (uint64_t i = 0; i < (quick() ? 60 : 1500); ++i) check(random_problem(random), i);
  }

  TEST_CASE("conv backward: small integers are exact") {
    Random random(102);
    for (uint64_t i = 0; i < (quick() ? 60 : 1500); ++i) {
      const ConvProblem problem = exact_problem(random, 2);
      const ConvData data = integer_data(problem, i);
      check(problem, data, integer_backward_data(problem, data, i), 0);
    }
  }

  TEST_CASE("conv backward: every length from 1 to 100") {
    for (int64_t length = 1; length <= 100; length += quick() ? 13 : 1) {
      for (const ConvProblem &problem :
           {conv_shape(1, 5, 3, 4, 2, 1, length), conv_shape(2, 18, 2, 3, 1, 1, length),
            conv_shape(1, 4, 3, 16, 8, 4, length), conv_shape(1, 12, 12, 4, 2, 1, length, 12),
            conv_shape(3, 33, 2, 5, 3, 0, length)}) {
        check(problem, static_cast<uint64_t>(length));
      }
    }
  }

  TEST_CASE("conv backward: large kernels, strides, channels, and more than one piece and task") {
    std::vector<ConvProblem> problems{conv_shape(1, 6, 1, 1024, 256, 0, 19), conv_shape(1, 3, 2, 4096, 1024, 512, 5),
                                      conv_shape(2, 2, 3, 7, 1000, 0, 4),    conv_shape(3, 70, 40, 25, 4, 10, 33),
                                      conv_shape(1, 6, 24, 4, 2, 1, 6000),   conv_shape(1, 40, 40, 4, 2, 1, 1030, 40)};
    if (!quick()) {
      for (const ConvProblem &problem :
           {conv_shape(1, 16, 24, 4, 2, 1, 12000), conv_shape(40, 24, 20, 4, 2, 1, 300),
            conv_shape(2, 48, 48, 5, 3, 1, 900, 24), conv_shape(1, 600, 600, 4, 2, 1, 1030, 600),
            conv_shape(1, 150, 96, 6, 3, 1, 70), conv_shape(1, 300, 200, 4, 2, 1, 700),
            conv_shape(2, 64, 32, 3, 1, 1, 20000)}) {
        problems.push_back(problem);
      }
    }
    // Long sums: float32 adds up rounding errors like a random walk.
    for (const ConvProblem &problem : problems) {
      const ConvData data = ordinary_data(problem, 3);
      check(problem, data, ordinary_backward_data(problem, data, 3), 2e-6);
    }
  }

  TEST_CASE("conv backward: any subset has the bits of all, and the rest is not touched") {
    Random random(103);
    for (uint64_t i = 0; i < (quick() ? 20 : 200); ++i) {
      const ConvProblem problem = random_problem(random);
      const ConvData data = ordinary_data(problem, i);
      const ConvBackwardData backward = ordinary_backward_data(problem, data, i);
      for (const Variant &variant : variants()) {
        const ConvGradients<float> all = run_backward(context_of(variant), problem, data, backward).gradients;
        for (int subset = 0; subset < 8; ++subset) {
          const Wanted wanted = {(subset & 1) != 0, (subset & 2) != 0, (subset & 4) != 0};
          const ConvBackwardResult result =
              run_backward(context_of(variant), problem, data, backward, HALOGEN_CONV_PATH_AUTO, wanted);
          REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
          if (wanted.input) CHECK(same_bits(result.gradients.input, all.input));
          if (wanted.weight) CHECK(same_bits(result.gradients.weight, all.weight));
          if (wanted.bias) CHECK(same_bits(result.gradients.bias, all.bias));
        }
      }
    }
  }

  TEST_CASE("conv backward: without samples or output gradients are 0") {
    for (ConvProblem problem : {conv_shape(0, 4, 6, 3, 2, 0, 5, 2), conv_shape(2, 4, 6, 3, 2, 0, 5, 2)}) {
      if (problem.n > 0) problem.pad_left = problem.out_length();
      const ConvData data = ordinary_data(problem, 1);
      const ConvBackwardData backward = ordinary_backward_data(problem, data, 1);
      for (const Variant &variant : variants()) {
        const ConvBackwardResult result = run_backward(context_of(variant), problem, data, backward);
        REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
        for (const auto *values : {&result.gradients.input, &result.gradients.weight, &result.gradients.bias}) {
          for (const float value : *values) CHECK(value == 0);
        }
      }
    }
  }

  TEST_CASE("conv backward: gradients are the adjoints of the forward pass") {
    // <g, conv(x, w)> = <grad_input, x> = <grad_weight, w>, of small integers exactly.
    Random random(104);
    for (uint64_t i = 0; i < (quick() ? 20 : 200); ++i) {
      ConvProblem problem = random_problem(random);
      problem.activation = problem.input_activation = HALOGEN_ACTIVATION_NONE;
      problem.bias = false;
      const ConvData data = integer_data(problem, i);
      const ConvBackwardData backward = integer_backward_data(problem, data, i);
      for (const Variant &variant : variants()) {
        const ConvGradients<float> g = run_backward(context_of(variant), problem, data, backward).gradients;
        const double product = dot(run_conv(context_of(variant), problem, data).output, backward.grad_output);
        CHECK_MESSAGE(dot(g.input, data.input) == product, describe(problem));
        CHECK_MESSAGE(dot(g.weight, data.weight) == product, describe(problem));
      }
    }
  }
}
