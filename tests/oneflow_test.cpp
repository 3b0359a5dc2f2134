// OneFlow's modules: defaults, state, what each mode computes, and its words where it refuses.
#include <doctest/doctest.h>

#include <halogen/oneflow.h>

#include "support/framework.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

using BatchParams = halogen_oneflow_batch_norm_params;
using InstanceParams = halogen_oneflow_instance_norm_params;
using GroupParams = halogen_oneflow_group_norm_params;
using LayerParams = halogen_oneflow_layer_norm_params;
using ConvParams = halogen_oneflow_conv_transpose1d_params;
using Keys = std::vector<std::string>;

BatchParams batch_params(int64_t features) {
  return defaults_of<BatchParams>(halogen_oneflow_batch_norm_params_init, features);
}
InstanceParams instance_params(int64_t features) {
  return defaults_of<InstanceParams>(halogen_oneflow_instance_norm_params_init, features);
}
GroupParams group_params(int64_t groups, int64_t channels) {
  return defaults_of<GroupParams>(halogen_oneflow_group_norm_params_init, groups, channels);
}
/** `shape` must live until the module is created. */
LayerParams layer_params(const std::vector<int64_t> &shape) {
  return defaults_of<LayerParams>(halogen_oneflow_layer_norm_params_init, shape.data(),
                                  static_cast<int32_t>(shape.size()));
}
ConvParams conv_params(int64_t in, int64_t out, int64_t kernel) {
  return defaults_of<ConvParams>(halogen_oneflow_conv_transpose1d_params_init, in, out, kernel);
}

Keys keys_of(bool affine, bool tracked) {
  Keys keys;
  if (affine) keys = {"weight", "bias"};
  if (tracked) keys.insert(keys.end(), {"running_mean", "running_var", "num_batches_tracked"});
  return keys;
}

}  // namespace

