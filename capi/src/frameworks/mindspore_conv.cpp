// MindSpore's transposed convolution module: the only place that knows MindSpore's conventions for it.
#include "conv_module.h"
#include "mindspore_init.h"

namespace halogen {
namespace {

constexpr const char *kName = "Conv1dTranspose";

struct MindsporeConv {
  ConvModule conv;
  halogen_mindspore_pad_mode pad_mode;
  int64_t padding;
  bool has_bias;
  halogen_mindspore_version version;
  halogen_mindspore_init_kind weight_init, bias_init;
};

const MindsporeConv &as_mindspore(const ConvModule &module) { return reinterpret_cast<const MindsporeConv &>(module); }

halogen_status check_input(const Report &report, const ConvModule &module, const DLTensor &input) {
  if (input.ndim != 3) {
    return fail(report, HALOGEN_ERROR_RANK, "For '%s', the dimension of input must be 3d, but got %d.", kName,
                input.ndim);
  }
  if (input.shape[1] != module.sizes.in_channels) {
    return fail(report, HALOGEN_ERROR_CHANNELS,
                "For '%s', the input must have 'in_channels' %lld channels, but got %lld.", kName,
                static_cast<long long>(module.sizes.in_channels), static_cast<long long>(input.shape[1]));
  }
  if (!same_dtype(input.dtype, kFloat32) && !same_dtype(input.dtype, kFloat16)) {
    return fail(report, HALOGEN_ERROR_DTYPE, "For '%s', the input must be of float16 or float32, but got %s.", kName,
                DtypeText(input.dtype).text);
  }
  return check_conv_dtype(report, module, input);
}

halogen_status pads_of(const Report &report, const ConvModule &module, const DLTensor &input, int64_t length,
                       ConvPads *pads, int64_t *output_length) {
  const MindsporeConv &mindspore = as_mindspore(module);
  const ConvSizes &s = module.sizes;
  const ConvPadMode mode = mindspore.pad_mode == HALOGEN_MINDSPORE_PAD_SAME    ? ConvPadMode::same
                           : mindspore.pad_mode == HALOGEN_MINDSPORE_PAD_VALID ? ConvPadMode::valid
                                                                               : ConvPadMode::sides;
  const halogen_status status =
      conv_crops(report, {mode, mindspore.padding, 0, 0, length, s.kernel, s.stride, s.dilation}, pads, output_length);
  if (status != HALOGEN_OK || *output_length >= 1) return status;
  // Down to -2 a number means an unknown extent to MindSpore.
  return fail(report, HALOGEN_ERROR_OUTPUT_LENGTH,
              "Shape should not have values less than %s but got (%lld, %lld, 1, %lld).",
              *output_length < -2 ? "-2" : "1", static_cast<long long>(input.shape[0]),
              static_cast<long long>(s.out_channels), static_cast<long long>(*output_length));
}

constexpr const char *kModes[] = {"same", "valid", "pad"};

/// What MindSpore holds for an initialiser: a text, or an object.
const char *init_name(halogen_mindspore_init_kind kind) {
  constexpr const char *kClasses[] = {
      "",         "Zero",      "One",           "Constant", "Normal", "Uniform", "TruncatedNormal",
      "HeNormal", "HeUniform", "XavierUniform", "Tensor"};
  return kClasses[kind];
}

void print_init(Text *text, const char *name, halogen_mindspore_init_kind kind) {
  text->add(", %s=<mindspore.common.initializer.%s object>", name, init_name(kind));
}

void print(const ConvModule &module, Text *text) {
  const MindsporeConv &mindspore = as_mindspore(module);
  const ConvSizes &s = module.sizes;
  text->add(
      "%s<input_channels=%lld, output_channels=%lld, kernel_size=(1, %lld), stride=(1, %lld), pad_mode=%s, "
      "padding=(0, 0, %lld, %lld), dilation=(1, %lld), group=%lld, has_bias=",
      kName, static_cast<long long>(s.in_channels), static_cast<long long>(s.out_channels),
      static_cast<long long>(s.kernel), static_cast<long long>(s.stride), kModes[mindspore.pad_mode],
      static_cast<long long>(mindspore.padding), static_cast<long long>(mindspore.padding),
      static_cast<long long>(s.dilation), static_cast<long long>(s.groups));
  text->add_bool(mindspore.has_bias);
  const bool old = mindspore.version == HALOGEN_MINDSPORE_2_0;
  if (mindspore.weight_init != HALOGEN_MINDSPORE_INIT_DEFAULT) {
    print_init(text, "weight_init", mindspore.weight_init);
  } else if (old) {
    text->add(", weight_init=normal");
  } else {
    print_init(text, "weight_init", HALOGEN_MINDSPORE_INIT_HE_UNIFORM);
  }
  if (mindspore.bias_init != HALOGEN_MINDSPORE_INIT_DEFAULT) {
    print_init(text, "bias_init", mindspore.bias_init);
  } else if (old) {
    text->add(", bias_init=zeros");
  } else if (mindspore.has_bias) {
    print_init(text, "bias_init", HALOGEN_MINDSPORE_INIT_UNIFORM);
  } else {
    text->add(", bias_init=None");
  }
  text->add(", format=NCHW>");
}

constexpr ConvClass kConv1dTranspose = {kName, check_input, pads_of, print};
constexpr ModuleKind kKind = conv_kind<MindsporeConv>();

halogen_status check_params(const Report &report, const halogen_mindspore_conv1d_transpose_params &p) {
  const struct {
    const char *name;
    int64_t value, least;
    const char *bound;
    halogen_status status;
  } integers[] = {{"kernel_size", p.kernel_size, 1, ">= 1", HALOGEN_ERROR_ARGUMENT},
                  {"stride", p.stride, 1, ">= 1", HALOGEN_ERROR_STRIDE},
                  {"padding", p.padding, 0, ">= 0", HALOGEN_ERROR_ARGUMENT},
                  {"dilation", p.dilation, 1, ">= 1", HALOGEN_ERROR_DILATION},
                  {"in_channels", p.in_channels, 1, "> 0", HALOGEN_ERROR_ARGUMENT},
                  {"out_channels", p.out_channels, 1, "> 0", HALOGEN_ERROR_ARGUMENT},
                  {"group", p.group, 1, "> 0", HALOGEN_ERROR_GROUPS}};
  for (const auto &integer : integers) {
    if (integer.value >= integer.least) continue;
    return fail(report, integer.status, "For '%s', the '%s' must be int and must %s, but got '%lld' with type 'int'.",
                kName, integer.name, integer.bound, static_cast<long long>(integer.value));
  }
  if (p.in_channels % p.group != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS,
                "For '%s', the attr 'in_channels' must be divisible by attr 'group', but got 'in_channels': %lld and "
                "'group': %lld.",
                kName, static_cast<long long>(p.in_channels), static_cast<long long>(p.group));
  }
  if (p.out_channels % p.group != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS,
                "For '%s', the 'out_channels' must be divisible by attr 'group', but got 'out_channels': %lld and "
                "'group': %lld.",
                kName, static_cast<long long>(p.out_channels), static_cast<long long>(p.group));
  }
  if (p.pad_mode < HALOGEN_MINDSPORE_PAD_SAME || p.pad_mode > HALOGEN_MINDSPORE_PAD_PAD) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "For '%s', the 'pad_mode' must be one of ['valid', 'same', 'pad'], but got %d.", kName,
                static_cast<int>(p.pad_mode));
  }
  if (p.pad_mode != HALOGEN_MINDSPORE_PAD_PAD && p.padding != 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "For 'Conv2DBackpropInput', the 'pad' must be zero or (0, 0, 0, 0) when 'pad_mode' is not \"pad\", but "
                "got 'pad' is (0, 0, %lld, %lld) and 'pad_mode' is %s.",
                static_cast<long long>(p.padding), static_cast<long long>(p.padding), kModes[p.pad_mode]);
  }
  if (!is_flag(p.has_bias) || p.reserved != 0 || p.version < HALOGEN_MINDSPORE_2_7 ||
      p.version > HALOGEN_MINDSPORE_2_0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "has_bias, reserved, version: expected 0 or 1, 0, and a halogen_mindspore_version, got %d, %d, %d",
                p.has_bias, p.reserved, static_cast<int>(p.version));
  }
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" halogen_status halogen_mindspore_conv1d_transpose_create(
    halogen_context *context, const halogen_mindspore_conv1d_transpose_params *params, halogen_module **module,
    halogen_error *error) {
  const Report report = {context, error};
  halogen_mindspore_conv1d_transpose_params p = {};
  halogen_status status = read_params(report, context, params, module, &p);
  if (status == HALOGEN_OK) status = check_params(report, p);
  const MindsporeInit inits[] = {{"weight_init", "weight", &p.weight_init}, {"bias_init", "bias", &p.bias_init}};
  for (const MindsporeInit &init : inits) {
    if (status == HALOGEN_OK) status = mindspore_check_init(report, kName, init, p.device);
  }
  const ConvSizes sizes = {p.in_channels, p.out_channels, p.kernel_size, p.stride, p.dilation, p.group};
  if (status == HALOGEN_OK) status = check_conv(report, sizes, p.padding, 0, p.dtype, p.device);
  if (status != HALOGEN_OK) return status;
  const int64_t weight[] = {p.in_channels, p.out_channels / p.group, 1, p.kernel_size};
  ConvModule *made = nullptr;
  const ConvDefaults defaults = p.version == HALOGEN_MINDSPORE_2_0 ? ConvDefaults::mindspore_2_0 : ConvDefaults::by_fan;
  status = create_conv(report, context, kKind, kConv1dTranspose, sizes,
                       {weight, 4, p.has_bias != 0 ? &p.out_channels : nullptr, 1, defaults}, p.dtype, p.device, &made);
  if (status != HALOGEN_OK) return status;
  for (const MindsporeInit &init : inits) {
    if (status == HALOGEN_OK) status = mindspore_apply_init(report, &made->base, init);
  }
  if (status != HALOGEN_OK) {
    halogen_module_destroy(&made->base);
    return status;
  }
  made->base.training = false;
  auto *mindspore = reinterpret_cast<MindsporeConv *>(made);
  mindspore->pad_mode = p.pad_mode;
  mindspore->padding = p.padding;
  mindspore->has_bias = p.has_bias != 0;
  mindspore->version = p.version;
  mindspore->weight_init = p.weight_init.kind;
  mindspore->bias_init = p.bias_init.kind;
  *module = &made->base;
  return HALOGEN_OK;
}
