// MindSpore's modules: what they refuse, in its words.
#include <doctest/doctest.h>

#include "support/mindspore.h"

using namespace halogen_tests;

TEST_SUITE("mindspore") {
  TEST_CASE("mindspore.nn: create refuses in MindSpore's words") {
    const auto batch = [&](halogen_status status, const char *words, const std::function<void(BatchParams &)> &spoil) {
      create_refused<BatchParams>(halogen_mindspore_batch_norm2d_create, batch_params(3), status, words, spoil);
    };
    batch(HALOGEN_ERROR_ARGUMENT, "For 'BatchNorm2d', the 'num_features' must be at least 1, but got 0.",
          [](BatchParams &p) { p.num_features = 0; });
    batch(HALOGEN_ERROR_ARGUMENT, "For 'BatchNorm2d', the 'momentum' must be a number in range [0, 1], but got 1.5.",
          [](BatchParams &p) { p.momentum = 1.5; });
    batch(HALOGEN_ERROR_ARGUMENT, "eps", [](BatchParams &p) { p.eps = -1; });
    batch(HALOGEN_ERROR_ARGUMENT, "affine", [](BatchParams &p) { p.affine = 2; });
    batch(HALOGEN_ERROR_ARGUMENT, "version", [](BatchParams &p) { set_raw(p.version, 7); });
    batch(HALOGEN_ERROR_ARGUMENT, "'use_batch_statistics' must be a boolean value or None",
          [](BatchParams &p) { set_raw(p.use_batch_statistics, 3); });
    batch(HALOGEN_ERROR_ARGUMENT, "'format'", [](BatchParams &p) { set_raw(p.data_format, 2); });
    batch(HALOGEN_ERROR_SIZE, "num_features", [](BatchParams &p) { p.num_features = int64_t{1} << 61; });
    batch(HALOGEN_ERROR_RANK, "'fan_in' and 'fan_out' can not be computed",
          [](BatchParams &p) { p.gamma_init.kind = HALOGEN_MINDSPORE_INIT_HE_NORMAL; });
    batch(HALOGEN_ERROR_ARGUMENT, "sigma", [](BatchParams &p) {
      p.gamma_init.kind = HALOGEN_MINDSPORE_INIT_NORMAL;
      p.gamma_init.value = -1;
    });
    batch(HALOGEN_ERROR_ARGUMENT, "'gamma_init'", [](BatchParams &p) {
      p.gamma_init.kind = HALOGEN_MINDSPORE_INIT_HE_NORMAL;
      set_raw(p.gamma_init.mode, 2);
    });
    batch(HALOGEN_ERROR_ARGUMENT, "'gamma_init'", [](BatchParams &p) {
      p.gamma_init.kind = HALOGEN_MINDSPORE_INIT_HE_NORMAL;
      set_raw(p.gamma_init.nonlinearity, 2);
    });
    batch(HALOGEN_ERROR_ARGUMENT, "'beta_init'", [](BatchParams &p) { set_raw(p.beta_init.kind, 11); });
    batch(HALOGEN_ERROR_NULL_POINTER, "moving_mean_init",
          [](BatchParams &p) { p.moving_mean_init.kind = HALOGEN_MINDSPORE_INIT_TENSOR; });
    std::vector<float> four(4);
    const TensorView wrong(four.data(), {4});
    batch(HALOGEN_ERROR_SHAPE, "moving_variance", [&](BatchParams &p) {
      p.moving_var_init.kind = HALOGEN_MINDSPORE_INIT_TENSOR;
      p.moving_var_init.tensor = &wrong.dl;
    });
    create_refused<BatchParams>(halogen_mindspore_batch_norm1d_create, batch_params(3), HALOGEN_ERROR_ARGUMENT,
                                "'NHWC' only for BatchNorm2d",
                                [](BatchParams &p) { p.data_format = HALOGEN_MINDSPORE_NHWC; });
    create_refused<InstanceParams>(halogen_mindspore_instance_norm3d_create, instance_params(3), HALOGEN_ERROR_ARGUMENT,
                                   "For 'InstanceNorm3d', the 'num_features' must be at least 1, but got -4.",
                                   [](InstanceParams &p) { p.num_features = -4; });
    const auto conv = [&](halogen_status status, const char *words, const std::function<void(ConvParams &)> &spoil) {
      create_refused<ConvParams>(halogen_mindspore_conv1d_transpose_create, conv_params(4, 6, 3), status, words, spoil);
    };
    conv(HALOGEN_ERROR_ARGUMENT, "the 'padding' must be int and must >= 0, but got '-1' with type 'int'.",
         [](ConvParams &p) { p.padding = -1; });
    conv(HALOGEN_ERROR_ARGUMENT, "the 'in_channels' must be int and must > 0, but got '0' with type 'int'.",
         [](ConvParams &p) { p.in_channels = 0; });
    conv(HALOGEN_ERROR_ARGUMENT, "'out_channels'", [](ConvParams &p) { p.out_channels = 0; });
    conv(HALOGEN_ERROR_ARGUMENT, "'kernel_size' must be int and must >= 1", [](ConvParams &p) { p.kernel_size = 0; });
    conv(HALOGEN_ERROR_STRIDE, "'stride' must be int and must >= 1, but got '0' with type 'int'.",
         [](ConvParams &p) { p.stride = 0; });
    conv(HALOGEN_ERROR_DILATION, "'dilation' must be int and must >= 1, but got '0' with type 'int'.",
         [](ConvParams &p) { p.dilation = 0; });
    conv(HALOGEN_ERROR_GROUPS, "'group' must be int and must > 0, but got '0' with type 'int'.",
         [](ConvParams &p) { p.group = 0; });
    conv(
        HALOGEN_ERROR_GROUPS,
        "For 'Conv1dTranspose', the attr 'in_channels' must be divisible by attr 'group', but got 'in_channels': 4 and "
        "'group': 3.",
        [](ConvParams &p) { p.group = 3; });
    conv(HALOGEN_ERROR_GROUPS, "the 'out_channels' must be divisible by attr 'group'",
         [](ConvParams &p) { p.group = 4; });
    conv(HALOGEN_ERROR_ARGUMENT, "'pad' is (0, 0, 1, 1) and 'pad_mode' is same", [](ConvParams &p) { p.padding = 1; });
    conv(HALOGEN_ERROR_ARGUMENT, "'pad_mode'", [](ConvParams &p) { set_raw(p.pad_mode, 3); });
    conv(HALOGEN_ERROR_ARGUMENT, "has_bias", [](ConvParams &p) { p.has_bias = 2; });
    conv(HALOGEN_ERROR_ARGUMENT, "reserved", [](ConvParams &p) { p.reserved = 1; });
    conv(HALOGEN_ERROR_SIZE, "weight", [](ConvParams &p) { p.kernel_size = int64_t{1} << 40; });
    conv(HALOGEN_ERROR_SIZE, "weight", [](ConvParams &p) { p.stride = int64_t{1} << 62; });
    const TensorView weight(four.data(), {4, 6, 1, 2}), bias(four.data(), {4});
    conv(HALOGEN_ERROR_WEIGHT_SHAPE, "weight: expected (4, 6, 1, 3), got (4, 6, 1, 2)", [&](ConvParams &p) {
      p.weight_init.kind = HALOGEN_MINDSPORE_INIT_TENSOR;
      p.weight_init.tensor = &weight.dl;
    });
    conv(HALOGEN_ERROR_BIAS_SHAPE, "bias: expected (6), got (4)", [&](ConvParams &p) {
      p.has_bias = 1;
      p.bias_init.kind = HALOGEN_MINDSPORE_INIT_TENSOR;
      p.bias_init.tensor = &bias.dl;
    });
  }

  TEST_CASE("mindspore.nn: forward refuses in MindSpore's words") {
    Module batch = made(halogen_mindspore_batch_norm2d_create, batch_params(3));
    forward_refused(batch, {3, 4, 5}, HALOGEN_ERROR_RANK,
                    "For 'BatchNorm2d', the in_shape must have 4 dims, but got 3.");
    forward_refused(batch, {2, 4, 4, 5}, HALOGEN_ERROR_CHANNELS,
                    "scale.shape[0] should be equal to input_x's channel dimension: 4, bug got scale.shape[0]: 3.");
    forward_refused(batch, {2, 3, 4, 5}, HALOGEN_ERROR_DTYPE,
                    "must be a type of {Tensor[Float16], Tensor[Float32]}, but got Tensor[Float64].", float64);
    REQUIRE(halogen_module_convert(batch.get(), float16, nullptr) == HALOGEN_OK);
    forward_refused(batch, {2, 3, 4, 5}, HALOGEN_ERROR_DTYPE,
                    "input argument[scale] must be a type of {Tensor[Float32]}, but got Tensor[Float16].", float16);
  }

  TEST_CASE("mindspore.nn.Conv1dTranspose: forward refuses in MindSpore's words") {
    ConvParams params = conv_params(3, 4, 3);
    params.pad_mode = HALOGEN_MINDSPORE_PAD_PAD;
    params.padding = 8;
    Module conv = made(halogen_mindspore_conv1d_transpose_create, params);
    forward_refused(conv, {3, 7}, HALOGEN_ERROR_RANK,
                    "For 'Conv1dTranspose', the dimension of input must be 3d, but got 2.");
    forward_refused(conv, {2, 3, 7}, HALOGEN_ERROR_OUTPUT_LENGTH,
                    "Shape should not have values less than -2 but got (2, 4, 1, -7).");
    forward_refused(conv, {2, 4, 7}, HALOGEN_ERROR_CHANNELS, "in_channels");
    forward_refused(conv, {2, 3, 7}, HALOGEN_ERROR_DTYPE, "float64", float64);
    forward_refused(conv, {2, 3, 7}, HALOGEN_ERROR_DTYPE, "float16", float16);
  }
}
