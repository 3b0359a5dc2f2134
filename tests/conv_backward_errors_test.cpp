// halogen_conv_transpose1d_backward(): every way to misuse it has a status, a message, and leaves the gradients alone.
#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "support/conv_gradients.h"
#include "support/misuse.h"

using namespace halogen_tests;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t huge = int64_t{1} << 62;

halogen_context *context() { return context_of(variants()[0]); }

ConvProblem valid_problem() {
  ConvProblem p;
  p.n = 2;
  p.c_in = 4;
  p.c_out = 6;
  p.groups = 2;
  p.length = 5;
  p.kernel = 3;
  p.stride = 2;
  p.pad_left = p.pad_right = 1;
  p.activation = HALOGEN_ACTIVATION_LEAKY_RELU;
  return p;
}

using Call = ConvBackwardCall;
using Spoil = std::function<void(Call &)>;
enum class By { both, backward };

/** The memory of a valid call, followed by slack, so that shifted views stay in memory we own. */
struct ValidMemory {
  ConvData data = ordinary_data(valid_problem(), 1);
  ConvBackwardData backward = ordinary_backward_data(valid_problem(), data, 1);
  std::vector<float> gradients[3];

  ValidMemory() {
    for (auto *values : {&data.input, &data.weight, &backward.grad_output, &backward.output}) {
      values->resize(values->size() + 64, 5.0f);
    }
    for (auto &values : gradients) values.assign(200, 77.0f);
  }
  ConvBackwardMemory memory() {
    return {data.input.data(),   data.weight.data(),  backward.grad_output.data(), backward.output.data(),
            gradients[0].data(), gradients[1].data(), gradients[2].data()};
  }
  std::vector<Watched> watched() {
    const auto all_of = [](const char *name, std::vector<float> &v) {
      return Watched{name, v.data(), v.size() * sizeof(float)};
    };
    return {all_of("grad_input", gradients[0]), all_of("grad_weight", gradients[1]), all_of("grad_bias", gradients[2]),
            all_of("input", data.input), all_of("weight", data.weight)};
  }
};

void refused(const std::string &what, halogen_status status, const std::vector<std::string> &words, const Spoil &spoil,
             By by = By::both) {
  ValidMemory valid;
  Call call(valid_problem(), valid.memory());
  spoil(call);
  check_refused("backward: " + what, status, words, valid.watched(),
                [&](halogen_error *error) { return halogen_conv_transpose1d_backward(context(), &call.args, error); });
  if (by == By::backward) return;
  check_refused("query: " + what, status, words, valid.watched(), [&](halogen_error *error) {
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    return halogen_conv_transpose1d_backward_query(context(), &call.args, &info, error);
  });
}

void accepted(const std::string &what, const Spoil &change) {
  ValidMemory valid;
  Call call(valid_problem(), valid.memory());
  change(call);
  const halogen_status status = call.run(context());
  CHECK_MESSAGE(status == HALOGEN_OK, what, ": ", call.error.message);
}

struct NamedTensor {
  const char *name;
  TensorView Call::*tensor;
};
constexpr NamedTensor tensors[] = {
    {"input", &Call::input},        {"weight", &Call::weight},         {"grad_output", &Call::grad_output},
    {"output", &Call::output},      {"grad_input", &Call::grad_input}, {"grad_weight", &Call::grad_weight},
    {"grad_bias", &Call::grad_bias}};

}  // namespace

