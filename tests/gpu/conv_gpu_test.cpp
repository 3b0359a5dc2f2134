// halogen/conv.h on a GPU: the same reference as on the CPU, tensors on the device. Compiled once per kind of device.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "placement.h"
#include "support/conv_run.h"
#include "support/conv_storage.h"
#include "support/coverage.h"
#include "support/env.h"
#include "support/misuse.h"

using namespace halogen_tests;

namespace {

constexpr halogen_conv_path paths[] = {HALOGEN_CONV_PATH_AUTO, HALOGEN_CONV_PATH_ROWS, HALOGEN_CONV_PATH_LENGTH};

/** A call whose tensors are put on the device, with whatever it is asked for; what it wrote comes back. */
class DeviceCall {
 public:
  DeviceCall(const ConvProblem &problem, halogen_conv_path path = HALOGEN_CONV_PATH_AUTO)
      : call(problem, {nullptr, nullptr, nullptr, nullptr}, path) {
    for (TensorView *tensor : {&call.input, &call.output, &call.weight, &call.bias}) {
      tensor->dl.device = placement().device();
    }
  }
  template <class Element>
  void put(TensorView ConvCall::*tensor, const std::vector<Element> &values) {
    (call.*tensor).dl.data = placement().put(slot(tensor), values.data(), values.size() * sizeof(Element));
  }
  template <class Element>
  void get(std::vector<Element> *values) {
    placement().get(slot(&ConvCall::output), values->data(), values->size() * sizeof(Element));
  }
  void put(const ConvData &data, const std::vector<float> &output) {
    put(&ConvCall::input, data.input);
    put(&ConvCall::weight, data.weight);
    put(&ConvCall::bias, data.bias);
    put(&ConvCall::output, output);
  }

  ConvCall call;

 private:
  static size_t slot(TensorView ConvCall::*tensor) {
    return tensor == &ConvCall::input ? 0 : tensor == &ConvCall::output ? 1 : tensor == &ConvCall::weight ? 2 : 3;
  }
};

ConvResult run_there(const ConvProblem &problem, const ConvData &data, halogen_conv_path path = HALOGEN_CONV_PATH_AUTO,
                     void *stream = nullptr) {
  ConvResult result;
  result.output.assign(static_cast<size_t>(element_count(problem.output_shape())), std::nanf(""));
  DeviceCall there(problem, path);
  there.put(data, result.output);
  there.call.args.stream = stream;
  result.status = there.call.run(device_context());
  result.message = there.call.error.message;
  result.ran = there.call.ran;
  there.get(&result.output);
  return result;
}

/** What is wrong with a result, or "". */
std::string wrong_with(const ConvProblem &problem, const ConvReference &expected, const ConvResult &result,
                       halogen_conv_path path) {
  std::string wrong = verify(problem, expected, result, HALOGEN_CONV_PATH_AUTO, the_device().variant());
  for (const std::string &name : kernel_names(result.ran)) {
    if (path != HALOGEN_CONV_PATH_AUTO &&
        name != (path == HALOGEN_CONV_PATH_ROWS ? "conv_whole_f32_tiles" : "conv_whole_f32_direct")) {
      wrong += " ran " + name;
    }
  }
  return wrong;
}

void check(const ConvProblem &problem, const ConvData &data, const ConvReference &expected) {
  for (const halogen_conv_path path : paths) {
    const std::string wrong = wrong_with(problem, expected, run_there(problem, data, path), path);
    CHECK_MESSAGE(wrong.empty(), wrong);
  }
}

void check(const ConvProblem &problem, uint64_t stream) {
  const ConvData data = ordinary_data(problem, stream);
  check(problem, data, reference(problem, data));
}

}  // namespace

