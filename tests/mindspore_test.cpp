// MindSpore's modules: defaults, state and what each mode computes. What they refuse: mindspore_errors_test.cpp.
#include <doctest/doctest.h>

#include <cmath>

#include "support/framework.h"
#include "support/mindspore.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

using Keys = std::vector<std::string>;

constexpr NormKeys keys = {"gamma", "beta", "moving_mean", "moving_variance"};

struct Class {
  Create<BatchParams> *create;
  std::vector<int64_t> shape;
};
const Class batch_norms[] = {{halogen_mindspore_batch_norm1d_create, {6, 5}},
                             {halogen_mindspore_batch_norm1d_create, {3, 5, 7}},
                             {halogen_mindspore_batch_norm2d_create, {3, 5, 4, 6}},
                             {halogen_mindspore_batch_norm3d_create, {2, 5, 3, 4, 2}}};

}  // namespace

TEST_SUITE("mindspore") {
  TEST_CASE("mindspore.nn: defaults") {
    const BatchParams batch = batch_params(5);
    CHECK(batch.num_features == 5);
    CHECK(batch.eps == 1e-5);
    CHECK(batch.momentum == 0.9);
    CHECK(batch.affine == 1);
    CHECK(batch.use_batch_statistics == HALOGEN_NONE);
    CHECK(batch.data_format == HALOGEN_MINDSPORE_NCHW);
    CHECK(batch.version == HALOGEN_MINDSPORE_2_7);
    for (const auto *init : {&batch.gamma_init, &batch.beta_init, &batch.moving_mean_init, &batch.moving_var_init}) {
      CHECK(init->kind == HALOGEN_MINDSPORE_INIT_DEFAULT);
    }
    const InstanceParams instance = instance_params(4);
    CHECK(instance.num_features == 4);
    CHECK(instance.momentum == 0.1);
    CHECK(instance.affine == 1);
    const ConvParams conv = conv_params(3, 64, 4);
    CHECK(conv.stride == 1);
    CHECK(conv.pad_mode == HALOGEN_MINDSPORE_PAD_SAME);
    CHECK(conv.padding == 0);
    CHECK(conv.dilation == 1);
    CHECK(conv.group == 1);
    CHECK(conv.has_bias == 0);
    CHECK(conv.dtype.bits == 32);
    CHECK(conv.device.device_type == kDLCPU);
  }

  TEST_CASE("mindspore.nn.BatchNorm1d, 2d, 3d: state is always there, in MindSpore's order, with its initial values") {
    for (const int affine : {1, 0}) {
      BatchParams params = batch_params(3);
      params.affine = affine;
      const Module module = made(halogen_mindspore_batch_norm2d_create, params);
      CHECK(module.keys() == Keys{"moving_mean", "moving_variance", "gamma", "beta"});
      CHECK(module.copy_of("moving_mean") == Values(3, 0));
      CHECK(module.copy_of("moving_variance") == Values(3, 1));
      CHECK(module.copy_of("gamma") == Values(3, 1));
      CHECK(module.copy_of("beta") == Values(3, 0));
    }
  }

  TEST_CASE("mindspore.nn.BatchNorm1d, 2d, 3d: initialisers that draw nothing at random") {
    std::vector<float> values{4, 5, 6};
    const TensorView tensor(values.data(), {3});
    BatchParams params = batch_params(3);
    params.gamma_init.kind = HALOGEN_MINDSPORE_INIT_CONSTANT;
    params.gamma_init.value = 2.5;
    params.beta_init.kind = HALOGEN_MINDSPORE_INIT_ONE;
    params.moving_mean_init.kind = HALOGEN_MINDSPORE_INIT_TENSOR;
    params.moving_mean_init.tensor = &tensor.dl;
    params.moving_var_init.kind = HALOGEN_MINDSPORE_INIT_ZERO;
    const Module module = made(halogen_mindspore_batch_norm2d_create, params);
    CHECK(module.copy_of("gamma") == Values(3, 2.5));
    CHECK(module.copy_of("beta") == Values(3, 1));
    CHECK(module.copy_of("moving_mean") == Values{4, 5, 6});
    CHECK(module.copy_of("moving_variance") == Values(3, 0));
  }

  TEST_CASE("mindspore.nn.BatchNorm1d, 2d, 3d: use_batch_statistics None, true and false, in training or not") {
    for (const Class &one : batch_norms) {
      for (const halogen_tristate use : {HALOGEN_NONE, HALOGEN_TRUE, HALOGEN_FALSE}) {
        for (const bool training : {false, true}) {
          for (const int affine : {1, 0}) {
            for (const auto version : {HALOGEN_MINDSPORE_2_7, HALOGEN_MINDSPORE_2_0}) {
              BatchParams params = batch_params(5);
              params.use_batch_statistics = use;
              params.affine = affine;
              params.version = version;
              params.momentum = 0.7;
              params.eps = 1e-3;
              Module module = made(one.create, params);
              module.set_training(training);
              const bool own = use == HALOGEN_TRUE || (use == HALOGEN_NONE && training);
              NormProblem problem;
              problem.shape = one.shape;
              problem.eps = 1e-3;
              problem.given = !own;
              // The weight of the old statistic is what momentum says; moving statistics move whenever the batch's are used.
              if (own) problem.running = version == HALOGEN_MINDSPORE_2_7 ? Running::unbiased : Running::biased;
              problem.running_weight = 0.3;
              const std::string wrong = check_norm_module(module, problem, keys, affine != 0, 90);
              CHECK_MESSAGE(wrong.empty(), wrong);
            }
          }
        }
      }
    }
  }

  TEST_CASE("mindspore.nn.BatchNorm1d, 2d, 3d: evaluation is the mode a module begins in") {
    Module module = made(halogen_mindspore_batch_norm2d_create, batch_params(2));
    const Values output = module.forward({1, 2, 3, 4}, {1, 2, 2, 1});
    REQUIRE_MESSAGE(module.status == HALOGEN_OK, module.message);
    for (size_t i = 0; i < 4; ++i) CHECK(output[i] == doctest::Approx(static_cast<double>(i + 1)).epsilon(1e-5));
  }

  TEST_CASE("mindspore.nn.BatchNorm1d, 2d, 3d: float16 data, float32 parameters") {
    for (const bool training : {false, true}) {
      if (!is_here(float16)) continue;
      Module module = made(halogen_mindspore_batch_norm2d_create, batch_params(5));
      module.set_training(training);
      NormProblem problem;
      problem.shape = {3, 5, 4, 6};
      problem.dtype = float16;
      problem.float_vectors = true;
      problem.given = !training;
      problem.running = training ? Running::unbiased : Running::none;
      const std::string wrong = check_norm_module(module, problem, keys, true, 91);
      CHECK_MESSAGE(wrong.empty(), wrong);
    }
  }

  TEST_CASE("mindspore.nn.BatchNorm2d: NHWC is NCHW with the channels last") {
    const int64_t N = 2, C = 3, H = 4, W = 5;
    NormProblem problem;
    problem.shape = {N, C, H, W};
    const Values values = ordinary_data(problem, 92).input;
    const std::vector<float> input(values.begin(), values.end());
    // Where element i of (N, C, H, W) lies in (N, H, W, C).
    const auto last = [&](size_t i) {
      const auto index = static_cast<int64_t>(i), n = index / (C * H * W), c = index / (H * W) % C;
      return static_cast<size_t>((n * H * W + index % (H * W)) * C + c);
    };
    /** Output and gradient of the input, where the output's gradient is the input. */
    const auto run = [&](halogen_mindspore_data_format format, std::vector<float> x,
                         const std::vector<int64_t> &shape) {
      BatchParams params = batch_params(C);
      params.data_format = format;
      Module module = made(halogen_mindspore_batch_norm2d_create, params);
      module.set_training(true);
      std::vector<float> y(x.size()), dx(x.size());
      const TensorView in(x.data(), shape), out(y.data(), shape), gradient(dx.data(), shape);
      halogen_module_gradients gradients = HALOGEN_MODULE_GRADIENTS_INIT;
      gradients.input = &gradient.dl;
      REQUIRE(halogen_module_forward(module.get(), &in.dl, &out.dl, nullptr, nullptr, nullptr) == HALOGEN_OK);
      REQUIRE(halogen_module_backward(module.get(), &in.dl, &in.dl, &gradients, nullptr, nullptr, nullptr) ==
              HALOGEN_OK);
      y.insert(y.end(), dx.begin(), dx.end());
      return y;
    };
    std::vector<float> turned(input.size());
    for (size_t i = 0; i < input.size(); ++i) turned[last(i)] = input[i];
    const std::vector<float> expected = run(HALOGEN_MINDSPORE_NCHW, input, {N, C, H, W});
    const std::vector<float> got = run(HALOGEN_MINDSPORE_NHWC, turned, {N, H, W, C});
    for (size_t i = 0; i < input.size(); ++i) {
      REQUIRE(static_cast<double>(got[last(i)]) == doctest::Approx(static_cast<double>(expected[i])).epsilon(1e-5));
      REQUIRE(std::fabs(got[input.size() + last(i)] - expected[input.size() + i]) < 1e-5f);
    }
    BatchParams params = batch_params(C);
    params.data_format = HALOGEN_MINDSPORE_NHWC;
    CHECK(output_of(made(halogen_mindspore_batch_norm2d_create, params), {N, H, W, C}) == "2x4x5x3");
  }

  TEST_CASE("mindspore.nn.InstanceNorm1d, 2d, 3d: the input's statistics in every mode; moving ones stay") {
    const struct {
      Create<InstanceParams> *create;
      std::vector<int64_t> shape;
    } classes[] = {{halogen_mindspore_instance_norm1d_create, {3, 5, 7}},
                   {halogen_mindspore_instance_norm2d_create, {3, 5, 4, 6}},
                   {halogen_mindspore_instance_norm3d_create, {2, 5, 3, 4, 2}}};
    for (const auto &one : classes) {
      for (const bool training : {false, true}) {
        for (const int affine : {1, 0}) {
          for (const DLDataType dtype : {float32, float16}) {
            if (!is_here(dtype)) continue;
            InstanceParams params = instance_params(5);
            params.affine = affine;
            Module module = made(one.create, params);
            CHECK(module.keys() == Keys{"moving_mean", "moving_variance", "gamma", "beta"});
            module.set_training(training);
            NormProblem problem;
            problem.shape = one.shape;
            problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
            problem.dtype = dtype;
            problem.float_vectors = true;
            const std::string wrong = check_norm_module(module, problem, keys, affine != 0, 93);
            CHECK_MESSAGE(wrong.empty(), wrong);
          }
        }
      }
    }
  }

  TEST_CASE("mindspore.nn: gradients that MindSpore does not give are refused") {
    BatchParams params = batch_params(2);
    params.affine = 0;
    const Module module = made(halogen_mindspore_batch_norm2d_create, params);
    std::vector<float> data(8, 1), gradient(2, 9);
    const TensorView x(data.data(), {2, 2, 2, 1}), g(gradient.data(), {2});
    halogen_module_gradients gradients = HALOGEN_MODULE_GRADIENTS_INIT;
    gradients.weight = &g.dl;
    check_refused("gamma", HALOGEN_ERROR_KEY, {"gradients.weight"}, {{"gradient", gradient.data(), 8}},
                  [&](halogen_error *e) {
                    return halogen_module_backward(module.get(), &x.dl, &x.dl, &gradients, nullptr, nullptr, e);
                  });
  }

  TEST_CASE("mindspore.nn.Conv1dTranspose: length and place of the crop in every pad_mode") {
    const struct {
      halogen_mindspore_pad_mode mode;
      int64_t kernel, stride, dilation, padding, left, length;
    } cases[] = {
        // same: L * stride; of an odd crop the right side has more; a short kernel leaves zeros on the right.
        {HALOGEN_MINDSPORE_PAD_SAME, 5, 3, 1, 0, 1, 21},
        {HALOGEN_MINDSPORE_PAD_SAME, 4, 1, 1, 0, 1, 7},
        {HALOGEN_MINDSPORE_PAD_SAME, 3, 2, 3, 0, 2, 14},
        {HALOGEN_MINDSPORE_PAD_SAME, 2, 5, 1, 0, 0, 35},
        // valid: no crop; a short kernel makes it longer than the full result.
        {HALOGEN_MINDSPORE_PAD_VALID, 5, 3, 1, 0, 0, 23},
        {HALOGEN_MINDSPORE_PAD_VALID, 2, 5, 1, 0, 0, 35},
        {HALOGEN_MINDSPORE_PAD_PAD, 5, 3, 1, 2, 2, 19},
    };
    for (const auto &one : cases) {
      for (const int group : {1, 2}) {
        for (const int bias : {0, 1}) {
          ConvParams params = conv_params(4, 6, one.kernel);
          params.pad_mode = one.mode;
          params.stride = one.stride;
          params.dilation = one.dilation;
          params.padding = one.padding;
          params.group = group;
          params.has_bias = bias;
          ConvProblem problem;
          problem.n = 2;
          problem.c_in = 4;
          problem.c_out = 6;
          problem.length = 7;
          problem.kernel = one.kernel;
          problem.stride = one.stride;
          problem.dilation = one.dilation;
          problem.groups = group;
          problem.bias = bias != 0;
          problem.pad_left = one.left;
          problem.pad_right = problem.out_length() - one.length;
          Module module = made(halogen_mindspore_conv1d_transpose_create, params);
          CHECK(output_of(module, {2, 4, 7}) == "2x6x" + std::to_string(one.length));
          const std::string wrong = check_conv_module(module, problem, 94);
          CHECK_MESSAGE(wrong.empty(), wrong);
        }
      }
    }
  }

  TEST_CASE("mindspore.nn.Conv1dTranspose: state has MindSpore's shapes") {
    ConvParams params = conv_params(4, 6, 3);
    params.group = 2;
    params.has_bias = 1;
    const Module module = made(halogen_mindspore_conv1d_transpose_create, params);
    CHECK(module.keys() == Keys{"weight", "bias"});
    const DLTensor *weight = nullptr;
    REQUIRE(halogen_module_state(module.get(), "weight", &weight, nullptr) == HALOGEN_OK);
    CHECK(std::vector<int64_t>(weight->shape, weight->shape + weight->ndim) == std::vector<int64_t>{4, 3, 1, 3});
  }

  TEST_CASE("mindspore.nn: repr") {
    CHECK(repr_of(made(halogen_mindspore_batch_norm2d_create, batch_params(3))) ==
          "BatchNorm2d<num_features=3, eps=1e-05, momentum=0.09999999999999998, "
          "gamma=Parameter (name=gamma, shape=(3,), dtype=Float32, requires_grad=True), "
          "beta=Parameter (name=beta, shape=(3,), dtype=Float32, requires_grad=True), "
          "moving_mean=Parameter (name=mean, shape=(3,), dtype=Float32, requires_grad=False), "
          "moving_variance=Parameter (name=variance, shape=(3,), dtype=Float32, requires_grad=False)>");
    InstanceParams instance = instance_params(2);
    instance.affine = 0;
    CHECK(repr_of(made(halogen_mindspore_instance_norm1d_create, instance)) ==
          "InstanceNorm1d<num_features=2, eps=1e-05, momentum=0.1, "
          "gamma=Parameter (name=gamma, shape=(2,), dtype=Float32, requires_grad=False), "
          "beta=Parameter (name=beta, shape=(2,), dtype=Float32, requires_grad=False), "
          "moving_mean=Parameter (name=mean, shape=(2,), dtype=Float32, requires_grad=False), "
          "moving_variance=Parameter (name=variance, shape=(2,), dtype=Float32, requires_grad=False)>");
    ConvParams conv = conv_params(3, 64, 4);
    conv.version = HALOGEN_MINDSPORE_2_0;
    CHECK(repr_of(made(halogen_mindspore_conv1d_transpose_create, conv)) ==
          "Conv1dTranspose<input_channels=3, output_channels=64, kernel_size=(1, 4), stride=(1, 1), pad_mode=same, "
          "padding=(0, 0, 0, 0), dilation=(1, 1), group=1, has_bias=False, weight_init=normal, bias_init=zeros, "
          "format=NCHW>");
  }
}
