// torch.nn.ConvTranspose1d: defaults, state, lengths, numbers, and torch's words for what is wrong.
#include <doctest/doctest.h>

#include <halogen/torch.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "support/conv_run.h"
#include "support/conv_storage.h"
#include "support/misuse.h"

using namespace halogen_tests;

namespace {

using Params = halogen_torch_conv_transpose1d_params;
using Module = std::unique_ptr<halogen_module, decltype(&halogen_module_destroy)>;

halogen_context *context() { return context_of(variants()[0]); }

Params params_of(int64_t in_channels, int64_t out_channels, int64_t kernel_size) {
  Params params;
  REQUIRE(halogen_torch_conv_transpose1d_params_init(&params, sizeof params, in_channels, out_channels, kernel_size,
                                                     nullptr) == HALOGEN_OK);
  return params;
}

Module make(const Params &params) {
  halogen_module *module = nullptr;
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_torch_conv_transpose1d_create(context(), &params, &module, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
  return Module(module, halogen_module_destroy);
}

/** The module's own memory. */
const DLTensor &state(const Module &module, const char *key) {
  const DLTensor *tensor = nullptr;
  REQUIRE(halogen_module_state(module.get(), key, &tensor, nullptr) == HALOGEN_OK);
  return *tensor;
}

void load(const Module &module, const char *key, std::vector<float> values) {
  const DLTensor &entry = state(module, key);
  TensorView view(values.data(), std::vector<int64_t>(entry.shape, entry.shape + entry.ndim));
  REQUIRE(halogen_module_load_state(module.get(), key, &view.dl, nullptr) == HALOGEN_OK);
}

std::vector<float> forward(const Module &module, std::vector<float> input, const std::vector<int64_t> &shape,
                           std::vector<int64_t> output_shape) {
  std::vector<float> output(static_cast<size_t>(element_count(output_shape)));
  TensorView x(input.data(), shape), y(output.data(), std::move(output_shape));
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, nullptr, &error);
  CHECK_MESSAGE(status == HALOGEN_OK, error.message);
  return output;
}

/** The same problem for the operator: padding p, output_padding o. */
ConvProblem problem_of(const Params &p, int64_t n, int64_t length, bool batched = true) {
  ConvProblem problem;
  problem.n = n;
  problem.batched = batched;
  problem.c_in = p.in_channels;
  problem.c_out = p.out_channels;
  problem.kernel = p.kernel_size;
  problem.stride = p.stride;
  problem.dilation = p.dilation;
  problem.groups = p.groups;
  problem.length = length;
  problem.pad_left = p.padding;
  problem.pad_right = p.padding - p.output_padding;
  problem.bias = p.bias != 0;
  return problem;
}

}  // namespace

