// The gradients of a transposed convolution on a GPU: the same reference as on the CPU, tensors on the device.
#include <doctest/doctest.h>

#include <cmath>

#include "placement.h"
#include "support/conv_gradients.h"
#include "support/conv_storage.h"
#include "support/misuse.h"

using namespace halogen_tests;

namespace {

template <class Element>
void *put(size_t slot, const std::vector<Element> &values) {
  return placement().put(slot, values.data(), values.size() * sizeof(Element));
}

template <class Element>
void get(size_t slot, std::vector<Element> *values) {
  placement().get(slot, values->data(), values->size() * sizeof(Element));
}

/** Every tensor of a call. */
constexpr TensorView ConvBackwardCall::*tensors[] = {&ConvBackwardCall::input,       &ConvBackwardCall::weight,
                                                     &ConvBackwardCall::grad_output, &ConvBackwardCall::output,
                                                     &ConvBackwardCall::grad_input,  &ConvBackwardCall::grad_weight,
                                                     &ConvBackwardCall::grad_bias};

void set_device(ConvBackwardCall *call) {
  for (const auto tensor : tensors) (call->*tensor).dl.device = placement().device();
}

ConvBackwardResult run_there(const ConvProblem &problem, const ConvData &data, const ConvBackwardData &backward,
                             const Wanted &wanted = {}, void *stream = nullptr) {
  ConvBackwardResult result;
  ConvGradients<float> &g = result.gradients;
  const auto memory_of = [](size_t slot, std::vector<float> &to, bool asked, size_t count) {
    to.assign(asked ? count : 0, std::nanf(""));
    return asked ? put(slot, to) : nullptr;
  };
  ConvBackwardCall call(problem, {put(0, data.input), put(1, data.weight), put(2, backward.grad_output),
                                  put(3, backward.output), memory_of(4, g.input, wanted.input, data.input.size()),
                                  memory_of(5, g.weight, wanted.weight, data.weight.size()),
                                  memory_of(6, g.bias, wanted.bias, data.bias.size())});
  set_device(&call);
  call.args.stream = stream;
  result.status = call.run(device_context());
  result.message = call.error.message;
  result.ran = call.ran;
  get(4, &g.input);
  get(5, &g.weight);
  get(6, &g.bias);
  return result;
}

void check(const ConvProblem &problem, const ConvData &data, const ConvBackwardData &backward, double unit) {
  const std::string wrong = verify(problem, gradient_reference(problem, data, backward),
                                   run_there(problem, data, backward), the_device().variant(), unit);
  CHECK_MESSAGE(wrong.empty(), wrong);
}

void check(const ConvProblem &problem, uint64_t stream) {
  const ConvData data = ordinary_data(problem, stream);
  check(problem, data, ordinary_backward_data(problem, data, stream), 1e-6);
}

}  // namespace

