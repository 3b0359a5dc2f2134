// MegEngine's modules: defaults, state, what each mode computes, and its words where it refuses.
#include <doctest/doctest.h>

#include <halogen/megengine.h>

#include "support/framework.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

using BatchParams = halogen_megengine_batch_norm_params;
using InstanceParams = halogen_megengine_instance_norm_params;
using ConvParams = halogen_megengine_conv_transpose2d_params;
using Keys = std::vector<std::string>;

BatchParams batch_params(int64_t features) {
  return defaults_of<BatchParams>(halogen_megengine_batch_norm_params_init, features);
}
InstanceParams instance_params(int64_t channels) {
  return defaults_of<InstanceParams>(halogen_megengine_instance_norm_params_init, channels);
}
ConvParams conv_params(int64_t in, int64_t out, int64_t height, int64_t width) {
  const int64_t kernel[] = {height, width};
  return defaults_of<ConvParams>(halogen_megengine_conv_transpose2d_params_init, in, out,
                                 static_cast<const int64_t *>(kernel));
}

std::vector<int64_t> shape_of(const Module &module, const char *key) {
  const DLTensor *entry = nullptr;
  REQUIRE(halogen_module_state(module.get(), key, &entry, nullptr) == HALOGEN_OK);
  return std::vector<int64_t>(entry->shape, entry->shape + entry->ndim);
}

}  // namespace

