// PyTorch's transposed convolution module: the only place that knows torch's conventions for it.
#include "conv.h"
#include "conv_module.h"

namespace halogen {
namespace {

struct TorchConv {
  ConvModule conv;
  int64_t padding, output_padding;
  bool bias;
};

const TorchConv &as_torch(const ConvModule &module) { return reinterpret_cast<const TorchConv &>(module); }

/// torch's checks of a call, in torch's order and words.
halogen_status check_shape(const Report &report, const ConvModule &module, const DLTensor &input, bool sized) {
  const ConvSizes &s = module.sizes;
  if (input.ndim != 2 && input.ndim != 3) {
    return fail(report, HALOGEN_ERROR_RANK,
                "Expected 2D (unbatched) or 3D (batched) input to conv_transpose1d, but got input of size: %s",
                SizeText(input.shape, input.ndim).text);
  }
  const int64_t channels = input.shape[input.ndim - 2];
  if (channels != s.in_channels) {
    // torch looks at an unbatched input as a batch of one.
    const int64_t weight[] = {s.in_channels, s.out_channels / s.groups, s.kernel};
    const int64_t batch[] = {input.ndim == 3 ? input.shape[0] : 1, channels, input.shape[input.ndim - 1]};
    return fail(report, HALOGEN_ERROR_CHANNELS,
                "Given transposed=1, weight of size %s, expected input%s to have %lld channels, but got %lld channels "
                "instead",
                SizeText(weight, 3).text, SizeText(batch, 3).text, static_cast<long long>(s.in_channels),
                static_cast<long long>(channels));
  }
  const int64_t output_padding = as_torch(module).output_padding;
  if (!sized && output_padding >= s.stride && output_padding >= s.dilation) {
    return fail(
        report, HALOGEN_ERROR_OUTPUT_PADDING,
        "output padding must be smaller than either stride or dilation, but got output_padding_height: 0 "
        "output_padding_width: %lld stride_height: 1 stride_width: %lld dilation_height: 1 dilation_width: %lld",
        static_cast<long long>(output_padding), static_cast<long long>(s.stride), static_cast<long long>(s.dilation));
  }
  return check_conv_dtype(report, module, input);
}

halogen_status check_input(const Report &report, const ConvModule &module, const DLTensor &input) {
  return check_shape(report, module, input, false);
}

/// @param output_size -1: by output_padding.
halogen_status sized_pads(const Report &report, const ConvModule &module, int64_t length, int64_t output_size,
                          ConvPads *pads, int64_t *output_length) {
  const TorchConv &torch = as_torch(module);
  const ConvSizes &s = module.sizes;
  const ConvPadMode mode = output_size < 0 ? ConvPadMode::sides : ConvPadMode::size;
  const halogen_status status = conv_crops(
      report, {mode, torch.padding, torch.output_padding, output_size, length, s.kernel, s.stride, s.dilation}, pads,
      output_length);
  if (status != HALOGEN_OK || *output_length >= 0) return status;
  // The first words are torch's, which has no other for it.
  return fail(report, HALOGEN_ERROR_OUTPUT_LENGTH,
              "could not construct a memory descriptor using a format tag: an input of length %lld gives an output "
              "of negative length",
              static_cast<long long>(length));
}

halogen_status pads_of(const Report &report, const ConvModule &module, const DLTensor &, int64_t length, ConvPads *pads,
                       int64_t *output_length) {
  return sized_pads(report, module, length, -1, pads, output_length);
}

halogen_status check_size(const Report &report, const ConvModule &module, const DLTensor &input, int64_t output_size) {
  const ConvSizes &s = module.sizes;
  const int64_t length = input.shape[input.ndim - 1];
  ConvPads pads = {};
  int64_t least = 0;
  const halogen_status status =
      conv_crops(report, {ConvPadMode::sides, as_torch(module).padding, 0, 0, length, s.kernel, s.stride, s.dilation},
                 &pads, &least);
  if (status != HALOGEN_OK) return status;
  const int64_t most = least + s.stride - 1;
  if (output_size >= 0 && output_size >= least && output_size <= most) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_SHAPE,
              "requested an output size of [%lld], but valid sizes range from [%lld] to [%lld] (for an input of "
              "torch.Size(%s))",
              static_cast<long long>(output_size), static_cast<long long>(least), static_cast<long long>(most),
              SizeText(input.shape + 2, input.ndim - 2).text);
}

void print(const ConvModule &module, Text *text) {
  const TorchConv &torch = as_torch(module);
  const ConvSizes &s = module.sizes;
  text->add("ConvTranspose1d(%lld, %lld, kernel_size=(%lld,), stride=(%lld,)", static_cast<long long>(s.in_channels),
            static_cast<long long>(s.out_channels), static_cast<long long>(s.kernel), static_cast<long long>(s.stride));
  print_sizes(text, "padding", &torch.padding, 1, 0);
  print_sizes(text, "dilation", &s.dilation, 1, 1);
  print_sizes(text, "output_padding", &torch.output_padding, 1, 0);
  if (s.groups != 1) text->add(", groups=%lld", static_cast<long long>(s.groups));
  text->add(torch.bias ? ")" : ", bias=False)");
}

constexpr ConvClass kConvTranspose1d = {"ConvTranspose1d", check_input, pads_of, print};
constexpr ModuleKind kKind = conv_kind<TorchConv>();

const TorchConv *torch_conv(const halogen_module *base) {
  return base->kind == &kKind ? reinterpret_cast<const TorchConv *>(base) : nullptr;
}

halogen_status check_params(const Report &report, const halogen_torch_conv_transpose1d_params &p) {
  if (p.padding_mode != HALOGEN_PADDING_ZEROS) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "Only \"zeros\" padding mode is supported for ConvTranspose1d");
  }
  if (p.groups < 1) return fail(report, HALOGEN_ERROR_GROUPS, "groups must be a positive integer");
  const Positive positive[] = {
      {"in_channels", p.in_channels}, {"out_channels", p.out_channels}, {"kernel_size", p.kernel_size}};
  const halogen_status status = check_positive(report, positive, 3);
  if (status != HALOGEN_OK) return status;
  if (p.in_channels % p.groups != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS, "in_channels must be divisible by groups");
  }
  if (p.out_channels % p.groups != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS, "out_channels must be divisible by groups");
  }
  if (p.stride < 1) return fail(report, HALOGEN_ERROR_STRIDE, "non-positive stride is not supported");
  if (p.padding < 0) return fail(report, HALOGEN_ERROR_ARGUMENT, "negative padding is not supported");
  if (p.output_padding < 0)
    return fail(report, HALOGEN_ERROR_OUTPUT_PADDING, "negative output_padding is not supported");
  if (p.dilation < 1) return fail(report, HALOGEN_ERROR_DILATION, "dilation should be greater than zero");
  if (!is_flag(p.bias)) return fail(report, HALOGEN_ERROR_ARGUMENT, "bias: expected 0 or 1, got %d", p.bias);
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_torch_conv_transpose1d_create(halogen_context *context,
                                                     const halogen_torch_conv_transpose1d_params *params,
                                                     halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  halogen_torch_conv_transpose1d_params p = {};
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
  auto *torch = reinterpret_cast<TorchConv *>(made);
  torch->padding = p.padding;
  torch->output_padding = p.output_padding;
  torch->bias = p.bias != 0;
  *module = &made->base;
  return HALOGEN_OK;
}