TEST_SUITE("oneflow") {
  TEST_CASE("oneflow.nn: defaults") {
    const BatchParams batch = batch_params(5);
    CHECK(batch.num_features == 5);
    CHECK(batch.eps == 1e-5);
    CHECK(batch.momentum == 0.1);
    CHECK(batch.momentum_is_none == 0);
    CHECK(batch.affine == 1);
    CHECK(batch.track_running_stats == 1);
    const InstanceParams instance = instance_params(4);
    CHECK(instance.affine == 0);
    CHECK(instance.track_running_stats == 0);
    CHECK(instance.documented_running_stats == 0);
    CHECK(group_params(2, 6).affine == 1);
    const std::vector<int64_t> normalized{3, 4};
    CHECK(layer_params(normalized).elementwise_affine == 1);
    const ConvParams conv = conv_params(3, 64, 4);
    CHECK(conv.stride == 1);
    CHECK(conv.padding == 0);
    CHECK(conv.output_padding == 0);
    CHECK(conv.groups == 1);
    CHECK(conv.dilation == 1);
    CHECK(conv.bias == 1);
    CHECK(conv.padding_mode == HALOGEN_PADDING_ZEROS);
  }

  TEST_CASE("oneflow.nn.BatchNorm1d, 2d, 3d: modes, affine and tracking, float32 and float64") {
    const struct {
      Create<BatchParams> *create;
      std::vector<int64_t> shape;
    } classes[] = {{halogen_oneflow_batch_norm1d_create, {6, 5}},
                   {halogen_oneflow_batch_norm1d_create, {3, 5, 7}},
                   {halogen_oneflow_batch_norm2d_create, {3, 5, 4, 6}},
                   {halogen_oneflow_batch_norm3d_create, {2, 5, 3, 4, 2}}};
    for (const auto &one : classes) {
      for (int i = 0; i < 16; ++i) {
        const bool training = (i & 1) != 0, affine = (i & 2) != 0, tracked = (i & 4) != 0;
        BatchParams params = batch_params(5);
        params.affine = affine;
        params.track_running_stats = tracked;
        params.dtype = (i & 8) != 0 ? float64 : float32;
        Module module = made(one.create, params);
        CHECK(module.keys() == keys_of(affine, tracked));
        module.set_training(training);
        NormProblem problem;
        problem.shape = one.shape;
        problem.dtype = params.dtype;
        problem.weight = problem.bias = affine;
        problem.given = tracked && !training;
        problem.running = tracked && training ? Running::unbiased : Running::none;
        // Even for float64 data both are float32 numbers.
        problem.eps = static_cast<double>(1e-5f);
        problem.running_weight = 1 - static_cast<double>(1.0f - 0.1f);
        const std::string wrong = check_norm_module(module, problem, common_keys, true, 100);
        CHECK_MESSAGE(wrong.empty(), wrong);
        if (tracked) CHECK(*module.num_batches_tracked() == (training ? 1 : 0));
      }
    }
  }

  TEST_CASE("oneflow.nn.InstanceNorm1d, 2d, 3d: as it behaves, and as it documents") {
    const struct {
      Create<InstanceParams> *create;
      std::vector<int64_t> shape;
    } classes[] = {{halogen_oneflow_instance_norm1d_create, {3, 5, 7}},
                   {halogen_oneflow_instance_norm2d_create, {3, 5, 4, 6}},
                   {halogen_oneflow_instance_norm3d_create, {2, 5, 3, 4, 2}}};
    for (const auto &one : classes) {
      for (int i = 0; i < 16; ++i) {
        const bool training = (i & 1) != 0, affine = (i & 2) != 0, tracked = (i & 4) != 0, documented = (i & 8) != 0;
        InstanceParams params = instance_params(5);
        params.affine = affine;
        params.track_running_stats = tracked;
        params.documented_running_stats = documented;
        Module module = made(one.create, params);
        CHECK(module.keys() == keys_of(affine, tracked));
        module.set_training(training);
        NormProblem problem;
        problem.shape = one.shape;
        problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
        problem.weight = problem.bias = affine;
        problem.given = tracked && documented && !training;
        problem.running = tracked && documented && training ? Running::unbiased : Running::none;
        const std::string wrong = check_norm_module(module, problem, common_keys, true, 101);
        CHECK_MESSAGE(wrong.empty(), wrong);
        if (tracked) CHECK(*module.num_batches_tracked() == 0);
      }
    }
  }

  TEST_CASE("oneflow.nn.InstanceNorm1d, 2d, 3d: momentum None is accepted, and so are other channels without affine") {
    InstanceParams params = instance_params(5);
    params.momentum_is_none = 1;
    params.track_running_stats = 1;
    Module module = made(halogen_oneflow_instance_norm2d_create, params);
    module.forward(Values(12, 1), {1, 3, 2, 2});
    CHECK_MESSAGE(module.status == HALOGEN_OK, module.message);
  }

  TEST_CASE("oneflow.nn.GroupNorm") {
    for (const int affine : {1, 0}) {
      for (const DLDataType dtype : {float32, float64}) {
        GroupParams params = group_params(3, 6);
        params.affine = affine;
        params.dtype = dtype;
        Module module = made(halogen_oneflow_group_norm_create, params);
        NormProblem problem;
        problem.shape = {2, 6, 5};
        problem.scope = HALOGEN_NORM_SCOPE_GROUP;
        problem.num_groups = 3;
        problem.weight = problem.bias = affine != 0;
        problem.dtype = dtype;
        const std::string wrong = check_norm_module(module, problem, common_keys, true, 102);
        CHECK_MESSAGE(wrong.empty(), wrong);
      }
    }
    Module module = made(halogen_oneflow_group_norm_create, group_params(3, 6));
    forward_refused(module, {2, 6}, HALOGEN_ERROR_RANK, "The dimensions of input tensor must larger than 2");
    forward_refused(module, {2, 9, 3}, HALOGEN_ERROR_CHANNELS, "The channels of input tensor must equal num_channels");
    forward_refused(module, {2, 6, 3}, HALOGEN_ERROR_DTYPE, "kFloat16", float16);
  }

  TEST_CASE("oneflow.nn.LayerNorm") {
    const std::vector<int64_t> normalized{6, 5};
    for (const int affine : {1, 0}) {
      LayerParams params = layer_params(normalized);
      params.elementwise_affine = affine;
      Module module = made(halogen_oneflow_layer_norm_create, params);
      // As one group of 30 channels, each with a weight of its own.
      NormProblem flat;
      flat.shape = {4, 30};
      flat.scope = HALOGEN_NORM_SCOPE_GROUP;
      flat.num_groups = 1;
      flat.weight = flat.bias = affine != 0;
      const NormData data = ordinary_data(flat, 103);
      if (affine) {
        module.set("weight", data.weight);
        module.set("bias", data.bias);
      }
      const NormReference expected = reference(flat, data);
      const Values output = module.forward(data.input, {2, 2, 6, 5});
      REQUIRE_MESSAGE(module.status == HALOGEN_OK, module.message);
      const std::string wrong = compare("output", output, expected.output, expected.tolerance);
      CHECK_MESSAGE(wrong.empty(), wrong);
    }
    Module module = made(halogen_oneflow_layer_norm_create, layer_params(normalized));
    forward_refused(module, {6, 5}, HALOGEN_ERROR_RANK, "Input tensor dim must greater than normalized dim");
    forward_refused(module, {2, 5, 6}, HALOGEN_ERROR_SHAPE, "Given normalized_shape=[6, 5]");
  }

  TEST_CASE("oneflow.nn.ConvTranspose1d: any output_padding, groups and dilation") {
    for (int i = 0; i < 16; ++i) {
      ConvParams params = conv_params(6, 4, 5);
      params.stride = 3;
      params.padding = 2;
      params.output_padding = (i & 1) != 0 ? 7 : 1;
      params.dilation = (i & 2) != 0 ? 2 : 1;
      params.groups = (i & 4) != 0 ? 2 : 1;
      params.bias = (i & 8) != 0 ? 1 : 0;
      ConvProblem problem;
      problem.n = 2;
      problem.c_in = 6;
      problem.c_out = 4;
      problem.length = 7;
      problem.kernel = 5;
      problem.stride = 3;
      problem.dilation = params.dilation;
      problem.groups = params.groups;
      problem.pad_left = 2;
      problem.pad_right = 2 - params.output_padding;
      problem.bias = params.bias != 0;
      Module module = made(halogen_oneflow_conv_transpose1d_create, params);
      const std::string wrong = check_conv_module(module, problem, 104);
      CHECK_MESSAGE(wrong.empty(), wrong);
      CHECK(output_of(module, {2, 6, 7}) == "2x4x" + std::to_string(problem.out_length()));
    }
  }

  TEST_CASE("oneflow.nn: repr") {
    CHECK(repr_of(made(halogen_oneflow_batch_norm2d_create, batch_params(3))) ==
          "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)");
    InstanceParams instance = instance_params(3);
    instance.momentum_is_none = 1;
    CHECK(repr_of(made(halogen_oneflow_instance_norm1d_create, instance)) ==
          "InstanceNorm1d(3, eps=1e-05, momentum=None, affine=False, track_running_stats=False)");
    CHECK(repr_of(made(halogen_oneflow_group_norm_create, group_params(3, 6))) ==
          "GroupNorm(3, 6, eps=1e-05, affine=True)");
    const std::vector<int64_t> four{4};
    CHECK(repr_of(made(halogen_oneflow_layer_norm_create, layer_params(four))) ==
          "LayerNorm((4,), eps=1e-05, elementwise_affine=True)");
    CHECK(repr_of(made(halogen_oneflow_conv_transpose1d_create, conv_params(3, 4, 5))) == "ConvTranspose1d()");
  }

  TEST_CASE("oneflow.nn: create refuses") {
    const auto batch = [&](halogen_status status, const char *words, const std::function<void(BatchParams &)> &spoil) {
      create_refused<BatchParams>(halogen_oneflow_batch_norm2d_create, batch_params(3), status, words, spoil);
    };
    batch(HALOGEN_ERROR_ARGUMENT, "num_features", [](BatchParams &p) { p.num_features = 0; });
    batch(HALOGEN_ERROR_ARGUMENT, "eps", [](BatchParams &p) { p.eps = -1; });
    batch(HALOGEN_ERROR_ARGUMENT, "momentum", [](BatchParams &p) { p.momentum = -0.1; });
    batch(HALOGEN_ERROR_ARGUMENT, "affine", [](BatchParams &p) { p.affine = 2; });
    batch(HALOGEN_ERROR_ARGUMENT, "track_running_stats", [](BatchParams &p) { p.track_running_stats = 2; });
    batch(HALOGEN_ERROR_ARGUMENT, "momentum_is_none", [](BatchParams &p) { p.momentum_is_none = 2; });
    batch(HALOGEN_ERROR_ARGUMENT, "reserved", [](BatchParams &p) { p.reserved = 1; });
    create_refused<InstanceParams>(halogen_oneflow_instance_norm2d_create, instance_params(3), HALOGEN_ERROR_ARGUMENT,
                                   "documented_running_stats",
                                   [](InstanceParams &p) { p.documented_running_stats = 2; });
    create_refused<GroupParams>(halogen_oneflow_group_norm_create, group_params(3, 6), HALOGEN_ERROR_GROUPS,
                                "num_channels", [](GroupParams &p) { p.num_channels = 7; });
    create_refused<GroupParams>(halogen_oneflow_group_norm_create, group_params(3, 6), HALOGEN_ERROR_ARGUMENT,
                                "reserved", [](GroupParams &p) { p.reserved = 1; });
    const std::vector<int64_t> three{3};
    create_refused<LayerParams>(halogen_oneflow_layer_norm_create, layer_params(three), HALOGEN_ERROR_NULL_POINTER,
                                "normalized_shape", [](LayerParams &p) { p.normalized_shape = nullptr; });
    create_refused<LayerParams>(halogen_oneflow_layer_norm_create, layer_params(three), HALOGEN_ERROR_RANK,
                                "normalized_dims", [](LayerParams &p) { p.normalized_dims = 9; });
    const auto conv = [&](halogen_status status, const char *words, const std::function<void(ConvParams &)> &spoil) {
      create_refused<ConvParams>(halogen_oneflow_conv_transpose1d_create, conv_params(4, 6, 3), status, words, spoil);
    };
    conv(HALOGEN_ERROR_ARGUMENT, "Only `zeros` padding mode is supported for ConvTranspose1d",
         [](ConvParams &p) { p.padding_mode = HALOGEN_PADDING_CIRCULAR; });
    conv(HALOGEN_ERROR_ARGUMENT, "kernel_size", [](ConvParams &p) { p.kernel_size = 0; });
    conv(HALOGEN_ERROR_STRIDE, "stride", [](ConvParams &p) { p.stride = 0; });
    conv(HALOGEN_ERROR_DILATION, "dilation", [](ConvParams &p) { p.dilation = 0; });
    conv(HALOGEN_ERROR_GROUPS, "groups", [](ConvParams &p) { p.groups = 0; });
    conv(HALOGEN_ERROR_GROUPS, "in_channels", [](ConvParams &p) { p.groups = 3; });
    conv(HALOGEN_ERROR_GROUPS, "out_channels", [](ConvParams &p) { p.groups = 4; });
    conv(HALOGEN_ERROR_ARGUMENT, "padding", [](ConvParams &p) { p.padding = -1; });
    conv(HALOGEN_ERROR_OUTPUT_PADDING, "output_padding", [](ConvParams &p) { p.output_padding = -1; });
    conv(HALOGEN_ERROR_SIZE, "output_padding", [](ConvParams &p) { p.output_padding = int64_t{1} << 40; });
    conv(HALOGEN_ERROR_SIZE, "weight", [](ConvParams &p) { p.kernel_size = int64_t{1} << 62; });
    conv(HALOGEN_ERROR_ARGUMENT, "bias", [](ConvParams &p) { p.bias = 2; });
  }

  TEST_CASE("oneflow.nn: forward refuses in OneFlow's words") {
    BatchParams params = batch_params(3);
    Module batch = made(halogen_oneflow_batch_norm2d_create, params);
    forward_refused(batch, {3, 4, 5}, HALOGEN_ERROR_RANK, "expected 4D input (got 3D input)");
    forward_refused(batch, {2, 4, 4, 5}, HALOGEN_ERROR_CHANNELS, "((3,) vs (4,))");
    forward_refused(batch, {2, 3, 4, 5}, HALOGEN_ERROR_DTYPE, "InferDataType Failed. Expected kFloat16, but got kFloat",
                    float16);
    forward_refused(batch, {2, 3, 4, 5}, HALOGEN_ERROR_DTYPE, "Expected kDouble, but got kFloat", float64);
    params.momentum_is_none = 1;
    Module none = made(halogen_oneflow_batch_norm2d_create, params);
    forward_refused(none, {2, 3, 4, 5}, HALOGEN_ERROR_ARGUMENT,
                    "normalization(): argument 'momentum' must be float, not <class 'NoneType'>");
    InstanceParams affine = instance_params(5);
    affine.affine = 1;
    Module instance = made(halogen_oneflow_instance_norm2d_create, affine);
    forward_refused(instance, {2, 3, 4, 7}, HALOGEN_ERROR_CHANNELS,
                    "The size of tensor a (28) must match the size of tensor b (5) at non-singleton dimension 2");
    Module instance1d = made(halogen_oneflow_instance_norm1d_create, instance_params(3));
    forward_refused(instance1d, {3, 7}, HALOGEN_ERROR_RANK, "InstanceNorm1d returns 0-filled tensor to 2D tensor.");
    forward_refused(instance1d, {1, 3, 7, 1}, HALOGEN_ERROR_RANK, "expected 3D input (got 4D input)");
  }

  TEST_CASE("oneflow.nn.ConvTranspose1d: forward refuses in OneFlow's words") {
    ConvParams params = conv_params(4, 6, 3);
    params.padding = 2;
    Module conv = made(halogen_oneflow_conv_transpose1d_create, params);
    forward_refused(conv, {4, 9}, HALOGEN_ERROR_RANK, "(3 vs 2)");
    forward_refused(conv, {2, 3, 9}, HALOGEN_ERROR_CHANNELS, "4 channels, got 3");
    forward_refused(conv, {2, 4, 2}, HALOGEN_ERROR_OUTPUT_LENGTH,
                    "Calculated output size per channel: ((2,6,0)). Output size is too small");
    forward_refused(conv, {2, 4, 9}, HALOGEN_ERROR_DTYPE, "float64", float64);
    params.padding = 3;
    Module cropped = made(halogen_oneflow_conv_transpose1d_create, params);
    forward_refused(cropped, {2, 4, 2}, HALOGEN_ERROR_OUTPUT_LENGTH,
                    "RuntimeError: Given input size per channel: ((2,4,2)). Calculated output size per channel: "
                    "((2,6,-2)). Output size is too small");
    params.dtype = float16;
    Module half = made(halogen_oneflow_conv_transpose1d_create, params);
    forward_refused(half, {2, 4, 9}, HALOGEN_ERROR_DTYPE, "Cannot find the kernel matching Current OperatorConf.",
                    float16);
  }
}
