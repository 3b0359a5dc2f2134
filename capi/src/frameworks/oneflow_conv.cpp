// OneFlow's transposed convolution module: the only place that knows OneFlow's conventions for it.
#include "conv_module.h"

namespace halogen {
namespace {

struct OneflowConv {
  ConvModule conv;
  int64_t padding, output_padding;
};

const OneflowConv &as_oneflow(const ConvModule &module) { return reinterpret_cast<const OneflowConv &>(module); }

halogen_status check_input(const Report &report, const ConvModule &module, const DLTensor &input) {
  if (input.ndim != 3) {
    return fail(report, HALOGEN_ERROR_RANK, "input: expected as many dimensions as the weight has (3 vs %d)",
                input.ndim);
  }
  if (input.shape[1] != module.sizes.in_channels) {
    return fail(report, HALOGEN_ERROR_CHANNELS, "input: expected %lld channels, got %lld",
                static_cast<long long>(module.sizes.in_channels), static_cast<long long>(input.shape[1]));
  }
  const halogen_status status = check_conv_dtype(report, module, input);
  if (status != HALOGEN_OK || input.dtype.bits != 16) return status;
  return fail(report, HALOGEN_ERROR_DTYPE,
              "Cannot find the kernel matching Current OperatorConf.  The Info of OperatorConf are: dtype %s",
              DtypeText(input.dtype).text);
}

halogen_status pads_of(const Report &report, const ConvModule &module, const DLTensor &input, int64_t length,
                       ConvPads *pads, int64_t *output_length) {
  const OneflowConv &oneflow = as_oneflow(module);
  const ConvSizes &s = module.sizes;
  const halogen_status status = conv_crops(
      report, {ConvPadMode::sides, oneflow.padding, oneflow.output_padding, 0, length, s.kernel, s.stride, s.dilation},
      pads, output_length);
  if (status != HALOGEN_OK || *output_length >= 1) return status;
  return fail(report, HALOGEN_ERROR_OUTPUT_LENGTH,
              "RuntimeError: Given input size per channel: ((%lld,%lld,%lld)). Calculated output size per channel: "
              "((%lld,%lld,%lld)). Output size is too small",
              static_cast<long long>(input.shape[0]), static_cast<long long>(input.shape[1]),
              static_cast<long long>(length), static_cast<long long>(input.shape[0]),
              static_cast<long long>(s.out_channels), static_cast<long long>(*output_length));
}

/// OneFlow says nothing about the parameters of this module.
void print(const ConvModule &, Text *text) { text->add("ConvTranspose1d()"); }

constexpr ConvClass kConvTranspose1d = {"ConvTranspose1d", check_input, pads_of, print};
constexpr ModuleKind kKind = conv_kind<OneflowConv>();

halogen_status check_params(const Report &report, const halogen_oneflow_conv_transpose1d_params &p) {
  if (p.padding_mode != HALOGEN_PADDING_ZEROS) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "Only `zeros` padding mode is supported for ConvTranspose1d");
  }
  const Positive positive[] = {{"in_channels", p.in_channels},
                               {"out_channels", p.out_channels},
                               {"kernel_size", p.kernel_size},
                               {"stride", p.stride, HALOGEN_ERROR_STRIDE},
                               {"dilation", p.dilation, HALOGEN_ERROR_DILATION},
                               {"groups", p.groups, HALOGEN_ERROR_GROUPS}};
  const halogen_status status = check_positive(report, positive, 6);
  if (status != HALOGEN_OK) return status;
  if (p.in_channels % p.groups != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS, "in_channels: expected a multiple of groups");
  }
  if (p.out_channels % p.groups != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS, "out_channels: expected a multiple of groups");
  }
  if (p.padding < 0 || p.output_padding < 0) {
    const halogen_status wrong = p.padding < 0 ? HALOGEN_ERROR_ARGUMENT : HALOGEN_ERROR_OUTPUT_PADDING;
    return fail(report, wrong, "padding, output_padding: expected 0 or more, got %lld, %lld",
                static_cast<long long>(p.padding), static_cast<long long>(p.output_padding));
  }
  if (!is_flag(p.bias)) return fail(report, HALOGEN_ERROR_ARGUMENT, "bias: expected 0 or 1, got %d", p.bias);
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" halogen_status halogen_oneflow_conv_transpose1d_create(halogen_context *context,
                                                                  const halogen_oneflow_conv_transpose1d_params *params,
                                                                  halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  halogen_oneflow_conv_transpose1d_params p = {};
  halogen_status status = read_params(report, context, params, module, &p);
  if (status == HALOGEN_OK) status = check_params(report, p);
  const ConvSizes sizes = {p.in_channels, p.out_channels, p.kernel_size, p.stride, p.dilation, p.groups};
  if (status == HALOGEN_OK) status = check_conv(report, sizes, p.padding, p.output_padding, p.dtype, p.device);
  if (status != HALOGEN_OK) return status;
  const int64_t weight[] = {p.in_channels, p.out_channels / p.groups, p.kernel_size};
  ConvModule *made = nullptr;
  status = create_conv(report, context, kKind, kConvTranspose1d, sizes,
                       {weight, 3, p.bias != 0 ? &p.out_channels : nullptr, 1}, p.dtype, p.device, &made);
  if (status != HALOGEN_OK) return status;
  auto *oneflow = reinterpret_cast<OneflowConv *>(made);
  oneflow->padding = p.padding;
  oneflow->output_padding = p.output_padding;
  *module = &made->base;
  return HALOGEN_OK;
}
