// halogen/conv.h: every way to misuse it has a status, a message, and leaves the output alone.
#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "support/callbacks.h"
#include "support/conv_run.h"
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
  return p;
}

using Spoil = std::function<void(ConvCall &)>;
enum class By { both, forward };

/** The memory of a valid call, followed by slack, so that shifted views stay in memory we own. */
struct ValidMemory {
  ConvData data = ordinary_data(valid_problem(), 1);
  std::vector<float> output = std::vector<float>(200, 77.0f);

  ValidMemory() {
    for (auto *values : {&data.input, &data.weight, &data.bias}) values->resize(values->size() + 64, 5.0f);
  }
  ConvMemory memory() { return {data.input.data(), output.data(), data.weight.data(), data.bias.data()}; }
  std::vector<Watched> watched() {
    const auto all_of = [](const char *name, std::vector<float> &v) {
      return Watched{name, v.data(), v.size() * sizeof(float)};
    };
    return {all_of("output", output), all_of("input", data.input), all_of("weight", data.weight),
            all_of("bias", data.bias)};
  }
};

void refused(const std::string &what, halogen_status status, const std::vector<std::string> &words, const Spoil &spoil,
             By by = By::both) {
  ValidMemory valid;
  ConvCall call(valid_problem(), valid.memory());
  spoil(call);
  check_refused("forward: " + what, status, words, valid.watched(),
                [&](halogen_error *error) { return halogen_conv_transpose1d_forward(context(), &call.args, error); });
  if (by == By::forward) return;
  check_refused("query: " + what, status, words, valid.watched(), [&](halogen_error *error) {
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    return halogen_conv_transpose1d_query(context(), &call.args, &info, error);
  });
}

void accepted(const std::string &what, const Spoil &change) {
  ValidMemory valid;
  ConvCall call(valid_problem(), valid.memory());
  change(call);
  const halogen_status status = call.run(context());
  CHECK_MESSAGE(status == HALOGEN_OK, what, ": ", call.error.message);
}

struct NamedTensor {
  const char *name;
  TensorView ConvCall::*tensor;
};
constexpr NamedTensor tensors[] = {{"input", &ConvCall::input},
                                   {"output", &ConvCall::output},
                                   {"weight", &ConvCall::weight},
                                   {"bias", &ConvCall::bias}};

}  // namespace