halogen_status halogen_torch_conv_transpose1d_output_length(const halogen_module *module, int64_t length,
                                                            int64_t *output_length, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  if (output_length == nullptr) return fail_null(report, "output_length");
  const TorchConv *torch = torch_conv(module);
  if (torch == nullptr) return fail(report, HALOGEN_ERROR_ARGUMENT, "module: expected a ConvTranspose1d, got another");
  if (length < 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "length: expected 1 or more, got %lld", static_cast<long long>(length));
  }
  ConvPads pads = {};
  int64_t result = 0;
  const halogen_status status = sized_pads(report, torch->conv, length, -1, &pads, &result);
  if (status == HALOGEN_OK) *output_length = result;
  return status;
}

halogen_status halogen_torch_conv_transpose1d_forward_size(halogen_module *module, const DLTensor *input,
                                                           int64_t output_size, const DLTensor *output, void *stream,
                                                           halogen_kernel_info *ran, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  if (torch_conv(module) == nullptr) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "module: expected a ConvTranspose1d, got another");
  }
  auto *conv = reinterpret_cast<ConvModule *>(module);
  const ForwardCall call = {input, output, stream, false, ran, error};
  halogen_status status = ran != nullptr ? check_struct(report, "ran", ran) : HALOGEN_OK;
  if (status == HALOGEN_OK) status = check_tensors(report, *module, call);
  if (status == HALOGEN_OK) status = check_shape(report, *conv, *input, true);
  if (status == HALOGEN_OK) status = check_device(report, *module, *input);
  if (status == HALOGEN_OK) status = check_size(report, *conv, *input, output_size);
  ConvPads pads = {};
  int64_t output_length = 0;
  if (status == HALOGEN_OK && input->shape[input->ndim - 1] > 0) {
    status = sized_pads(report, *conv, input->shape[input->ndim - 1], output_size, &pads, &output_length);
  }
  return status == HALOGEN_OK ? conv_run_module(conv, call, pads) : status;
}

}  // extern "C"