TEST_SUITE("conv_backward_errors") {
  TEST_CASE("conv backward: what the misuses are made from is valid") {
    accepted("as it is", [](Call &) {});
    accepted("no gradient", [](Call &c) { c.args.grad_input = c.args.grad_weight = c.args.grad_bias = nullptr; });
    accepted("an output that no activation needs", [](Call &c) {
      c.args.activation = HALOGEN_ACTIVATION_NONE;
      c.args.output = nullptr;
      c.args.activation_slope = c.args.input_slope = nan_value;
    });
  }

  TEST_CASE("conv backward: null pointers") {
    ValidMemory valid;
    Call call(valid_problem(), valid.memory());
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    const auto null = [&](const char *word, const std::function<halogen_status(halogen_error *)> &run) {
      check_refused(word, HALOGEN_ERROR_NULL_POINTER, {word}, valid.watched(), run);
    };
    const halogen_conv_transpose1d_backward_args *args = &call.args;
    null("context", [&](halogen_error *e) { return halogen_conv_transpose1d_backward(nullptr, args, e); });
    null("context", [&](halogen_error *e) { return halogen_conv_transpose1d_backward_query(nullptr, args, &info, e); });
    null("args", [&](halogen_error *e) { return halogen_conv_transpose1d_backward(context(), nullptr, e); });
    null("args",
         [&](halogen_error *e) { return halogen_conv_transpose1d_backward_query(context(), nullptr, &info, e); });
    null("info",
         [&](halogen_error *e) { return halogen_conv_transpose1d_backward_query(context(), args, nullptr, e); });
    refused("no input", HALOGEN_ERROR_NULL_POINTER, {"input"}, [](Call &c) { c.args.input = nullptr; });
    refused("no weight", HALOGEN_ERROR_NULL_POINTER, {"weight"}, [](Call &c) { c.args.weight = nullptr; });
    refused("no gradient", HALOGEN_ERROR_NULL_POINTER, {"grad_output"}, [](Call &c) { c.args.grad_output = nullptr; });
    refused("no output", HALOGEN_ERROR_NULL_POINTER, {"output", "activation"},
            [](Call &c) { c.args.output = nullptr; });
    for (const NamedTensor &named : tensors) {
      const auto tensor = named.tensor;
      refused(named.name, HALOGEN_ERROR_NULL_POINTER, {named.name, "shape"},
              [=](Call &c) { (c.*tensor).dl.shape = nullptr; });
      refused(
          named.name, HALOGEN_ERROR_NULL_POINTER, {named.name, "data"}, [=](Call &c) { (c.*tensor).dl.data = nullptr; },
          By::backward);
    }
  }

  TEST_CASE("conv backward: struct sizes") {
    for (const size_t size : {size_t{0}, size_t{12}, ~size_t{0}}) {
      refused("args", HALOGEN_ERROR_STRUCT_SIZE, {"args", std::to_string(size)},
              [=](Call &c) { c.args.struct_size = size; });
      refused(
          "ran", HALOGEN_ERROR_STRUCT_SIZE, {"ran"}, [=](Call &c) { c.ran.struct_size = size; }, By::backward);
    }
  }

  TEST_CASE("conv backward: scalars and enums") {
    for (const int64_t bad : {int64_t{0}, int64_t{-1}, -huge}) {
      const std::string text = std::to_string(bad);
      refused("stride", HALOGEN_ERROR_STRIDE, {"stride", text}, [=](Call &c) { c.args.stride = bad; });
      refused("dilation", HALOGEN_ERROR_DILATION, {"dilation", text}, [=](Call &c) { c.args.dilation = bad; });
      refused("groups", HALOGEN_ERROR_GROUPS, {"groups", text}, [=](Call &c) { c.args.groups = bad; });
    }
    refused("groups", HALOGEN_ERROR_GROUPS, {"groups", "4", "3"}, [](Call &c) { c.args.groups = 3; });
    refused("activation", HALOGEN_ERROR_ARGUMENT, {"activation", "9"}, [](Call &c) { set_raw(c.args.activation, 9); });
    refused("input_activation", HALOGEN_ERROR_ARGUMENT, {"input_activation", "1"},
            [](Call &c) { c.args.input_activation = HALOGEN_ACTIVATION_RELU; });
    refused("path", HALOGEN_ERROR_ARGUMENT, {"path", "-1"}, [](Call &c) { set_raw(c.args.path, -1); });
    refused("layout", HALOGEN_ERROR_ARGUMENT, {"layout", "2"}, [](Call &c) { set_raw(c.args.layout, 2); });
    refused("slope", HALOGEN_ERROR_ARGUMENT, {"activation_slope"},
            [](Call &c) { c.args.activation_slope = nan_value; });
    refused("slope", HALOGEN_ERROR_ARGUMENT, {"activation_slope", "-0.5"},
            [](Call &c) { c.args.activation_slope = -0.5; });
    refused("input slope", HALOGEN_ERROR_ARGUMENT, {"input_slope"}, [](Call &c) {
      c.args.input_activation = HALOGEN_ACTIVATION_LEAKY_RELU;
      c.args.input_slope = nan_value;
    });
  }

  TEST_CASE("conv backward: shapes, types, devices, strides") {
    for (const NamedTensor &named : tensors) {
      const auto tensor = named.tensor;
      refused(named.name, HALOGEN_ERROR_DTYPE, {named.name, "float64"},
              [=](Call &c) { (c.*tensor).dl.dtype = float64; });
      refused(named.name, HALOGEN_ERROR_DEVICE, {named.name}, [=](Call &c) { (c.*tensor).dl.device = {kDLMetal, 0}; });
      refused(named.name, HALOGEN_ERROR_SIZE, {named.name}, [=](Call &c) {
        (c.*tensor).set_shape(std::vector<int64_t>((c.*tensor).shape().size(), huge));
        if ((c.*tensor).shape().size() == 1) (c.*tensor).set_shape({huge});
      });
    }
    refused("rank", HALOGEN_ERROR_RANK, {"input", "4"}, [](Call &c) { c.input.set_shape({1, 2, 4, 5}); });
    refused("rank", HALOGEN_ERROR_RANK, {"weight", "2"}, [](Call &c) { c.weight.set_shape({4, 9}); });
    refused("rank", HALOGEN_ERROR_RANK, {"grad_bias", "2"}, [](Call &c) { c.grad_bias.set_shape({2, 3}); });
    refused("channels", HALOGEN_ERROR_CHANNELS, {"4", "3"}, [](Call &c) { c.input.set_shape({2, 3, 5}); });
    refused("empty input", HALOGEN_ERROR_ARGUMENT, {"length"}, [](Call &c) { c.input.set_shape({2, 4, 0}); });
    for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{{4, 3, 0}, {4, 0, 3}, {0, 3, 3}}) {
      refused("empty weight", HALOGEN_ERROR_WEIGHT_SHAPE, {"weight"}, [=](Call &c) { c.weight.set_shape(shape); });
    }
    refused("grad_output", HALOGEN_ERROR_SHAPE, {"grad_output", "(2, 6, 9)"}, [](Call &c) {
      c.grad_output.set_shape({2, 6, 8});
    });
    refused("output", HALOGEN_ERROR_SHAPE, {"output", "(2, 6, 9)"}, [](Call &c) { c.output.set_shape({6, 9}); });
    refused("grad_input", HALOGEN_ERROR_SHAPE, {"grad_input", "(2, 4, 5)"}, [](Call &c) {
      c.grad_input.set_shape({2, 4, 4});
    });
    refused("grad_weight", HALOGEN_ERROR_WEIGHT_SHAPE, {"grad_weight", "(4, 3, 3)"}, [](Call &c) {
      c.grad_weight.set_shape({4, 3, 2});
    });
    refused("grad_bias", HALOGEN_ERROR_BIAS_SHAPE, {"grad_bias", "6", "5"},
            [](Call &c) { c.grad_bias.set_shape({5}); });
    refused("negative length", HALOGEN_ERROR_OUTPUT_LENGTH, {"output", "-1"}, [](Call &c) { c.args.pad_left = 11; });
    accepted("a length of 0", [](Call &c) {
      c.args.pad_left = 10;
      c.grad_output.set_shape({2, 6, 0});
      c.output.set_shape({2, 6, 0});
    });
    for (int64_t halogen_conv_transpose1d_backward_args::*number :
         {&halogen_conv_transpose1d_backward_args::stride, &halogen_conv_transpose1d_backward_args::dilation}) {
      refused("beyond all", HALOGEN_ERROR_SIZE, {"weight"}, [=](Call &c) { c.args.*number = huge; });
    }
    refused("crop beyond all", HALOGEN_ERROR_SIZE, {"output"}, [](Call &c) {
      c.args.pad_left = -huge;
      c.args.pad_right = -huge;
    });
    refused("strides", HALOGEN_ERROR_LAYOUT, {"weight", "-3"}, [](Call &c) { c.weight.set_strides({9, -3, 1}); });
    refused("strides", HALOGEN_ERROR_LAYOUT, {"grad_input"}, [](Call &c) { c.grad_input.set_strides({20, 4, 1}); });
    refused("strides", HALOGEN_ERROR_LAYOUT, {"grad_weight"}, [](Call &c) { c.grad_weight.set_strides({9, 2, 1}); });
    refused("strides", HALOGEN_ERROR_LAYOUT, {"grad_bias"}, [](Call &c) { c.grad_bias.set_strides({0}); });
  }

  TEST_CASE("conv backward: memory that is shared") {
    for (size_t written = 4; written < std::size(tensors); ++written) {
      for (size_t other = 0; other < written; ++other) {
        const auto to = tensors[written].tensor, from = tensors[other].tensor;
        refused(
            tensors[written].name, HALOGEN_ERROR_OVERLAP, {tensors[written].name, tensors[other].name},
            [=](Call &c) { (c.*to).dl.data = static_cast<float *>((c.*from).dl.data) + 2; }, By::backward);
      }
    }
    accepted("read twice", [](Call &c) { c.output.dl.data = c.grad_output.dl.data; });
  }

  TEST_CASE("conv backward: a query says what would run") {
    ValidMemory valid;
    Call call(valid_problem(), valid.memory());
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    CHECK(halogen_conv_transpose1d_backward_query(context(), &call.args, &info, nullptr) == HALOGEN_OK);
    REQUIRE(call.run(context()) == HALOGEN_OK);
    CHECK(std::string(info.kernels) == call.ran.kernels);
    CHECK(std::string(info.reason).size() > 10);
    CHECK(info.workspace_bytes > 0);
  }

  TEST_CASE("conv backward: a problem that is too large for any kernel is refused, by query without data") {
    constexpr int64_t beyond = int64_t{1} << 31;
    const auto too_large = [](const std::string &what, const ConvProblem &problem, halogen_conv_path path,
                              const Spoil &change) {
      Call call(problem, {}, path);
      call.args.grad_input = &call.grad_input.dl;
      call.args.grad_weight = &call.grad_weight.dl;
      call.args.grad_bias = &call.grad_bias.dl;
      change(call);
      halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
      check_refused(what, HALOGEN_ERROR_SIZE, {"no kernel fits", "2^31"}, {}, [&](halogen_error *error) {
        return halogen_conv_transpose1d_backward_query(context(), &call.args, &info, error);
      });
      CHECK(std::string(info.kernels).empty());
      CHECK(std::string(info.reason).size() > 10);
    };
    const auto as_it_is = [](Call &) {};
    const auto either = HALOGEN_CONV_PATH_AUTO;
    too_large("length", conv_shape(1, 1, 1, 1, 1, 0, beyond), either, as_it_is);
    too_large("channels times length", conv_shape(1, 4, 1, 1, 1, 0, beyond / 4 + 1), either, as_it_is);
    too_large("output's length", conv_shape(1, 1, 1, 1, 4, 0, beyond / 4 + 2), either, as_it_is);
    too_large("strides", conv_shape(1, 2, 1, 1, 1, 0, 4), either, [](Call &c) {
      c.grad_input.set_strides({1, beyond, 1});
    });
    too_large("columns", conv_shape(beyond / 16, 2, 2, 4, 2, 0, 64), HALOGEN_CONV_PATH_COLUMNS, as_it_is);
    // In whole tiles the last position is beyond what 31 bits count, though the output's is not.
    too_large("whole tiles", conv_shape(1, 1, 1, 1, 1024, 0, beyond / 1024), either, as_it_is);

    // By a call, too: one number, repeated by a stride of 0, of which all but the end is cropped.
    ConvProblem cropped = conv_shape(1, 1, 1, 1, 1, 0, beyond + 8);
    cropped.pad_left = beyond + 4;
    float input = 3, weight = 2, grad_weight = 77, grad_bias = 77;
    std::vector<float> grad_output(4, 1.0f);
    Call repeated(cropped, {&input, &weight, grad_output.data(), nullptr, nullptr, &grad_weight, &grad_bias});
    repeated.input.set_strides({0, 0, 0});
    check_refused(
        "crop", HALOGEN_ERROR_SIZE, {"no kernel fits", "2^31"},
        {{"grad_weight", &grad_weight, sizeof grad_weight}, {"grad_bias", &grad_bias, sizeof grad_bias}},
        [&](halogen_error *error) { return halogen_conv_transpose1d_backward(context(), &repeated.args, error); });
  }
}