TEST_SUITE("conv_errors") {
  TEST_CASE("conv: what the misuses are made from is valid") {
    accepted("as it is", [](ConvCall &) {});
    accepted("no bias", [](ConvCall &c) { c.args.bias = nullptr; });
    accepted("slopes that are not used", [](ConvCall &c) { c.args.input_slope = c.args.activation_slope = nan_value; });
  }

  TEST_CASE("conv: null pointers") {
    ValidMemory valid;
    ConvCall call(valid_problem(), valid.memory());
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    const auto null = [&](const char *word, const std::function<halogen_status(halogen_error *)> &run) {
      check_refused(word, HALOGEN_ERROR_NULL_POINTER, {word}, valid.watched(), run);
    };
    null("context", [&](halogen_error *e) { return halogen_conv_transpose1d_forward(nullptr, &call.args, e); });
    null("context", [&](halogen_error *e) { return halogen_conv_transpose1d_query(nullptr, &call.args, &info, e); });
    null("args", [&](halogen_error *e) { return halogen_conv_transpose1d_forward(context(), nullptr, e); });
    null("args", [&](halogen_error *e) { return halogen_conv_transpose1d_query(context(), nullptr, &info, e); });
    null("info", [&](halogen_error *e) { return halogen_conv_transpose1d_query(context(), &call.args, nullptr, e); });
    refused("no input", HALOGEN_ERROR_NULL_POINTER, {"input"}, [](ConvCall &c) { c.args.input = nullptr; });
    refused("no output", HALOGEN_ERROR_NULL_POINTER, {"output"}, [](ConvCall &c) { c.args.output = nullptr; });
    refused("no weight", HALOGEN_ERROR_ARGUMENT, {"weight", "packed", "neither"},
            [](ConvCall &c) { c.args.weight = nullptr; });
    for (const NamedTensor &named : tensors) {
      const auto tensor = named.tensor;
      refused(named.name, HALOGEN_ERROR_NULL_POINTER, {named.name, "shape"},
              [=](ConvCall &c) { (c.*tensor).dl.shape = nullptr; });
      refused(
          named.name, HALOGEN_ERROR_NULL_POINTER, {named.name, "data"},
          [=](ConvCall &c) { (c.*tensor).dl.data = nullptr; }, By::forward);
    }
  }

  TEST_CASE("conv: struct sizes") {
    for (const size_t size : {size_t{0}, size_t{12}, ~size_t{0}}) {
      refused("args", HALOGEN_ERROR_STRUCT_SIZE, {"args", std::to_string(size)},
              [=](ConvCall &c) { c.args.struct_size = size; });
      refused(
          "ran", HALOGEN_ERROR_STRUCT_SIZE, {"ran"}, [=](ConvCall &c) { c.ran.struct_size = size; }, By::forward);
    }
    // An older header's struct, which ends before `path`.
    accepted("older", [](ConvCall &c) { c.args.struct_size = offsetof(halogen_conv_transpose1d_args, path); });
  }

  TEST_CASE("conv: scalars and enums") {
    for (const int64_t bad : {int64_t{0}, int64_t{-1}, -huge}) {
      const std::string text = std::to_string(bad);
      refused("stride", HALOGEN_ERROR_STRIDE, {"stride", text}, [=](ConvCall &c) { c.args.stride = bad; });
      refused("dilation", HALOGEN_ERROR_DILATION, {"dilation", text}, [=](ConvCall &c) { c.args.dilation = bad; });
      refused("groups", HALOGEN_ERROR_GROUPS, {"groups", text}, [=](ConvCall &c) { c.args.groups = bad; });
    }
    refused("groups", HALOGEN_ERROR_GROUPS, {"groups", "4", "3"}, [](ConvCall &c) { c.args.groups = 3; });
    refused("activation", HALOGEN_ERROR_ARGUMENT, {"activation", "9"},
            [](ConvCall &c) { set_raw(c.args.activation, 9); });
    refused("input_activation", HALOGEN_ERROR_ARGUMENT, {"input_activation", "1"},
            [](ConvCall &c) { c.args.input_activation = HALOGEN_ACTIVATION_RELU; });
    refused("path", HALOGEN_ERROR_ARGUMENT, {"path", "-1"}, [](ConvCall &c) { set_raw(c.args.path, -1); });
    refused(
        "path", HALOGEN_ERROR_UNSUPPORTED, {"path", "columns"},
        [](ConvCall &c) { c.args.path = HALOGEN_CONV_PATH_COLUMNS; }, By::both);
    refused("layout", HALOGEN_ERROR_ARGUMENT, {"layout", "2"}, [](ConvCall &c) { set_raw(c.args.layout, 2); });
    refused("slope", HALOGEN_ERROR_ARGUMENT, {"activation_slope"}, [](ConvCall &c) {
      c.args.activation = HALOGEN_ACTIVATION_LEAKY_RELU;
      c.args.activation_slope = nan_value;
    });
    refused("input slope", HALOGEN_ERROR_ARGUMENT, {"input_slope"}, [](ConvCall &c) {
      c.args.input_activation = HALOGEN_ACTIVATION_LEAKY_RELU;
      c.args.input_slope = nan_value;
    });
  }

  TEST_CASE("conv: shapes, types, devices, strides") {
    for (const NamedTensor &named : tensors) {
      const auto tensor = named.tensor;
      refused(named.name, HALOGEN_ERROR_DTYPE, {named.name, "float64"},
              [=](ConvCall &c) { (c.*tensor).dl.dtype = float64; });
      refused(named.name, HALOGEN_ERROR_DEVICE, {named.name}, [=](ConvCall &c) {
        (c.*tensor).dl.device = {kDLMetal, 0};
      });
      refused(named.name, HALOGEN_ERROR_SIZE, {named.name}, [=](ConvCall &c) {
        (c.*tensor).set_shape(std::vector<int64_t>((c.*tensor).shape().size(), huge));
        if ((c.*tensor).shape().size() == 1) (c.*tensor).set_shape({huge});
      });
    }
    refused("rank", HALOGEN_ERROR_RANK, {"input", "4"}, [](ConvCall &c) { c.input.set_shape({1, 2, 4, 5}); });
    refused("rank", HALOGEN_ERROR_RANK, {"input", "1"}, [](ConvCall &c) { c.input.set_shape({5}); });
    refused("rank", HALOGEN_ERROR_RANK, {"weight", "2"}, [](ConvCall &c) { c.weight.set_shape({4, 9}); });
    refused("rank", HALOGEN_ERROR_RANK, {"bias", "2"}, [](ConvCall &c) { c.bias.set_shape({2, 3}); });
    refused("channels", HALOGEN_ERROR_CHANNELS, {"4", "3"}, [](ConvCall &c) { c.input.set_shape({2, 3, 5}); });
    refused("empty input", HALOGEN_ERROR_ARGUMENT, {"length"}, [](ConvCall &c) { c.input.set_shape({2, 4, 0}); });
    for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{{4, 3, 0}, {4, 0, 3}, {0, 3, 3}}) {
      refused("empty weight", HALOGEN_ERROR_WEIGHT_SHAPE, {"weight"}, [=](ConvCall &c) { c.weight.set_shape(shape); });
    }
    refused("bias", HALOGEN_ERROR_BIAS_SHAPE, {"bias", "6", "5"}, [](ConvCall &c) { c.bias.set_shape({5}); });
    for (const std::vector<int64_t> &shape :
         std::vector<std::vector<int64_t>>{{2, 6, 8}, {1, 6, 9}, {2, 5, 9}, {6, 9}}) {
      refused("output", HALOGEN_ERROR_SHAPE, {"(2, 6, 9)"}, [=](ConvCall &c) { c.output.set_shape(shape); });
    }
    refused("negative length", HALOGEN_ERROR_OUTPUT_LENGTH, {"output", "-1"},
            [](ConvCall &c) { c.args.pad_left = 11; });
    accepted("a length of 0", [](ConvCall &c) {
      c.args.pad_left = 10;
      c.output.set_shape({2, 6, 0});
    });
    for (int64_t halogen_conv_transpose1d_args::*number :
         {&halogen_conv_transpose1d_args::stride, &halogen_conv_transpose1d_args::dilation}) {
      refused("beyond all", HALOGEN_ERROR_SIZE, {"weight"}, [=](ConvCall &c) { c.args.*number = huge; });
    }
    refused("crop beyond all", HALOGEN_ERROR_SIZE, {"output"}, [](ConvCall &c) {
      c.args.pad_left = -huge;
      c.args.pad_right = -huge;
    });
    refused("strides", HALOGEN_ERROR_LAYOUT, {"weight", "-3"}, [](ConvCall &c) { c.weight.set_strides({9, -3, 1}); });
    refused("strides", HALOGEN_ERROR_LAYOUT, {"output"}, [](ConvCall &c) { c.output.set_strides({54, 4, 1}); });
    refused("dtype", HALOGEN_ERROR_DTYPE, {"weight", "int64"}, [](ConvCall &c) { c.weight.dl.dtype = int64_type; });
  }

  TEST_CASE("conv: memory that is shared") {
    refused(
        "input", HALOGEN_ERROR_OVERLAP, {"output", "input"},
        [](ConvCall &c) { c.output.dl.data = static_cast<float *>(c.input.dl.data) + 4; }, By::forward);
    refused(
        "weight", HALOGEN_ERROR_OVERLAP, {"output", "weight"},
        [](ConvCall &c) { c.weight.dl.data = static_cast<float *>(c.output.dl.data) + 100; }, By::forward);
    refused(
        "bias", HALOGEN_ERROR_OVERLAP, {"output", "bias"},
        [](ConvCall &c) { c.bias.dl.data = static_cast<float *>(c.output.dl.data) + 3; }, By::forward);
    accepted("input twice", [](ConvCall &c) { c.bias.dl.data = c.input.dl.data; });
  }

  TEST_CASE("conv: a path that does not fit says why, by query as well") {
    ConvProblem problem = valid_problem();
    problem.kernel = 16;
    problem.stride = 8;
    problem.pad_left = problem.pad_right = 0;
    ConvData data = ordinary_data(problem, 1);
    std::vector<float> output(static_cast<size_t>(element_count(problem.output_shape())));
    ConvCall call(problem, {data.input.data(), output.data(), data.weight.data(), data.bias.data()},
                  HALOGEN_CONV_PATH_LENGTH);
    check_refused("length", HALOGEN_ERROR_UNSUPPORTED, {"length", "phases"}, {},
                  [&](halogen_error *error) { return halogen_conv_transpose1d_forward(context(), &call.args, error); });
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    CHECK(halogen_conv_transpose1d_query(context(), &call.args, &info, nullptr) == HALOGEN_ERROR_UNSUPPORTED);
    CHECK(std::string(info.kernels).empty());
    CHECK(std::string(info.reason).size() > 10);
  }

  TEST_CASE("conv: a problem that is too large for any kernel is refused, by query without data") {
    constexpr int64_t beyond = int64_t{1} << 31;
    const auto too_large = [](const std::string &what, const ConvProblem &problem, const Spoil &change) {
      ConvCall call(problem, {});
      change(call);
      halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
      check_refused(what, HALOGEN_ERROR_SIZE, {"no kernel fits", "2^31"}, {}, [&](halogen_error *error) {
        return halogen_conv_transpose1d_query(context(), &call.args, &info, error);
      });
      CHECK(std::string(info.kernels).empty());
      CHECK(std::string(info.reason).size() > 10);
    };
    const auto as_it_is = [](ConvCall &) {};
    too_large("length", conv_shape(1, 1, 1, 1, 1, 0, beyond), as_it_is);
    too_large("channels times length", conv_shape(1, 4, 1, 1, 1, 0, beyond / 4 + 1), as_it_is);
    too_large("output's length", conv_shape(1, 1, 1, 1, 4, 0, beyond / 4 + 2), as_it_is);
    too_large("strides", conv_shape(1, 2, 1, 1, 1, 0, 4), [](ConvCall &c) { c.input.set_strides({1, beyond, 1}); });
    ConvProblem added = conv_shape(1, 1, 1, 1, 1, 0, 4);
    added.pad_right = -beyond;
    too_large("positions added", added, as_it_is);
    // What is just small enough is not refused.
    ConvCall call(conv_shape(1, 1, 1, 1, 1, 0, beyond - 1), {});
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    CHECK(halogen_conv_transpose1d_query(context(), &call.args, &info, nullptr) == HALOGEN_OK);

    // By a call, too: one number, repeated by a stride of 0, of which all but the end is cropped.
    ConvProblem cropped = conv_shape(1, 1, 1, 1, 1, 0, beyond + 8);
    cropped.pad_left = beyond + 4;
    float input = 3, weight = 2, bias = 1;
    std::vector<float> output(4, 77.0f);
    ConvCall repeated(cropped, {&input, output.data(), &weight, &bias});
    repeated.input.set_strides({0, 0, 0});
    check_refused("crop", HALOGEN_ERROR_SIZE, {"no kernel fits", "2^31"},
                  {{"output", output.data(), output.size() * sizeof(float)}}, [&](halogen_error *error) {
                    return halogen_conv_transpose1d_forward(context(), &repeated.args, error);
                  });
  }

  TEST_CASE("conv: the output's length") {
    int64_t length = -7;
    const auto of = [&](int64_t l, int64_t k, int64_t s, int64_t d, int64_t left, int64_t right) {
      REQUIRE(halogen_conv_transpose1d_output_length(l, k, s, d, left, right, &length, nullptr) == HALOGEN_OK);
      return length;
    };
    CHECK(of(50, 4, 1, 1, 0, 0) == 53);
    CHECK(of(50, 5, 3, 1, 2, 0) == 150);
    CHECK(of(50, 5, 3, 1, 0, 0) == 152);
    CHECK(of(1, 1, 9, 1, 0, 0) == 1);
    CHECK(of(4, 3, 2, 3, -2, 4) == 11);
    CHECK(of(2, 2, 1, 1, 3, 0) == 0);
    length = -7;
    const auto wrong = [&](halogen_status status, const std::string &word, int64_t l, int64_t k, int64_t s, int64_t d,
                           int64_t left) {
      check_refused(word, status, {word}, {{"length", &length, sizeof length}}, [&](halogen_error *error) {
        return halogen_conv_transpose1d_output_length(l, k, s, d, left, 0, &length, error);
      });
    };
    wrong(HALOGEN_ERROR_ARGUMENT, "length", 0, 1, 1, 1, 0);
    wrong(HALOGEN_ERROR_ARGUMENT, "kernel", 1, 0, 1, 1, 0);
    wrong(HALOGEN_ERROR_STRIDE, "stride", 1, 1, 0, 1, 0);
    wrong(HALOGEN_ERROR_DILATION, "dilation", 1, 1, 1, -1, 0);
    wrong(HALOGEN_ERROR_OUTPUT_LENGTH, "output", 1, 1, 1, 1, 2);
    wrong(HALOGEN_ERROR_SIZE, "output", huge, 1, 4, 1, 0);
    check_refused("no output_length", HALOGEN_ERROR_NULL_POINTER, {"output_length"}, {}, [](halogen_error *error) {
      return halogen_conv_transpose1d_output_length(1, 1, 1, 1, 0, 0, nullptr, error);
    });
  }
}