TEST_SUITE("gpu_conv") {
  TEST_CASE("gpu conv: random parameters agree with a scatter") {
    Random random(1);
    for (uint64_t i = 0; i < 200; ++i) check(random_problem(random), i);
  }

  TEST_CASE("gpu conv: small integers are exact") {
    Random random(2);
    for (uint64_t i = 0; i < 100; ++i) {
      const ConvProblem problem = exact_problem(random, -2);
      const ConvData data = integer_data(problem, i);
      ConvReference expected = reference(problem, data);
      expected.tolerance.assign(expected.tolerance.size(), 0);
      check(problem, data, expected);
    }
  }

  TEST_CASE("gpu conv: one position, one channel, large kernels and strides, depthwise, more than a tile") {
    for (const ConvProblem &problem :
         {conv_shape(1, 40, 70, 16, 8, 4, 1), conv_shape(1, 33, 130, 4, 2, 1, 70), conv_shape(1, 3, 18, 3, 1, 1, 200),
          conv_shape(1, 70, 1, 64, 16, 0, 19), conv_shape(1, 3, 2, 4096, 1024, 512, 5),
          conv_shape(1, 2, 3, 7, 1000, 0, 4), conv_shape(1, 17, 5, 3, 8, -5, 9),
          conv_shape(1, 24, 24, 4, 2, 1, 300, 24), conv_shape(1, 12, 36, 5, 3, -7, 140, 12),
          conv_shape(1, 48, 8, 4, 2, 1, 100, 4)}) {
      check(problem, 3);
    }
  }

  TEST_CASE("gpu conv: NaN and infinity spoil what they reach and nothing else") {
    Random random(4);
    const float specials[] = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::nanf("")};
    for (uint64_t i = 0; i < 60; ++i) {
      const ConvProblem problem = random_problem(random);
      ConvData data = ordinary_data(problem, i);
      std::vector<float> &spoilt = i % 2 ? data.weight : data.input;
      spoilt[random.below(spoilt.size())] = specials[i % 3];
      check(problem, data, reference(problem, data));
    }
  }

  TEST_CASE("gpu conv: float64, float16 and bfloat16 agree with the reference, rounded once") {
    Random random(61);
    for (uint64_t i = 0; i < 40; ++i) {
      const ConvProblem problem = i == 0 ? conv_shape(1, 40, 70, 4, 2, 1, 100) : random_problem(random);
      const ConvData data = eighths(problem, i);
      const ConvReference expected = reference(problem, data);
      for (const Type &type : types) {
        for (const halogen_conv_path path : paths) {
          Typed input(type, data.input), weight(type, data.weight), bias(type, data.bias);
          Typed output(type, std::vector<float>(expected.output.size(), 1.0f));
          DeviceCall there(problem, path);
          const auto put = [&](TensorView ConvCall::*tensor, const Typed &typed) {
            (there.call.*tensor).dl.dtype = type.dl;
            type.dl.bits == 64 ? there.put(tensor, typed.wide) : there.put(tensor, typed.narrow);
          };
          put(&ConvCall::input, input);
          put(&ConvCall::weight, weight);
          put(&ConvCall::bias, bias);
          put(&ConvCall::output, output);
          REQUIRE_MESSAGE(there.call.run(device_context()) == HALOGEN_OK, there.call.error.message);
          type.dl.bits == 64 ? there.get(&output.wide) : there.get(&output.narrow);
          size_t wrong = 0;
          for (size_t j = 0; j < expected.output.size(); ++j) {
            const double tolerance = type.unit * std::fabs(expected.output[j]) * 1.01 +
                                     type.sum_unit * 1e6 * expected.tolerance[j] +
                                     (problem.activation == HALOGEN_ACTIVATION_TANH ? 2e-7 : 0) + 6e-8;
            if (!(std::fabs(output[j] - expected.output[j]) <= tolerance)) ++wrong;
          }
          CHECK_MESSAGE(wrong == 0, "bits ", static_cast<int>(type.dl.bits), " code ", static_cast<int>(type.dl.code),
                        " ", describe(problem));
        }
      }
    }
  }

  TEST_CASE("gpu conv: any strides, with channels first or last, have the bits of dense tensors") {
    Random random(62);
    for (uint64_t i = 0; i < 60; ++i) {
      const ConvProblem problem = random_problem(random);
      const ConvData data = ordinary_data(problem, i);
      const std::vector<float> expected = run_there(problem, data).output;
      Spread input(random, data.input, problem.input_shape()), weight(random, data.weight, problem.weight_shape());
      Spread bias(random, data.bias, {problem.c_out});
      Spread output(random, std::vector<float>(expected.size(), 1), problem.output_shape());
      DeviceCall there(problem);
      const bool last = random.below(2) == 0;
      const auto arrange = [&](TensorView ConvCall::*tensor, const Spread &spread, bool swaps) {
        there.put(tensor, spread.memory);
        (there.call.*tensor).set_shape(swaps ? swapped(spread.shape) : spread.shape);
        (there.call.*tensor).set_strides(swaps ? swapped(spread.strides) : spread.strides);
      };
      arrange(&ConvCall::input, input, last);
      arrange(&ConvCall::output, output, last);
      arrange(&ConvCall::weight, weight, false);
      arrange(&ConvCall::bias, bias, false);
      if (last) there.call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
      REQUIRE_MESSAGE(there.call.run(device_context()) == HALOGEN_OK, there.call.error.message);
      std::vector<float> written(output.memory.size());
      there.get(&written);
      for (size_t j = 0; j < expected.size(); ++j) output.memory[output.place(j)] = expected[j];
      CHECK_MESSAGE(same_bits(written, output.memory), describe(problem));
    }
  }

  TEST_CASE("gpu conv: no samples, and an output length of 0, compute nothing") {
    ConvProblem problem = conv_shape(1, 2, 3, 3, 2, 0, 4);
    problem.pad_left = problem.out_length();
    ConvResult result = run_there(problem, ordinary_data(problem, 1));
    CHECK_MESSAGE(result.status == HALOGEN_OK, result.message);
    CHECK(std::string(result.ran.kernels).empty());
    problem.pad_left = 0;
    problem.n = 0;
    result = run_there(problem, ordinary_data(problem, 1));
    CHECK_MESSAGE(result.status == HALOGEN_OK, result.message);
  }

  TEST_CASE("gpu conv: the call's own stream, a query, and the same bits again") {
    ConvProblem problem = conv_shape(1, 24, 20, 4, 2, 1, 90);
    problem.n = 2;
    const ConvData data = ordinary_data(problem, 5);
    const ConvResult first = run_there(problem, data);
    const ConvResult second = run_there(problem, data, HALOGEN_CONV_PATH_AUTO, the_device().second_stream());
    CHECK(second.status == HALOGEN_OK);
    CHECK(same_bits(first.output, second.output));
    DeviceCall asked(problem);
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    REQUIRE(halogen_conv_transpose1d_query(device_context(), &asked.call.args, &info, nullptr) == HALOGEN_OK);
    CHECK(std::string(info.kernels) == first.ran.kernels);
    CHECK(std::string(info.isa) == the_device().variant());
    CHECK(info.workspace_bytes == 0);
  }

  TEST_CASE("gpu conv: byte_offset is heeded, or refused, never ignored") {
    const ConvProblem problem = conv_shape(1, 4, 6, 3, 2, 1, 5);
    const ConvData data = ordinary_data(problem, 1);
    const std::vector<float> expected = run_there(problem, data).output;
    // OpenCL begins a part of a buffer only at a multiple of what its device says.
    for (const size_t offset : {size_t{1024}, size_t{1}}) {
      std::vector<float> input(offset, 99.0f), output(offset + expected.size(), 7.0f);
      input.insert(input.end(), data.input.begin(), data.input.end());
      DeviceCall there(problem);
      there.put(data, {});
      there.put(&ConvCall::input, input);
      there.put(&ConvCall::output, output);
      there.call.input.dl.byte_offset = there.call.output.dl.byte_offset = offset * sizeof(float);
      const halogen_status status = there.call.run(device_context());
      if (status == HALOGEN_OK) {
        std::copy(expected.begin(), expected.end(), output.begin() + static_cast<std::ptrdiff_t>(offset));
      } else {
        CHECK_MESSAGE(status == HALOGEN_ERROR_LAYOUT, there.call.error.message);
      }
      std::vector<float> after(output.size());
      there.get(&after);
      CHECK(same_bits(after, output));
    }
  }

  TEST_CASE("gpu conv: what does not go") {
    const ConvProblem problem = conv_shape(1, 4, 6, 3, 2, 1, 5);
    const ConvData data = ordinary_data(problem, 1);
    const std::vector<float> output(static_cast<size_t>(element_count(problem.output_shape())), 7);
    const auto refused = [&](const char *what, halogen_status status, std::vector<std::string> words, auto change) {
      DeviceCall there(problem);
      there.put(data, output);
      change(there.call);
      check_refused(what, status, words, {}, [&](halogen_error *e) {
        return halogen_conv_transpose1d_forward(device_context(), &there.call.args, e);
      });
      std::vector<float> after(output.size());
      there.get(&after);
      CHECK(same_bits(output, after));
    };
    for (TensorView ConvCall::*tensor : {&ConvCall::input, &ConvCall::output, &ConvCall::bias}) {
      refused("one on the CPU", HALOGEN_ERROR_DEVICE, {"weight's device"},
              [=](ConvCall &c) { (c.*tensor).dl.device = cpu; });
      refused("one on another GPU", HALOGEN_ERROR_DEVICE, {"weight's device"},
              [=](ConvCall &c) { ++(c.*tensor).dl.device.device_id; });
    }
    refused("an output over the input", HALOGEN_ERROR_OVERLAP, {"output", "input"},
            [](ConvCall &c) { c.output.dl.data = c.input.dl.data; });
    refused("a crop beyond what kernels count", HALOGEN_ERROR_SIZE, {"2^29"}, [](ConvCall &c) {
      c.args.pad_left -= int64_t{1} << 40;
      c.args.pad_right += int64_t{1} << 40;
    });
    const PackedWeights packed(device_context(), problem, data);
    refused("packed weights", HALOGEN_ERROR_DEVICE, {"input", "weight's device"}, [&](ConvCall &c) {
      c.args.weight = nullptr;
      c.args.packed = packed.get();
    });
    DeviceCall there(problem);
    there.put(data, output);
    halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
    params.weight = &there.call.weight.dl;
    params.stride = params.dilation = params.groups = 1;
    halogen_conv_weights *made = nullptr;
    check_refused("packing", HALOGEN_ERROR_DEVICE, {"weight", "CPU"}, {}, [&](halogen_error *e) {
      return halogen_conv_transpose1d_weights_create(device_context(), &params, nullptr, 0, &made, e);
    });
  }
}