TEST_SUITE("torch_conv") {
  TEST_CASE("torch conv: defaults") {
    const Params p = params_of(3, 64, 4);
    CHECK(p.struct_size == sizeof p);
    CHECK(p.in_channels == 3);
    CHECK(p.out_channels == 64);
    CHECK(p.kernel_size == 4);
    CHECK(p.stride == 1);
    CHECK(p.padding == 0);
    CHECK(p.output_padding == 0);
    CHECK(p.groups == 1);
    CHECK(p.bias == 1);
    CHECK(p.dilation == 1);
    CHECK(p.dtype.bits == 32);
    CHECK(p.device.device_type == kDLCPU);
    Params small;
    check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {}, [](halogen_error *e) {
      return halogen_torch_conv_transpose1d_params_init(nullptr, sizeof(Params), 1, 1, 1, e);
    });
    check_refused("struct_size", HALOGEN_ERROR_STRUCT_SIZE, {"3"}, {},
                  [&](halogen_error *e) { return halogen_torch_conv_transpose1d_params_init(&small, 3, 1, 1, 1, e); });
  }

  TEST_CASE("torch conv: state") {
    Params p = params_of(4, 6, 3);
    p.groups = 2;
    const Module module = make(p);
    CHECK(halogen_module_state_count(module.get()) == 2);
    const DLTensor &weight = state(module, "weight"), &bias = state(module, "bias");
    CHECK(std::vector<int64_t>(weight.shape, weight.shape + weight.ndim) == std::vector<int64_t>{4, 3, 3});
    CHECK(std::vector<int64_t>(bias.shape, bias.shape + bias.ndim) == std::vector<int64_t>{6});
    for (int i = 0; i < 36; ++i) CHECK(static_cast<const float *>(weight.data)[i] == 0);
    p.bias = 0;
    CHECK(halogen_module_state_count(make(p).get()) == 1);
    std::vector<float> values(36);
    TensorView wrong(values.data(), {6, 2, 3});
    check_refused("another shape", HALOGEN_ERROR_WEIGHT_SHAPE, {"weight", "(4, 3, 3)", "(6, 2, 3)"}, {},
                  [&](halogen_error *e) { return halogen_module_load_state(module.get(), "weight", &wrong.dl, e); });
  }

  TEST_CASE("torch conv: the documents' lengths") {
    const auto length = [](int64_t kernel, int64_t stride, int64_t padding, int64_t output_padding) {
      Params p = params_of(3, 64, kernel);
      p.stride = stride;
      p.padding = padding;
      p.output_padding = output_padding;
      int64_t result = 0;
      REQUIRE(halogen_torch_conv_transpose1d_output_length(make(p).get(), 50, &result, nullptr) == HALOGEN_OK);
      return result;
    };
    CHECK(length(4, 1, 0, 0) == 53);
    CHECK(length(5, 3, 2, 2) == 150);
    CHECK(length(5, 3, 0, 0) == 152);
  }

  TEST_CASE("torch conv: forward is the operator, in training and evaluation, batched or not") {
    for (int i = 0; i < 8; ++i) {
      Params p = params_of(6, 4, 5);
      p.stride = 3;
      p.padding = 2;
      p.output_padding = 1;
      p.dilation = i & 1 ? 2 : 1;
      p.groups = i & 2 ? 2 : 1;
      p.bias = i & 4 ? 1 : 0;
      const Module module = make(p);
      for (const bool batched : {true, false}) {
        const ConvProblem problem = problem_of(p, batched ? 3 : 1, 17, batched);
        for (uint64_t step = 0; step < 2; ++step) {
          const ConvData data = ordinary_data(problem, step);
          load(module, "weight", data.weight);
          if (p.bias) load(module, "bias", data.bias);
          const std::vector<float> expected = run_conv(context(), problem, data).output;
          for (const int training : {1, 0, 0}) {
            REQUIRE(halogen_module_set_training(module.get(), training, nullptr) == HALOGEN_OK);
            CHECK(same_bits(forward(module, data.input, problem.input_shape(), problem.output_shape()), expected));
            CHECK(same_bits(forward(module, data.input, problem.input_shape(), problem.output_shape()), expected));
          }
        }
      }
    }
  }

  TEST_CASE("torch conv: float64, float16 and bfloat16 modules have the operator's bits") {
    Params p = params_of(6, 4, 5);
    p.stride = 2;
    const ConvProblem problem = problem_of(p, 2, 9);
    const ConvData data = eighths(problem, 1);
    for (const Type &type : types) {
      for (const Variant &variant : variants()) {
        if (variant.isa == HALOGEN_ISA_V2 && type.dl.bits == 16) continue;
        p.dtype = type.dl;
        halogen_module *made = nullptr;
        REQUIRE(halogen_torch_conv_transpose1d_create(context_of(variant), &p, &made, nullptr) == HALOGEN_OK);
        const Module module(made, halogen_module_destroy);
        Typed input(type, data.input), weight(type, data.weight), bias(type, data.bias);
        const std::vector<float> zeros(static_cast<size_t>(element_count(problem.output_shape())));
        Typed output(type, zeros), expected(type, zeros);
        ConvCall call(problem, {input.data(), expected.data(), weight.data(), bias.data()});
        for (TensorView *tensor : {&call.input, &call.output, &call.weight, &call.bias}) tensor->dl.dtype = type.dl;
        REQUIRE(call.run(context_of(variant)) == HALOGEN_OK);
        REQUIRE(halogen_module_load_state(module.get(), "weight", &call.weight.dl, nullptr) == HALOGEN_OK);
        REQUIRE(halogen_module_load_state(module.get(), "bias", &call.bias.dl, nullptr) == HALOGEN_OK);
        call.output.dl.data = output.data();
        for (const int training : {1, 0}) {
          REQUIRE(halogen_module_set_training(module.get(), training, nullptr) == HALOGEN_OK);
          REQUIRE(halogen_module_forward(module.get(), &call.input.dl, &call.output.dl, nullptr, nullptr, nullptr) ==
                  HALOGEN_OK);
          CHECK((type.dl.bits == 64 ? output.wide == expected.wide : output.narrow == expected.narrow));
        }
        TensorView other(input.data(), problem.input_shape(), float32);
        check_refused("another dtype", HALOGEN_ERROR_DTYPE, {"input", "float32"}, {}, [&](halogen_error *e) {
          return halogen_module_forward(module.get(), &other.dl, &call.output.dl, nullptr, nullptr, e);
        });
      }
    }
  }

  TEST_CASE("torch conv: in evaluation mode a weight that is loaded or bound is packed anew") {
    const Params p = params_of(2, 3, 4);
    const Module module = make(p);
    const ConvProblem problem = problem_of(p, 1, 9);
    REQUIRE(halogen_module_set_training(module.get(), 0, nullptr) == HALOGEN_OK);
    ConvData data = ordinary_data(problem, 1);
    load(module, "bias", data.bias);
    for (uint64_t step = 1; step < 4; ++step) {
      data.weight = ordinary_data(problem, step).weight;
      std::vector<float> bound = data.weight;
      TensorView view(bound.data(), problem.weight_shape());
      if (step == 2) {
        REQUIRE(halogen_module_bind_state(module.get(), "weight", &view.dl, nullptr) == HALOGEN_OK);
      } else {
        load(module, "weight", data.weight);
      }
      CHECK(same_bits(forward(module, data.input, problem.input_shape(), problem.output_shape()),
                      run_conv(context(), problem, data).output));
      if (step == 2) {
        // The vector goes: back to memory that stays.
        static std::vector<float> kept(bound.size());
        TensorView other(kept.data(), problem.weight_shape());
        REQUIRE(halogen_module_bind_state(module.get(), "weight", &other.dl, nullptr) == HALOGEN_OK);
      }
    }
  }

  TEST_CASE("torch conv: several threads meet in the first forward of evaluation mode") {
    const Params p = params_of(20, 20, 4);
    const ConvProblem problem = problem_of(p, 1, 30);
    const ConvData data = ordinary_data(problem, 3);
    const std::vector<float> expected = run_conv(context(), problem, data).output;
    for (int round = 0; round < 10; ++round) {
      const Module module = make(p);
      load(module, "weight", data.weight);
      load(module, "bias", data.bias);
      REQUIRE(halogen_module_set_training(module.get(), 0, nullptr) == HALOGEN_OK);
      std::atomic<int> wrong{0};
      std::vector<std::thread> threads;
      for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
          std::vector<float> input = data.input, output(expected.size());
          TensorView x(input.data(), problem.input_shape()), y(output.data(), problem.output_shape());
          if (halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, nullptr, nullptr) != HALOGEN_OK) ++wrong;
          if (!same_bits(output, expected)) ++wrong;
        });
      }
      for (std::thread &thread : threads) thread.join();
      CHECK(wrong == 0);
    }
  }

  TEST_CASE("torch conv: output_size") {
    Params p = params_of(2, 3, 3);
    p.stride = 3;
    p.padding = 1;
    const Module module = make(p);
    ConvProblem problem = problem_of(p, 1, 5);
    ConvData data = ordinary_data(problem, 4);
    load(module, "weight", data.weight);
    load(module, "bias", data.bias);
    TensorView x(data.input.data(), problem.input_shape());
    for (int64_t size = 13; size < 16; ++size) {
      problem.pad_right = 1 - (size - 13);
      std::vector<float> output(static_cast<size_t>(3 * size));
      TensorView y(output.data(), {1, 3, size});
      halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
      CHECK(halogen_torch_conv_transpose1d_forward_size(module.get(), &x.dl, size, &y.dl, nullptr, &ran, nullptr) ==
            HALOGEN_OK);
      CHECK(std::string(ran.kernels).size() > 10);
      CHECK(same_bits(output, run_conv(context(), problem, data).output));
    }
    std::vector<float> output(60, 7);
    TensorView y(output.data(), {1, 3, 16});
    const auto refused = [&](halogen_status status, const std::string &words,
                             const std::function<halogen_status(halogen_error *)> &run) {
      check_refused(words, status, {words}, {{"output", output.data(), output.size() * sizeof(float)}}, run);
    };
    for (const int64_t size : {int64_t{12}, int64_t{16}, int64_t{-1}}) {
      refused(HALOGEN_ERROR_SHAPE,
              "requested an output size of [" + std::to_string(size) +
                  "], but valid sizes range from [13] to [15] (for an input of torch.Size([5]))",
              [&](halogen_error *e) {
                return halogen_torch_conv_transpose1d_forward_size(module.get(), &x.dl, size, &y.dl, nullptr, nullptr,
                                                                   e);
              });
    }
    refused(HALOGEN_ERROR_NULL_POINTER, "module", [&](halogen_error *e) {
      return halogen_torch_conv_transpose1d_forward_size(nullptr, &x.dl, 13, &y.dl, nullptr, nullptr, e);
    });
    refused(HALOGEN_ERROR_SHAPE, "output", [&](halogen_error *e) {
      return halogen_torch_conv_transpose1d_forward_size(module.get(), &x.dl, 13, &y.dl, nullptr, nullptr, e);
    });
  }

  TEST_CASE("torch conv: parameters that torch refuses, in its words") {
    halogen_module *module = nullptr;
    const auto refused = [&](halogen_status status, const std::string &words,
                             const std::function<void(Params &)> &spoil) {
      Params params = params_of(6, 4, 3);
      spoil(params);
      check_refused(words, status, {words}, {}, [&](halogen_error *e) {
        return halogen_torch_conv_transpose1d_create(context(), &params, &module, e);
      });
      CHECK(module == nullptr);
    };
    refused(HALOGEN_ERROR_STRUCT_SIZE, "params", [](Params &p) { p.struct_size = 1; });
    refused(HALOGEN_ERROR_GROUPS, "groups must be a positive integer", [](Params &p) { p.groups = 0; });
    refused(HALOGEN_ERROR_GROUPS, "in_channels must be divisible by groups", [](Params &p) { p.groups = 4; });
    refused(HALOGEN_ERROR_GROUPS, "out_channels must be divisible by groups", [](Params &p) { p.groups = 3; });
    refused(HALOGEN_ERROR_STRIDE, "non-positive stride is not supported", [](Params &p) { p.stride = 0; });
    refused(HALOGEN_ERROR_ARGUMENT, "negative padding is not supported", [](Params &p) { p.padding = -1; });
    refused(HALOGEN_ERROR_OUTPUT_PADDING, "negative output_padding is not supported",
            [](Params &p) { p.output_padding = -1; });
    refused(HALOGEN_ERROR_DILATION, "dilation should be greater than zero", [](Params &p) { p.dilation = 0; });
    refused(HALOGEN_ERROR_ARGUMENT, "in_channels", [](Params &p) { p.in_channels = 0; });
    refused(HALOGEN_ERROR_ARGUMENT, "out_channels", [](Params &p) { p.out_channels = -3; });
    refused(HALOGEN_ERROR_ARGUMENT, "kernel_size", [](Params &p) { p.kernel_size = 0; });
    refused(HALOGEN_ERROR_ARGUMENT, "bias", [](Params &p) { p.bias = 2; });
    refused(HALOGEN_ERROR_ARGUMENT, "Only \"zeros\" padding mode is supported for ConvTranspose1d",
            [](Params &p) { p.padding_mode = HALOGEN_PADDING_REFLECT; });
    refused(HALOGEN_ERROR_DTYPE, "int64", [](Params &p) { p.dtype = int64_type; });
    refused(HALOGEN_ERROR_DEVICE, "device", [](Params &p) { p.device = {kDLMetal, 0}; });
    refused(HALOGEN_ERROR_SIZE, "padding", [](Params &p) { p.padding = int64_t{1} << 40; });
    refused(HALOGEN_ERROR_SIZE, "weight", [](Params &p) { p.kernel_size = int64_t{1} << 40; });
    const Params valid = params_of(2, 2, 2);
    const auto null = [&](const char *word, const std::function<halogen_status(halogen_error *)> &run) {
      check_refused(word, HALOGEN_ERROR_NULL_POINTER, {word}, {}, run);
    };
    null("context", [&](auto *e) { return halogen_torch_conv_transpose1d_create(nullptr, &valid, &module, e); });
    null("params", [&](auto *e) { return halogen_torch_conv_transpose1d_create(context(), nullptr, &module, e); });
    null("module", [&](auto *e) { return halogen_torch_conv_transpose1d_create(context(), &valid, nullptr, e); });
  }

  TEST_CASE("torch conv: inputs that torch refuses, in its words") {
    Params p = params_of(4, 6, 3);
    p.padding = 3;
    const Module module = make(p);
    std::vector<float> input(200, 1), output(200, 7);
    const auto refused = [&](const Module &m, std::vector<int64_t> shape, halogen_status status,
                             const std::string &words) {
      TensorView x(input.data(), std::move(shape)), y(output.data(), {2, 6, 5});
      check_refused(
          words, status, {words}, {{"output", output.data(), output.size() * sizeof(float)}},
          [&](halogen_error *e) { return halogen_module_forward(m.get(), &x.dl, &y.dl, nullptr, nullptr, e); });
    };
    refused(
        module, {2, 3, 5}, HALOGEN_ERROR_CHANNELS,
        "Given transposed=1, weight of size [4, 6, 3], expected input[2, 3, 5] to have 4 channels, but got 3 channels "
        "instead");
    refused(module, {5}, HALOGEN_ERROR_RANK,
            "Expected 2D (unbatched) or 3D (batched) input to conv_transpose1d, but got input of size: [5]");
    refused(module, {2, 4, 2}, HALOGEN_ERROR_OUTPUT_LENGTH,
            "could not construct a memory descriptor using a format tag");
    refused(module, {2, 4, 0}, HALOGEN_ERROR_ARGUMENT, "length");
    p.padding = 2;
    CHECK(forward(make(p), {1, 2, 3, 4, 5, 6, 7, 8}, {1, 4, 2}, {1, 6, 0}).empty());
    p.padding = 0;
    p.output_padding = 1;
    refused(make(p), {2, 4, 5}, HALOGEN_ERROR_OUTPUT_PADDING,
            "output padding must be smaller than either stride or dilation, but got output_padding_height: 0 "
            "output_padding_width: 1 stride_height: 1 stride_width: 1 dilation_height: 1 dilation_width: 1");
    int64_t length = 0;
    const auto length_refused = [&](const halogen_module *m, int64_t l, int64_t *to, halogen_status status,
                                    const std::string &words) {
      check_refused(words, status, {words}, {{"length", &length, sizeof length}},
                    [&](halogen_error *e) { return halogen_torch_conv_transpose1d_output_length(m, l, to, e); });
    };
    length_refused(nullptr, 5, &length, HALOGEN_ERROR_NULL_POINTER, "module");
    length_refused(module.get(), 5, nullptr, HALOGEN_ERROR_NULL_POINTER, "output_length");
    length_refused(module.get(), 0, &length, HALOGEN_ERROR_ARGUMENT, "length");
    length_refused(module.get(), 2, &length, HALOGEN_ERROR_OUTPUT_LENGTH, "negative length");
    length_refused(module.get(), INT64_MAX, &length, HALOGEN_ERROR_SIZE, "output");
    halogen_torch_batch_norm_params norm;
    REQUIRE(halogen_torch_batch_norm_params_init(&norm, sizeof norm, 3, nullptr) == HALOGEN_OK);
    halogen_module *other = nullptr;
    REQUIRE(halogen_torch_batch_norm2d_create(context(), &norm, &other, nullptr) == HALOGEN_OK);
    const Module batch_norm(other, halogen_module_destroy);
    length_refused(batch_norm.get(), 5, &length, HALOGEN_ERROR_ARGUMENT, "ConvTranspose1d");
    TensorView x(input.data(), {1, 3, 2, 2});
    check_refused("another module", HALOGEN_ERROR_ARGUMENT, {"ConvTranspose1d"}, {}, [&](halogen_error *e) {
      return halogen_torch_conv_transpose1d_forward_size(batch_norm.get(), &x.dl, 3, &x.dl, nullptr, nullptr, e);
    });
  }
}