TEST_SUITE("megengine") {
  TEST_CASE("megengine.module: defaults") {
    const BatchParams batch = batch_params(5);
    CHECK(batch.num_features == 5);
    CHECK(batch.eps == 1e-5);
    CHECK(batch.momentum == 0.9);
    CHECK(batch.momentum_is_none == 0);
    CHECK(batch.affine == 1);
    CHECK(batch.track_running_stats == 1);
    CHECK(batch.freeze == 0);
    const InstanceParams instance = instance_params(4);
    CHECK(instance.num_channels == 4);
    CHECK(instance.eps == 1e-5);
    CHECK(instance.affine == 1);
    const ConvParams conv = conv_params(3, 8, 1, 5);
    CHECK(conv.kernel_size[0] == 1);
    CHECK(conv.kernel_size[1] == 5);
    for (int axis = 0; axis < 2; ++axis) {
      CHECK(conv.stride[axis] == 1);
      CHECK(conv.padding[axis] == 0);
      CHECK(conv.output_padding[axis] == 0);
      CHECK(conv.dilation[axis] == 1);
    }
    CHECK(conv.groups == 1);
    CHECK(conv.bias == 1);
    CHECK(conv.conv_mode == HALOGEN_MEGENGINE_CROSS_CORRELATION);
    CHECK(conv.compute_mode == HALOGEN_MEGENGINE_COMPUTE_DEFAULT);
  }

  TEST_CASE("megengine.module.BatchNorm1d, 2d: modes, affine, tracking and freeze") {
    const struct {
      Create<BatchParams> *create;
      std::vector<int64_t> shape;
    } classes[] = {{halogen_megengine_batch_norm1d_create, {6, 5}},
                   {halogen_megengine_batch_norm1d_create, {3, 5, 7}},
                   {halogen_megengine_batch_norm2d_create, {3, 5, 4, 6}}};
    for (const auto &one : classes) {
      for (int i = 0; i < 16; ++i) {
        const bool training = (i & 1) != 0, affine = (i & 2) != 0, tracked = (i & 4) != 0, freeze = (i & 8) != 0;
        if (freeze && !tracked) continue;
        BatchParams params = batch_params(5);
        params.affine = affine;
        params.track_running_stats = tracked;
        params.freeze = freeze;
        params.momentum = 0.6;
        Module module = made(one.create, params);
        Keys expected;
        if (affine) expected = {"weight", "bias"};
        if (tracked) expected.insert(expected.end(), {"running_mean", "running_var"});
        CHECK(module.keys() == expected);
        for (const std::string &key : expected)
          CHECK(shape_of(module, key.c_str()) == std::vector<int64_t>{1, 5, 1, 1});
        module.set_training(training);
        NormProblem problem;
        problem.shape = one.shape;
        problem.weight = problem.bias = affine;
        problem.given = tracked && (!training || freeze);
        problem.running = tracked && training && !freeze ? Running::unbiased : Running::none;
        problem.running_weight = 0.4;
        const std::string wrong = check_norm_module(module, problem, common_keys, !freeze, 95);
        CHECK_MESSAGE(wrong.empty(), wrong);
      }
    }
  }

  TEST_CASE("megengine.module.BatchNorm1d, 2d: float16 data, float32 parameters") {
    if (!is_here(float16)) return;
    Module module = made(halogen_megengine_batch_norm2d_create, batch_params(5));
    NormProblem problem;
    problem.shape = {3, 5, 4, 6};
    problem.dtype = float16;
    problem.float_vectors = true;
    problem.running = Running::unbiased;
    const std::string wrong = check_norm_module(module, problem, common_keys, true, 96);
    CHECK_MESSAGE(wrong.empty(), wrong);
  }

  TEST_CASE("megengine.module.InstanceNorm: the input's statistics in every mode") {
    for (const bool training : {false, true}) {
      for (const int affine : {1, 0}) {
        for (const DLDataType dtype : {float32, float16}) {
          if (!is_here(dtype)) continue;
          InstanceParams params = instance_params(5);
          params.affine = affine;
          params.dtype = dtype;
          Module module = made(halogen_megengine_instance_norm_create, params);
          CHECK(module.keys() == (affine ? Keys{"weight", "bias"} : Keys{}));
          module.set_training(training);
          NormProblem problem;
          problem.shape = {3, 5, 4, 6};
          problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
          problem.weight = problem.bias = affine != 0;
          problem.dtype = dtype;
          const std::string wrong = check_norm_module(module, problem, {"weight", "bias", "", ""}, true, 97);
          CHECK_MESSAGE(wrong.empty(), wrong);
        }
      }
    }
  }

  TEST_CASE("megengine.module.ConvTranspose2d: along the width or the height, with MegEngine's shapes of state") {
    for (const int axis : {0, 1}) {
      for (const int groups : {1, 2}) {
        for (const int64_t output_padding : {0, 1}) {
          if (output_padding != 0 && groups != 1 && axis == 0) continue;  // refused, below
          ConvParams params = conv_params(4, 6, axis == 0 ? 5 : 1, axis == 0 ? 1 : 5);
          params.stride[axis] = 3;
          params.padding[axis] = 2;
          params.dilation[axis] = 2;
          params.output_padding[axis] = output_padding;
          params.groups = groups;
          Module module = made(halogen_megengine_conv_transpose2d_create, params);
          std::vector<int64_t> weight{4 / groups, 6 / groups, params.kernel_size[0], params.kernel_size[1]};
          if (groups > 1) weight.insert(weight.begin(), groups);
          CHECK(shape_of(module, "weight") == weight);
          CHECK(shape_of(module, "bias") == std::vector<int64_t>{1, 6, 1, 1});
          ConvProblem problem;
          problem.n = 2;
          problem.c_in = 4;
          problem.c_out = 6;
          problem.length = 7;
          problem.kernel = 5;
          problem.stride = 3;
          problem.dilation = 2;
          problem.groups = groups;
          problem.pad_left = 2;
          // MegEngine forgets the width's output_padding where the height has none.
          problem.pad_right = 2 - (axis == 0 ? output_padding : 0);
          const std::string wrong = check_conv_module(module, problem, 98, axis == 0 ? 3 : 2);
          CHECK_MESSAGE(wrong.empty(), wrong);
        }
      }
    }
  }

  TEST_CASE("megengine.module: repr") {
    CHECK(repr_of(made(halogen_megengine_batch_norm2d_create, batch_params(3))) ==
          "BatchNorm2d(3, eps=1e-05, momentum=0.9, affine=True, track_running_stats=True)");
    CHECK(repr_of(made(halogen_megengine_instance_norm_create, instance_params(2))) ==
          "InstanceNorm(channels=2, eps=1e-05, affine=True)");
    ConvParams conv = conv_params(4, 6, 1, 3);
    CHECK(repr_of(made(halogen_megengine_conv_transpose2d_create, conv)) ==
          "ConvTranspose2d(4, 6, kernel_size=(1, 3))");
    conv.stride[1] = 2;
    conv.padding[1] = 1;
    conv.dilation[1] = 2;
    conv.groups = 2;
    conv.bias = 0;
    CHECK(repr_of(made(halogen_megengine_conv_transpose2d_create, conv)) ==
          "ConvTranspose2d(4, 6, kernel_size=(1, 3), stride=(1, 2), padding=(0, 1), dilation=(1, 2), groups=2, "
          "bias=False)");
  }

  TEST_CASE("megengine.module: create refuses") {
    const auto batch = [&](halogen_status status, const char *words, const std::function<void(BatchParams &)> &spoil) {
      create_refused<BatchParams>(halogen_megengine_batch_norm2d_create, batch_params(3), status, words, spoil);
    };
    batch(HALOGEN_ERROR_ARGUMENT, "track_running_stats must be initilized to True if freeze is True",
          [](BatchParams &p) {
            p.freeze = 1;
            p.track_running_stats = 0;
          });
    batch(HALOGEN_ERROR_ARGUMENT, "num_features", [](BatchParams &p) { p.num_features = 0; });
    batch(HALOGEN_ERROR_SIZE, "num_features", [](BatchParams &p) { p.num_features = int64_t{1} << 61; });
    batch(HALOGEN_ERROR_ARGUMENT, "eps", [](BatchParams &p) { p.eps = -1; });
    batch(HALOGEN_ERROR_ARGUMENT, "momentum", [](BatchParams &p) { p.momentum = 2; });
    for (int32_t BatchParams::*flag : {&BatchParams::affine, &BatchParams::track_running_stats, &BatchParams::freeze,
                                       &BatchParams::momentum_is_none}) {
      batch(HALOGEN_ERROR_ARGUMENT, "expected 0 or 1", [=](BatchParams &p) { p.*flag = 2; });
    }
    const auto instance = [&](const char *words, const std::function<void(InstanceParams &)> &spoil) {
      create_refused<InstanceParams>(halogen_megengine_instance_norm_create, instance_params(3), HALOGEN_ERROR_ARGUMENT,
                                     words, spoil);
    };
    instance("num_channels", [](InstanceParams &p) { p.num_channels = 0; });
    instance("affine", [](InstanceParams &p) { p.affine = -1; });
    instance("reserved", [](InstanceParams &p) { p.reserved = 1; });
    instance("eps", [](InstanceParams &p) { p.eps = -1; });
    const auto conv = [&](halogen_status status, const char *words, const std::function<void(ConvParams &)> &spoil) {
      create_refused<ConvParams>(halogen_megengine_conv_transpose2d_create, conv_params(4, 6, 1, 3), status, words,
                                 spoil);
    };
    conv(HALOGEN_ERROR_ARGUMENT, "in_channels", [](ConvParams &p) { p.in_channels = 0; });
    conv(HALOGEN_ERROR_ARGUMENT, "out_channels", [](ConvParams &p) { p.out_channels = 0; });
    conv(HALOGEN_ERROR_ARGUMENT, "kernel_size[1]", [](ConvParams &p) { p.kernel_size[1] = 0; });
    conv(HALOGEN_ERROR_STRIDE, "stride[0]", [](ConvParams &p) { p.stride[0] = 0; });
    conv(HALOGEN_ERROR_DILATION, "dilation[1]", [](ConvParams &p) { p.dilation[1] = 0; });
    conv(HALOGEN_ERROR_GROUPS, "groups", [](ConvParams &p) { p.groups = 0; });
    conv(HALOGEN_ERROR_GROUPS, "in_channels must be divisible by groups", [](ConvParams &p) { p.groups = 3; });
    conv(HALOGEN_ERROR_GROUPS, "out_channels must be divisible by groups", [](ConvParams &p) { p.groups = 4; });
    conv(HALOGEN_ERROR_ARGUMENT, "padding[1]", [](ConvParams &p) { p.padding[1] = -1; });
    conv(HALOGEN_ERROR_OUTPUT_PADDING, "output_padding[0]", [](ConvParams &p) { p.output_padding[0] = -1; });
    conv(HALOGEN_ERROR_ARGUMENT, "bias", [](ConvParams &p) { p.bias = 2; });
    conv(HALOGEN_ERROR_ARGUMENT, "reserved", [](ConvParams &p) { p.reserved = 1; });
    conv(HALOGEN_ERROR_ARGUMENT, "conv_mode", [](ConvParams &p) { p.conv_mode = HALOGEN_MEGENGINE_CONVOLUTION; });
    conv(HALOGEN_ERROR_ARGUMENT, "compute_mode", [](ConvParams &p) { set_raw(p.compute_mode, 2); });
    conv(HALOGEN_ERROR_UNSUPPORTED, "one axis", [](ConvParams &p) { p.kernel_size[0] = 2; });
    conv(HALOGEN_ERROR_SIZE, "weight", [](ConvParams &p) { p.kernel_size[1] = int64_t{1} << 40; });
  }

  TEST_CASE("megengine.module: forward refuses in MegEngine's words") {
    BatchParams params = batch_params(3);
    Module batch = made(halogen_megengine_batch_norm2d_create, params);
    forward_refused(batch, {3, 4, 5}, HALOGEN_ERROR_RANK, "expected 4D input (got 3D input)");
    forward_refused(batch, {2, 4, 4, 5}, HALOGEN_ERROR_CHANNELS, "expected an input of 3 channels, got 4");
    forward_refused(batch, {2, 3, 4, 5}, HALOGEN_ERROR_DTYPE, "float64", float64);
    forward_refused(batch, {2, 3, 4, 5}, HALOGEN_ERROR_DTYPE, "bfloat16", bfloat16);
    Module batch1d = made(halogen_megengine_batch_norm1d_create, params);
    forward_refused(batch1d, {2, 3, 4, 5}, HALOGEN_ERROR_RANK, "expected 2D or 3D input (got 4D input)");
    params.momentum_is_none = 1;
    Module none = made(halogen_megengine_batch_norm2d_create, params);
    forward_refused(none, {2, 3, 4, 5}, HALOGEN_ERROR_ARGUMENT,
                    "unsupported operand type(s) for -: 'int' and 'NoneType'");
    none.set_training(false);
    none.forward(Values(6, 1), {2, 3, 1, 1});
    CHECK_MESSAGE(none.status == HALOGEN_OK, none.message);
    Module instance = made(halogen_megengine_instance_norm_create, instance_params(3));
    forward_refused(instance, {2, 3, 5}, HALOGEN_ERROR_RANK, "An async error is reported.");
    // MegEngine reads past the end of its parameters here.
    forward_refused(instance, {2, 4, 4, 5}, HALOGEN_ERROR_CHANNELS, "expected an input of 3 channels, got 4");
    forward_refused(instance, {2, 3, 4, 5}, HALOGEN_ERROR_DTYPE, "float16", float16);
  }

  TEST_CASE("megengine.module.ConvTranspose2d: forward refuses in MegEngine's words") {
    ConvParams params = conv_params(4, 6, 3, 1);
    params.stride[0] = 2;
    Module conv = made(halogen_megengine_conv_transpose2d_create, params);
    forward_refused(conv, {2, 4, 9}, HALOGEN_ERROR_RANK, "4 dimensions");
    forward_refused(conv, {2, 3, 9, 1}, HALOGEN_ERROR_CHANNELS, "4 channels, got 3");
    forward_refused(conv, {2, 4, 9, 2}, HALOGEN_ERROR_UNSUPPORTED, "an extent of 1 in dimension 3, got 2");
    forward_refused(conv, {2, 4, 9, 1}, HALOGEN_ERROR_DTYPE, "float64", float64);
    forward_refused(conv, {2, 4, 1, 1}, HALOGEN_ERROR_SHAPE, "output");
    params.output_padding[0] = 2;
    Module padded = made(halogen_megengine_conv_transpose2d_create, params);
    forward_refused(padded, {2, 4, 9, 1}, HALOGEN_ERROR_OUTPUT_PADDING,
                    "output_padding[0] shoule be less than stride[0]");
    params.output_padding[0] = 1;
    params.groups = 2;
    Module grouped = made(halogen_megengine_conv_transpose2d_create, params);
    forward_refused(grouped, {2, 4, 9, 1}, HALOGEN_ERROR_UNSUPPORTED, "An async error is reported.");
    params.groups = 1;
    params.output_padding[0] = 0;
    params.padding[0] = 12;
    Module cropped = made(halogen_megengine_conv_transpose2d_create, params);
    forward_refused(cropped, {2, 4, 9, 1}, HALOGEN_ERROR_OUTPUT_LENGTH, "assertion `i > pad * 2' failed");
  }
}