TEST_SUITE("gpu_conv_backward") {
  TEST_CASE("gpu conv backward: random parameters agree with a scatter") {
    Random random(101);
    for (uint64_t i = 0; i < 150; ++i) check(random_problem(random), i);
  }

  TEST_CASE("gpu conv backward: small integers are exact") {
    Random random(102);
    for (uint64_t i = 0; i < 80; ++i) {
      const ConvProblem problem = exact_problem(random, 2);
      const ConvData data = integer_data(problem, i);
      check(problem, data, integer_backward_data(problem, data, i), 0);
    }
  }

  TEST_CASE("gpu conv backward: one position, more than a tile, many parts, depthwise, large kernels and strides") {
    for (const ConvProblem &problem :
         {conv_shape(1, 40, 70, 16, 8, 4, 1), conv_shape(2, 70, 33, 4, 2, 1, 70), conv_shape(40, 3, 5, 3, 1, 1, 20),
          conv_shape(1, 5, 2, 4, 2, 1, 3000), conv_shape(3, 4, 3, 3, 3, 0, 700),
          conv_shape(2, 24, 24, 4, 2, 1, 100, 24), conv_shape(1, 3, 2, 1030, 256, 100, 5),
          conv_shape(1, 2, 3, 7, 1000, 0, 4), conv_shape(2, 17, 5, 3, 8, -5, 9)}) {
      check(problem, 3);
    }
  }

  TEST_CASE("gpu conv backward: any subset, any stream and any time has the same bits") {
    ConvProblem problem = conv_shape(3, 6, 4, 5, 2, 1, 300);
    problem.activation = HALOGEN_ACTIVATION_TANH;
    const ConvData data = ordinary_data(problem, 1);
    const ConvBackwardData backward = ordinary_backward_data(problem, data, 1);
    const ConvGradients<float> all = run_there(problem, data, backward).gradients;
    CHECK(same_bits(all, run_there(problem, data, backward, {}, the_device().second_stream()).gradients));
    for (int i = 0; i < 8; ++i) {
      const ConvBackwardResult some = run_there(problem, data, backward, {(i & 1) != 0, (i & 2) != 0, (i & 4) != 0});
      REQUIRE(some.status == HALOGEN_OK);
      if (i & 1) CHECK(same_bits(some.gradients.input, all.input));
      if (i & 2) CHECK(same_bits(some.gradients.weight, all.weight));
      if (i & 4) CHECK(same_bits(some.gradients.bias, all.bias));
    }
  }

  TEST_CASE("gpu conv backward: no samples, and an empty output, have gradients of 0") {
    ConvProblem problem = conv_shape(2, 4, 6, 3, 2, 0, 5, 2);
    ConvData data = ordinary_data(problem, 1);
    problem.pad_left = problem.out_length();
    for (int i = 0; i < 2; ++i) {
      const ConvBackwardResult result = run_there(problem, data, {});
      REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
      CHECK(result.gradients.input == std::vector<float>(data.input.size(), 0));
      CHECK(result.gradients.weight == std::vector<float>(data.weight.size(), 0));
      CHECK(result.gradients.bias == std::vector<float>(data.bias.size(), 0));
      problem.pad_left = 0;
      problem.n = 0;
      data.input.clear();
    }
  }

  TEST_CASE("gpu conv backward: float64, float16 and bfloat16 agree with the reference, rounded once") {
    Random random(103);
    for (uint64_t i = 0; i < 30; ++i) {
      ConvProblem problem = random_problem(random);
      if (problem.activation == HALOGEN_ACTIVATION_TANH) problem.activation = HALOGEN_ACTIVATION_RELU;
      problem.slope = 0.25;
      problem.input_slope = 0.5;
      const ConvData data = eighths(problem, i);
      ConvBackwardData backward = ordinary_backward_data(problem, data, i);
      for (auto *values : {&backward.grad_output, &backward.output}) {
        for (float &value : *values) value = std::nearbyint(std::fmod(value, 2.0f) * 8) / 8;
      }
      const ConvGradientReference expected = gradient_reference(problem, data, backward);
      for (const Type &type : types) {
        const std::vector<float> *values[] = {
            &data.input, &data.weight, &backward.grad_output, &backward.output, &data.input, &data.weight, &data.bias};
        std::vector<Typed> typed;
        for (const auto *of : values) typed.emplace_back(type, *of);
        void *memory[7];
        const bool wide = type.dl.bits == 64;
        for (size_t j = 0; j < 7; ++j) memory[j] = wide ? put(j, typed[j].wide) : put(j, typed[j].narrow);
        ConvBackwardCall call(problem, {memory[0], memory[1], memory[2], memory[3], memory[4], memory[5], memory[6]});
        set_device(&call);
        for (const auto tensor : tensors) (call.*tensor).dl.dtype = type.dl;
        REQUIRE_MESSAGE(call.run(device_context()) == HALOGEN_OK, call.error.message);
        const std::vector<double> *value[] = {&expected.value.input, &expected.value.weight, &expected.value.bias};
        const std::vector<double> *magnitude[] = {&expected.magnitude.input, &expected.magnitude.weight,
                                                  &expected.magnitude.bias};
        for (size_t j = 0; j < 3; ++j) {
          Typed &got = typed[4 + j];
          wide ? get(4 + j, &got.wide) : get(4 + j, &got.narrow);
          size_t wrong = 0;
          for (size_t e = 0; e < value[j]->size(); ++e) {
            const double v = (*value[j])[e];
            const double tolerance =
                type.unit * std::fabs(v) * 1.01 + type.sum_unit * (*magnitude[j])[e] + (wide ? 0 : 6e-8);
            if (!(std::fabs(got[e] - v) <= tolerance)) ++wrong;
          }
          CHECK_MESSAGE(wrong == 0, "gradient ", j, " bits ", static_cast<int>(type.dl.bits), " ", describe(problem));
        }
      }
    }
  }

  TEST_CASE("gpu conv backward: any strides, with channels first or last, have the bits of dense tensors") {
    Random random(104);
    for (uint64_t i = 0; i < 40; ++i) {
      const ConvProblem problem = random_problem(random);
      const ConvData data = ordinary_data(problem, i);
      const ConvBackwardData backward = ordinary_backward_data(problem, data, i);
      const ConvGradients<float> dense = run_there(problem, data, backward).gradients;
      const bool last = random.below(2) == 0;
      const struct {
        const std::vector<float> *values;
        std::vector<int64_t> shape;
        bool swaps;
      } all[] = {{&data.input, problem.input_shape(), last},
                 {&data.weight, problem.weight_shape(), false},
                 {&backward.grad_output, problem.output_shape(), last},
                 {&backward.output, problem.output_shape(), last},
                 {&data.input, problem.input_shape(), last},
                 {&data.weight, problem.weight_shape(), false},
                 {&data.bias, {problem.c_out}, false}};
      std::vector<Spread> spread;
      void *memory[7];
      for (size_t j = 0; j < 7; ++j) {
        spread.emplace_back(random, *all[j].values, all[j].shape);
        memory[j] = put(j, spread[j].memory);
      }
      ConvBackwardCall call(problem, {memory[0], memory[1], memory[2], memory[3], memory[4], memory[5], memory[6]});
      set_device(&call);
      for (size_t j = 0; j < 7; ++j) {
        TensorView &tensor = call.*tensors[j];
        tensor.set_shape(all[j].swaps ? swapped(spread[j].shape) : spread[j].shape);
        tensor.set_strides(all[j].swaps ? swapped(spread[j].strides) : spread[j].strides);
      }
      if (last) call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
      REQUIRE_MESSAGE(call.run(device_context()) == HALOGEN_OK, call.error.message);
      const std::vector<float> *expected[] = {&dense.input, &dense.weight, &dense.bias};
      for (size_t j = 0; j < 3; ++j) {
        Spread &of = spread[4 + j];
        std::vector<float> written(of.memory.size());
        get(4 + j, &written);
        for (size_t e = 0; e < expected[j]->size(); ++e) of.memory[of.place(e)] = (*expected[j])[e];
        CHECK_MESSAGE(same_bits(written, of.memory), "gradient ", j, " ", describe(problem));
      }
    }
  }

  TEST_CASE("gpu conv backward: a query names the kernels, and what does not go") {
    const ConvProblem problem = conv_shape(2, 4, 6, 3, 2, 1, 5);
    const ConvData data = ordinary_data(problem, 1);
    const ConvBackwardData backward = ordinary_backward_data(problem, data, 1);
    const ConvBackwardResult ran = run_there(problem, data, backward);
    const auto refused = [&](halogen_status status, std::vector<std::string> words, auto change) {
      ConvBackwardCall call(
          problem, {put(0, data.input), put(1, data.weight), put(2, backward.grad_output), put(3, backward.output),
                    put(4, data.input), put(5, data.weight), put(6, data.bias)});
      set_device(&call);
      halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
      REQUIRE(halogen_conv_transpose1d_backward_query(device_context(), &call.args, &info, nullptr) == HALOGEN_OK);
      CHECK(std::string(info.kernels) == ran.ran.kernels);
      CHECK(std::string(info.isa) == the_device().variant());
      CHECK(info.workspace_bytes >= data.weight.size() * sizeof(float));
      change(call);
      check_refused("backward", status, words, {}, [&](halogen_error *e) {
        return halogen_conv_transpose1d_backward(device_context(), &call.args, e);
      });
      std::vector<float> after(data.weight.size());
      get(5, &after);
      CHECK(same_bits(after, data.weight));
    };
    for (const auto tensor : {&ConvBackwardCall::input, &ConvBackwardCall::grad_output, &ConvBackwardCall::grad_input,
                              &ConvBackwardCall::grad_weight, &ConvBackwardCall::grad_bias}) {
      refused(HALOGEN_ERROR_DEVICE, {"weight's device"}, [=](ConvBackwardCall &c) { (c.*tensor).dl.device = cpu; });
    }
    refused(HALOGEN_ERROR_SIZE, {"2^29"}, [](ConvBackwardCall &c) {
      c.args.pad_left -= int64_t{1} << 40;
      c.args.pad_right += int64_t{1} << 40;
    });
  }
}
