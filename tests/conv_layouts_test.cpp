// Other data types, strides and layouts than dense channel-first float32.
#include <doctest/doctest.h>

#include <cmath>

#include "support/conv_run.h"
#include "support/conv_storage.h"
#include "support/coverage.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

/** One row of weights to a group, and one phase: a kernel of its own, which random problems seldom reach. */
ConvProblem depthwise() {
  ConvProblem problem;
  problem.c_in = problem.c_out = problem.groups = 3;
  problem.length = 40;
  problem.kernel = 3;
  return problem;
}

}  // namespace

TEST_SUITE("conv_layouts") {
  TEST_CASE("conv: float64, float16 and bfloat16 agree with the reference, rounded once") {
    Random random(61);
    for (uint64_t i = 0; i < (quick() ? 40 : 400); ++i) {
      const ConvProblem problem = i == 0 ? depthwise() : random_problem(random);
      const ConvData data = eighths(problem, i);
      const ConvReference expected = reference(problem, data);
      for (const Type &type : types) {
        for (const Variant &variant : variants()) {
          for (halogen_conv_path path : conv_paths) {
            if (path == HALOGEN_CONV_PATH_LENGTH && !path_applies(problem, path)) continue;
            Typed input(type, data.input), weight(type, data.weight), bias(type, data.bias);
            Typed output(type, std::vector<float>(expected.output.size(), 1.0f));
            ConvCall call(problem, {input.data(), output.data(), weight.data(), bias.data()}, path);
            for (TensorView *tensor : {&call.input, &call.output, &call.weight, &call.bias}) tensor->dl.dtype = type.dl;
            const halogen_status status = call.run(context_of(variant));
            if (variant.isa == HALOGEN_ISA_V2 && type.dl.bits == 16) {
              CHECK(status == HALOGEN_ERROR_UNSUPPORTED);
              continue;
            }
            REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
            size_t wrong = 0;
            for (size_t j = 0; j < expected.output.size(); ++j) {
              // Slopes are float32 where sums are. In pairs the input is rounded behind its activation.
              const bool rounds_input = type.dl.code == kDLBfloat && sums_pairs(variant) &&
                                        problem.input_activation != HALOGEN_ACTIVATION_NONE;
              const double tolerance = type.unit * std::fabs(expected.output[j]) * 1.01 +
                                       (type.sum_unit + (rounds_input ? type.unit : 0)) * 1e6 * expected.tolerance[j] +
                                       (problem.activation == HALOGEN_ACTIVATION_TANH ? 2e-7 : 0) + 6e-8;
              if (!(std::fabs(output[j] - expected.output[j]) <= tolerance)) ++wrong;
            }
            CHECK_MESSAGE(wrong == 0, variant.name, " bits ", static_cast<int>(type.dl.bits), " code ",
                          static_cast<int>(type.dl.code), " ", describe(problem));
          }
        }
      }
    }
  }

  TEST_CASE("conv: any strides, with channels first or last, have the numbers of dense tensors") {
    Random random(62);
    for (uint64_t i = 0; i < (quick() ? 60 : 600); ++i) {
      const ConvProblem problem = random_problem(random);
      const ConvData data = ordinary_data(problem, i);
      for (const Variant &variant : variants()) {
        const std::vector<float> expected = run_conv(context_of(variant), problem, data).output;
        Spread input(random, data.input, problem.input_shape()), weight(random, data.weight, problem.weight_shape());
        Spread bias(random, data.bias, {problem.c_out});
        Spread output(random, std::vector<float>(expected.size(), 1), problem.output_shape());
        ConvCall call(problem, {input.memory.data(), output.memory.data(), weight.memory.data(), bias.memory.data()});
        const bool last = random.below(2) == 0;
        const auto arrange = [&](TensorView &tensor, const Spread &spread, bool data_tensor) {
          tensor.set_shape(last && data_tensor ? swapped(spread.shape) : spread.shape);
          tensor.set_strides(last && data_tensor ? swapped(spread.strides) : spread.strides);
        };
        arrange(call.input, input, true);
        arrange(call.output, output, true);
        arrange(call.weight, weight, false);
        arrange(call.bias, bias, false);
        if (last) call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
        const halogen_status status = call.run(context_of(variant));
        REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
        std::vector<float> untouched(output.memory.size(), 99.0f);
        size_t wrong = 0;
        for (size_t j = 0; j < expected.size(); ++j) {
          const size_t place = output.place(j);
          // tanh is not the same instructions for a vector and for a single value.
          const double tolerance = problem.activation == HALOGEN_ACTIVATION_TANH ? 3e-7 : 0;
          wrong += !(std::fabs(output.memory[place] - expected[j]) <= tolerance);
          untouched[place] = output.memory[place];
        }
        CHECK_MESSAGE(wrong == 0, variant.name, " ", describe(problem));
        CHECK_MESSAGE(same_bits(untouched, output.memory), "gaps were written: ", describe(problem));
      }
    }
  }

  TEST_CASE("conv: dense channel-last tensors") {
    ConvProblem problem;
    problem.n = 2;
    problem.c_in = 5;
    problem.c_out = 3;
    problem.kernel = 4;
    problem.stride = 2;
    problem.length = 70;
    const ConvData data = ordinary_data(problem, 1);
    const int64_t out = problem.out_length();
    for (const Variant &variant : variants()) {
      const std::vector<float> expected = run_conv(context_of(variant), problem, data).output;
      std::vector<float> input(data.input.size()), output(expected.size());
      for (int64_t i = 0; i < static_cast<int64_t>(input.size()); ++i) {
        const int64_t l = i % 70, c = i / 70 % 5, n = i / 350;
        input[at((n * 70 + l) * 5 + c)] = data.input[at(i)];
      }
      ConvData own = data;
      ConvCall call(problem, {input.data(), output.data(), own.weight.data(), own.bias.data()});
      call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
      call.input.set_shape({2, 70, 5});
      call.output.set_shape({2, out, 3});
      REQUIRE(call.run(context_of(variant)) == HALOGEN_OK);
      for (int64_t i = 0; i < static_cast<int64_t>(output.size()); ++i) {
        const int64_t t = i % out, c = i / out % 3, n = i / out / 3;
        CHECK(output[at((n * out + t) * 3 + c)] == expected[at(i)]);
      }
    }
  }
}
