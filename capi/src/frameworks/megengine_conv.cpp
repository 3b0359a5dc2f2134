// MegEngine's transposed convolution module: the only place that knows MegEngine's conventions for it.
#include "conv_module.h"
#include "megengine_words.h"

namespace halogen {
namespace {

using Params = halogen_megengine_conv_transpose2d_params;

struct MegengineConv {
  ConvModule conv;
  Params params;
};

const Params &params_of(const ConvModule &module) { return reinterpret_cast<const MegengineConv &>(module).params; }

/// The axis that is worked along: 0 height, 1 width.
int axis_of(const ConvModule &module) { return module.thin == 2 ? 1 : 0; }

halogen_status check_input(const Report &report, const ConvModule &module, const DLTensor &input) {
  const Params &p = params_of(module);
  if (input.ndim != 4) {
    return fail(report, HALOGEN_ERROR_RANK, "input: expected 4 dimensions (N, C, H, W), got %d", input.ndim);
  }
  if (input.shape[1] != p.in_channels) {
    return fail(report, HALOGEN_ERROR_CHANNELS, "input: expected %lld channels, got %lld",
                static_cast<long long>(p.in_channels), static_cast<long long>(input.shape[1]));
  }
  if (input.shape[module.thin] != 1) {
    return fail(report, HALOGEN_ERROR_UNSUPPORTED, "input: expected an extent of 1 in dimension %d, got %lld",
                module.thin, static_cast<long long>(input.shape[module.thin]));
  }
  if (!same_dtype(input.dtype, kFloat32)) {
    return fail(report, HALOGEN_ERROR_DTYPE, "input: expected float32, got %s", DtypeText(input.dtype).text);
  }
  if (p.output_padding[0] != 0) {
    // Only the height's is looked at, and with it the width's.
    if (p.groups > 1) return fail(report, HALOGEN_ERROR_UNSUPPORTED, "output_padding: %s", kMegengineAsyncError);
    for (int axis = 0; axis < 2; ++axis) {
      if (p.output_padding[axis] < p.stride[axis]) continue;
      return fail(report, HALOGEN_ERROR_OUTPUT_PADDING, "output_padding[%d] shoule be less than stride[%d]", axis,
                  axis);
    }
  }
  return check_conv_dtype(report, module, input);
}

halogen_status pads_of(const Report &report, const ConvModule &module, const DLTensor &, int64_t length, ConvPads *pads,
                       int64_t *output_length) {
  const Params &p = params_of(module);
  const int axis = axis_of(module);
  const int64_t output_padding = p.output_padding[0] != 0 ? p.output_padding[axis] : 0;
  const halogen_status status = conv_crops(report,
                                           {ConvPadMode::sides, p.padding[axis], output_padding, 0, length,
                                            p.kernel_size[axis], p.stride[axis], p.dilation[axis]},
                                           pads, output_length);
  if (status != HALOGEN_OK || *output_length - output_padding >= 1) return status;
  return fail(report, HALOGEN_ERROR_OUTPUT_LENGTH,
              "output: assertion `i > pad * 2' failed at convolution.cpp:1212: "
              "megdnn::ConvolutionBackwardData::deduce_layout(const megdnn::TensorLayout&, const "
              "megdnn::TensorLayout&, megdnn::TensorLayout&)::<lambda(size_t, size_t, size_t, size_t)>");
}

void print(const ConvModule &module, Text *text) {
  const Params &p = params_of(module);
  text->add("ConvTranspose2d(%lld, %lld, kernel_size=", static_cast<long long>(p.in_channels),
            static_cast<long long>(p.out_channels));
  text->add_tuple(p.kernel_size, 2);
  print_sizes(text, "stride", p.stride, 2, 1);
  print_sizes(text, "padding", p.padding, 2, 0);
  print_sizes(text, "dilation", p.dilation, 2, 1);
  if (p.groups != 1) text->add(", groups=%lld", static_cast<long long>(p.groups));
  text->add(p.bias != 0 ? ")" : ", bias=False)");
}

constexpr ConvClass kConvTranspose2d = {"ConvTranspose2d", check_input, pads_of, print};
constexpr ModuleKind kKind = conv_kind<MegengineConv>();

/// Whether the axis does nothing.
bool is_thin(const Params &p, int axis) {
  return p.kernel_size[axis] == 1 && p.stride[axis] == 1 && p.dilation[axis] == 1 && p.padding[axis] == 0 &&
         p.output_padding[axis] == 0;
}

halogen_status check_params(const Report &report, const Params &p) {
  const Positive positive[] = {{"in_channels", p.in_channels},
                               {"out_channels", p.out_channels},
                               {"groups", p.groups, HALOGEN_ERROR_GROUPS},
                               {"kernel_size[0]", p.kernel_size[0]},
                               {"kernel_size[1]", p.kernel_size[1]},
                               {"stride[0]", p.stride[0], HALOGEN_ERROR_STRIDE},
                               {"stride[1]", p.stride[1], HALOGEN_ERROR_STRIDE},
                               {"dilation[0]", p.dilation[0], HALOGEN_ERROR_DILATION},
                               {"dilation[1]", p.dilation[1], HALOGEN_ERROR_DILATION}};
  const halogen_status status = check_positive(report, positive, 9);
  if (status != HALOGEN_OK) return status;
  if (p.in_channels % p.groups != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS, "in_channels must be divisible by groups");
  }
  if (p.out_channels % p.groups != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS, "out_channels must be divisible by groups");
  }
  for (int axis = 0; axis < 2; ++axis) {
    if (p.padding[axis] >= 0 && p.output_padding[axis] >= 0) continue;
    const halogen_status wrong = p.padding[axis] < 0 ? HALOGEN_ERROR_ARGUMENT : HALOGEN_ERROR_OUTPUT_PADDING;
    return fail(report, wrong, "padding[%d], output_padding[%d]: expected 0 or more, got %lld, %lld", axis, axis,
                static_cast<long long>(p.padding[axis]), static_cast<long long>(p.output_padding[axis]));
  }
  if (!is_flag(p.bias) || p.reserved != 0 || p.conv_mode != HALOGEN_MEGENGINE_CROSS_CORRELATION ||
      (p.compute_mode != HALOGEN_MEGENGINE_COMPUTE_DEFAULT && p.compute_mode != HALOGEN_MEGENGINE_COMPUTE_FLOAT32)) {
    return fail(
        report, HALOGEN_ERROR_ARGUMENT,
        "bias, reserved, conv_mode, compute_mode: expected 0 or 1, 0, cross_correlation, default or float32, got "
        "%d, %d, %d, %d",
        p.bias, p.reserved, static_cast<int>(p.conv_mode), static_cast<int>(p.compute_mode));
  }
  if (is_thin(p, 0) || is_thin(p, 1)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_UNSUPPORTED,
              "expected one axis with kernel_size, stride and dilation 1, padding and output_padding 0: only "
              "convolutions along one axis are here");
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" halogen_status halogen_megengine_conv_transpose2d_create(
    halogen_context *context, const halogen_megengine_conv_transpose2d_params *params, halogen_module **module,
    halogen_error *error) {
  const Report report = {context, error};
  Params p = {};
  halogen_status status = read_params(report, context, params, module, &p);
  if (status == HALOGEN_OK) status = check_params(report, p);
  const int axis = is_thin(p, 0) ? 1 : 0;
  const ConvSizes sizes = {p.in_channels,  p.out_channels,   p.kernel_size[axis],
                           p.stride[axis], p.dilation[axis], p.groups};
  if (status == HALOGEN_OK) {
    status = check_conv(report, sizes, p.padding[axis], p.output_padding[axis], p.dtype, p.device);
  }
  if (status != HALOGEN_OK) return status;
  const int64_t weight[] = {p.groups, p.in_channels / p.groups, p.out_channels / p.groups, p.kernel_size[0],
                            p.kernel_size[1]};
  const int64_t bias[] = {1, p.out_channels, 1, 1};
  const int32_t first = p.groups > 1 ? 0 : 1;
  ConvModule *made = nullptr;
  status = create_conv(report, context, kKind, kConvTranspose2d, sizes,
                       {weight + first, 5 - first, p.bias != 0 ? bias : nullptr, 4, ConvDefaults::megengine}, p.dtype,
                       p.device, &made);
  if (status != HALOGEN_OK) return status;
  made->thin = axis == 1 ? 2 : 3;
  reinterpret_cast<MegengineConv *>(made)->params = p;
  *module = &made->base;
  return HALOGEN_OK;
}
