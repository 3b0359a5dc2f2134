// Gradients of other types, strides and layouts than dense channel-first float32; by differences; against pages that may not be touched.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>

#include "support/conv_gradients.h"
#include "support/conv_storage.h"
#include "support/env.h"
#include "support/guarded.h"

using namespace halogen_tests;

namespace {

/** How many of `got` are further from the reference than one rounding and its sum's own errors. */
size_t count_wrong(const Type &type, const Typed &got, const std::vector<double> &value,
                   const std::vector<double> &magnitude) {
  size_t wrong = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    // Slopes are float32 in the reference.
    const double tolerance = type.unit * std::fabs(value[i]) * 1.01 + (type.sum_unit + 1e-15) * magnitude[i] + 6e-8;
    wrong += !(std::fabs(got[i] - value[i]) <= tolerance);
  }
  return wrong;
}

}  // namespace

TEST_SUITE("conv_backward_forms") {
  TEST_CASE("conv backward: float64, float16 and bfloat16 agree with the reference, rounded once") {
    Random random(111);
    for (uint64_t i = 0; i < (quick() ? 20 : 400); ++i) {
      ConvProblem problem = random_problem(random);
      problem.slope = 0.25;
      problem.input_slope = 0.5;
      const ConvData data = eighths(problem, i);
      ConvBackwardData backward = ordinary_backward_data(problem, data, i);
      for (auto *values : {&backward.grad_output, &backward.output}) {
        for (float &value : *values) value = std::clamp(std::nearbyint(value * 8) / 8, -1.875f, 1.875f);
      }
      const ConvGradientReference expected = gradient_reference(problem, data, backward);
      for (const Type &type : types) {
        for (const Variant &variant : variants()) {
          for (halogen_conv_path path : gradient_paths) {
            Typed input(type, data.input), weight(type, data.weight), grad_output(type, backward.grad_output),
                output(type, backward.output), grad_input(type, data.input), grad_weight(type, data.weight),
                grad_bias(type, data.bias);
            ConvBackwardCall call(problem,
                                  {input.data(), weight.data(), grad_output.data(), output.data(), grad_input.data(),
                                   grad_weight.data(), grad_bias.data()},
                                  path);
            for (TensorView *tensor : {&call.input, &call.weight, &call.grad_output, &call.output, &call.grad_input,
                                       &call.grad_weight, &call.grad_bias}) {
              tensor->dl.dtype = type.dl;
            }
            const halogen_status status = call.run(context_of(variant));
            if (variant.isa == HALOGEN_ISA_V2 && type.dl.bits == 16) {
              CHECK(status == HALOGEN_ERROR_UNSUPPORTED);
              continue;
            }
            REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
            const size_t wrong = count_wrong(type, grad_input, expected.value.input, expected.magnitude.input) +
                                 count_wrong(type, grad_weight, expected.value.weight, expected.magnitude.weight) +
                                 count_wrong(type, grad_bias, expected.value.bias, expected.magnitude.bias);
            CHECK_MESSAGE(wrong == 0, variant.name, " bits ", static_cast<int>(type.dl.bits), " code ",
                          static_cast<int>(type.dl.code), " ", describe(problem));
          }
        }
      }
    }
  }

  TEST_CASE("conv backward: any strides, with channels first or last, have the numbers of dense tensors") {
    Random random(112);
    for (uint64_t i = 0; i < (quick() ? 30 : 600); ++i) {
      const ConvProblem problem = random_problem(random);
      const ConvData data = ordinary_data(problem, i);
      const ConvBackwardData backward = ordinary_backward_data(problem, data, i);
      for (const Variant &variant : variants()) {
        const ConvGradients<float> expected = run_backward(context_of(variant), problem, data, backward).gradients;
        const bool last = random.below(2) == 0;
        Spread input(random, data.input, problem.input_shape()), weight(random, data.weight, problem.weight_shape());
        Spread grad_output(random, backward.grad_output, problem.output_shape());
        Spread output(random, backward.output, problem.output_shape());
        Spread grad_input(random, data.input, problem.input_shape());
        Spread grad_weight(random, data.weight, problem.weight_shape()), grad_bias(random, data.bias, {problem.c_out});
        ConvBackwardCall call(
            problem, {input.memory.data(), weight.memory.data(), grad_output.memory.data(), output.memory.data(),
                      grad_input.memory.data(), grad_weight.memory.data(), grad_bias.memory.data()});
        const auto arrange = [&](TensorView &tensor, const Spread &spread, bool data_tensor) {
          tensor.set_shape(last && data_tensor ? swapped(spread.shape) : spread.shape);
          tensor.set_strides(last && data_tensor ? swapped(spread.strides) : spread.strides);
        };
        arrange(call.input, input, true);
        arrange(call.weight, weight, false);
        arrange(call.grad_output, grad_output, true);
        arrange(call.output, output, true);
        arrange(call.grad_input, grad_input, true);
        arrange(call.grad_weight, grad_weight, false);
        arrange(call.grad_bias, grad_bias, false);
        if (last) call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
        const halogen_status status = call.run(context_of(variant));
        REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
        const auto same = [&](const char *name, const Spread &got, const std::vector<float> &want, double tolerance) {
          std::vector<float> untouched(got.memory.size(), 99.0f);
          size_t wrong = 0;
          for (size_t j = 0; j < want.size(); ++j) {
            const float value = got.memory[got.place(j)];
            wrong += !(std::fabs(value - want[j]) <= tolerance * (1 + std::fabs(want[j])));
            untouched[got.place(j)] = value;
          }
          CHECK_MESSAGE(wrong == 0, name, " ", variant.name, " ", describe(problem));
          CHECK_MESSAGE(same_bits(untouched, got.memory), name, ": gaps were written: ", describe(problem));
        };
        same("grad_input", grad_input, expected.input, 0);
        same("grad_weight", grad_weight, expected.weight, 0);
        // Other chunks, which are rounded once.
        same("grad_bias", grad_bias, expected.bias, 2e-7);
      }
    }
  }

  TEST_CASE("conv backward: float64 gradients are what differences of the forward pass say") {
    Random random(113);
    const Type wide = types[0];
    for (uint64_t i = 0; i < (quick() ? 4 : 30); ++i) {
      ConvProblem problem = random_problem(random);
      if (element_count(problem.output_shape()) * problem.c_in > 4000) continue;
      problem.bias = true;
      const ConvData data = ordinary_data(problem, i);
      const Typed direction(wide, ordinary_backward_data(problem, data, i).grad_output);
      for (const Variant &variant : variants()) {
        Typed input(wide, data.input), weight(wide, data.weight), bias(wide, data.bias), output = direction,
                                                                                         grad_output = direction;
        Typed gradients[] = {input, weight, bias};
        const auto forward = [&] {
          ConvCall call(problem, {input.data(), output.data(), weight.data(), bias.data()});
          for (TensorView *tensor : {&call.input, &call.output, &call.weight, &call.bias}) tensor->dl.dtype = wide.dl;
          REQUIRE(call.run(context_of(variant)) == HALOGEN_OK);
          double sum = 0;
          for (size_t j = 0; j < output.wide.size(); ++j) sum += output.wide[j] * direction.wide[j];
          return sum;
        };
        forward();
        ConvBackwardCall call(problem, {input.data(), weight.data(), grad_output.data(), output.data(),
                                        gradients[0].data(), gradients[1].data(), gradients[2].data()});
        for (TensorView *tensor : {&call.input, &call.weight, &call.grad_output, &call.output, &call.grad_input,
                                   &call.grad_weight, &call.grad_bias}) {
          tensor->dl.dtype = wide.dl;
        }
        REQUIRE(call.run(context_of(variant)) == HALOGEN_OK);
        Typed *moved[] = {&input, &weight, &bias};
        for (int which = 0; which < 3; ++which) {
          for (int sample = 0; sample < 5; ++sample) {
            double &value = moved[which]->wide[random.below(moved[which]->wide.size())];
            const size_t index = static_cast<size_t>(&value - moved[which]->wide.data());
            // A kink of an activation within the step would be a difference that says nothing.
            constexpr double kStep = 1e-6;
            const double before = value;
            value = before + kStep;
            const double above = forward();
            value = before - kStep;
            const double below = forward();
            value = before;
            CHECK_MESSAGE(std::fabs((above - below) / (2 * kStep) - gradients[which].wide[index]) <= 1e-6, variant.name,
                          " gradient ", which, " ", describe(problem));
          }
        }
      }
    }
  }

  TEST_CASE("conv backward: nothing outside a tensor is read or written") {
    enum { kInput, kWeight, kGradOutput, kOutput, kGradInput, kGradWeight, kGradBias, kCount };
    std::deque<GuardedBuffer> buffers;
    for (int i = 0; i < kCount; ++i) buffers.emplace_back(size_t{160000});
    Random random(121);
    for (uint64_t i = 0; i < (quick() ? 20 : 800); ++i) {
      const ConvProblem problem = random_problem(random);
      const ConvData data = ordinary_data(problem, i);
      const ConvBackwardData backward = ordinary_backward_data(problem, data, i);
      const ConvGradientReference expected = gradient_reference(problem, data, backward);
      if (std::max({data.input.size(), data.weight.size(), backward.output.size()}) > 39000) continue;
      const std::vector<float> *contents[] = {
          &data.input, &data.weight, &backward.grad_output, &backward.output, &data.input, &data.weight, &data.bias};
      for (const Variant &variant : variants()) {
        for (halogen_conv_path path : gradient_paths) {
          for (Flush where : {Flush::start, Flush::end}) {
            const bool overrun = variant.isa != HALOGEN_ISA_V2 && masked_loads_overrun();
            void *at[kCount];
            for (size_t b = 0; b < kCount; ++b) {
              const size_t bytes = contents[b]->size() * sizeof(float);
              at[b] = buffers[b].place(bytes, where, where == Flush::end && overrun ? 64 : 0);
              std::memcpy(at[b], contents[b]->data(), bytes);
            }
            ConvBackwardCall call(
                problem,
                {at[kInput], at[kWeight], at[kGradOutput], at[kOutput], at[kGradInput], at[kGradWeight], at[kGradBias]},
                path);
            ConvBackwardResult result;
            result.status = call.run(context_of(variant));
            result.message = call.error.message;
            result.ran = call.ran;
            const auto read = [&](int b) {
              const auto *values = static_cast<const float *>(at[b]);
              return std::vector<float>(values, values + contents[b]->size());
            };
            result.gradients = {read(kGradInput), read(kGradWeight), read(kGradBias)};
            const std::string wrong = verify(problem, expected, result, variant.name);
            CHECK_MESSAGE(wrong.empty(), wrong);
            for (const GuardedBuffer &buffer : buffers) CHECK(buffer.intact());
          }
        }
      }
    }
  }
}
