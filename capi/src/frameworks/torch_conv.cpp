// PyTorch's transposed convolution module: the only place that knows torch's conventions for it.
#include <halogen/torch.h>

#include <atomic>
#include <cstdio>
#include <cstring>

#include "conv.h"
#include "conv_check.h"
#include "conv_pads.h"
#include "module.h"
#include "struct_size.h"

namespace halogen {
namespace {

struct TorchConv {
  halogen_module base;
  halogen_torch_conv_transpose1d_params params;
  /// The weight, packed; evaluation mode only. The first thread that has packed it gives it to the others.
  std::atomic<halogen_conv_weights *> packed;
};

void forget(halogen_module *base) {
  auto &module = *reinterpret_cast<TorchConv *>(base);
  halogen_conv_transpose1d_weights_destroy(module.packed.exchange(nullptr, std::memory_order_acq_rel));
}

const TorchConv *torch_conv(const halogen_module *base) {
  return base->forget == forget ? reinterpret_cast<const TorchConv *>(base) : nullptr;
}

/// "[2, 4, 5]".
struct SizeText {
  char text[160];
  explicit SizeText(const int64_t *shape, int32_t count) {
    size_t used = static_cast<size_t>(std::snprintf(text, sizeof(text), "["));
    for (int32_t i = 0; i < count && used < sizeof(text); ++i) {
      used += static_cast<size_t>(std::snprintf(text + used, sizeof(text) - used, "%s%lld", i > 0 ? ", " : "",
                                                static_cast<long long>(shape[i])));
    }
    if (used < sizeof(text)) std::snprintf(text + used, sizeof(text) - used, "]");
  }
};

/// torch's checks of a call, in torch's order and words.
halogen_status check_input(const Report &report, const TorchConv &module, const DLTensor &input, bool sized) {
  const auto &p = module.params;
  if (input.ndim != 2 && input.ndim != 3) {
    return fail(report, HALOGEN_ERROR_RANK,
                "Expected 2D (unbatched) or 3D (batched) input to conv_transpose1d, but got input of size: %s",
                SizeText(input.shape, input.ndim).text);
  }
  const int64_t channels = input.shape[input.ndim - 2];
  if (channels != p.in_channels) {
    // torch looks at an unbatched input as a batch of one.
    const int64_t weight[] = {p.in_channels, p.out_channels / p.groups, p.kernel_size};
    const int64_t batch[] = {input.ndim == 3 ? input.shape[0] : 1, channels, input.shape[input.ndim - 1]};
    return fail(report, HALOGEN_ERROR_CHANNELS,
                "Given transposed=1, weight of size %s, expected input%s to have %lld channels, but got %lld channels "
                "instead",
                SizeText(weight, 3).text, SizeText(batch, 3).text, static_cast<long long>(p.in_channels),
                static_cast<long long>(channels));
  }
  if (!sized && p.output_padding >= p.stride && p.output_padding >= p.dilation) {
    return fail(
        report, HALOGEN_ERROR_ARGUMENT,
        "output padding must be smaller than either stride or dilation, but got output_padding_height: 0 "
        "output_padding_width: %lld stride_height: 1 stride_width: %lld dilation_height: 1 dilation_width: %lld",
        static_cast<long long>(p.output_padding), static_cast<long long>(p.stride), static_cast<long long>(p.dilation));
  }
  return HALOGEN_OK;
}

/// Crops and length of the output. @param output_size -1: by output_padding.
halogen_status pads_of(const Report &report, const TorchConv &module, int64_t length, int64_t output_size,
                       ConvPads *pads, int64_t *output_length) {
  const auto &p = module.params;
  const ConvPadding padding = {output_size < 0 ? ConvPadMode::sides : ConvPadMode::size,
                               p.padding,
                               p.output_padding,
                               output_size,
                               length,
                               p.kernel_size,
                               p.stride,
                               p.dilation};
  halogen_status status = conv_pads(report, padding, pads);
  if (status != HALOGEN_OK) return status;
  status = conv_output_length({nullptr, nullptr}, length, p.kernel_size, p.stride, p.dilation, pads->left, pads->right,
                              output_length);
  if (status == HALOGEN_ERROR_SHAPE) {
    // The first words are torch's, which has no other for it.
    return fail(report, status,
                "could not construct a memory descriptor using a format tag: an input of length %lld gives an output "
                "of negative length",
                static_cast<long long>(length));
  }
  return status == HALOGEN_OK ? status
                              : conv_output_length(report, length, p.kernel_size, p.stride, p.dilation, pads->left,
                                                   pads->right, output_length);
}

halogen_status check_size(const Report &report, const TorchConv &module, const DLTensor &input, int64_t output_size) {
  const auto &p = module.params;
  const int64_t length = input.shape[input.ndim - 1];
  ConvPads pads = {};
  const ConvPadding plain = {ConvPadMode::sides, p.padding, 0, 0, length, p.kernel_size, p.stride, p.dilation};
  halogen_status status = conv_pads(report, plain, &pads);
  if (status != HALOGEN_OK) return status;
  // All of these fit, as conv_pads() has found.
  const int64_t least = (length - 1) * p.stride - 2 * p.padding + p.dilation * (p.kernel_size - 1) + 1;
  const int64_t most = least + p.stride - 1;
  if (output_size >= 0 && output_size >= least && output_size <= most) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_SHAPE,
              "requested an output size of [%lld], but valid sizes range from [%lld] to [%lld] (for an input of "
              "torch.Size(%s))",
              static_cast<long long>(output_size), static_cast<long long>(least), static_cast<long long>(most),
              SizeText(input.shape + 2, input.ndim - 2).text);
}

/// The weight, packed for as long as it stands.
halogen_status packed_weight(TorchConv &module, const StateEntry &weight, halogen_error *error,
                             const halogen_conv_weights **packed) {
  *packed = module.packed.load(std::memory_order_acquire);
  if (*packed != nullptr) return HALOGEN_OK;
  halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
  params.weight = &weight.tensor;
  params.stride = module.params.stride;
  params.dilation = module.params.dilation;
  params.groups = module.params.groups;
  halogen_conv_weights *made = nullptr;
  const halogen_status status =
      halogen_conv_transpose1d_weights_create(module.base.context, &params, nullptr, 0, &made, error);
  if (status != HALOGEN_OK) return status;
  halogen_conv_weights *before = nullptr;
  if (module.packed.compare_exchange_strong(before, made, std::memory_order_acq_rel)) {
    *packed = made;
  } else {
    halogen_conv_transpose1d_weights_destroy(made);
    *packed = before;
  }
  return HALOGEN_OK;
}

/// @param output_size -1: by output_padding.
halogen_status forward_size(TorchConv &module, const ForwardCall &call, int64_t output_size, bool sized) {
  const Report report = {module.base.context, call.error};
  Tensor checked;
  halogen_status status = check_tensor(report, "input", call.input, module.params.dtype, !call.only_query, &checked);
  if (status == HALOGEN_OK && call.output == nullptr) status = fail_null(report, "output");
  if (status == HALOGEN_OK) status = check_input(report, module, *call.input, sized);
  if (status == HALOGEN_OK && sized) status = check_size(report, module, *call.input, output_size);
  if (status != HALOGEN_OK) return status;
  const int64_t length = call.input->shape[call.input->ndim - 1];
  ConvPads pads = {};
  int64_t output_length = 0;
  if (length > 0) status = pads_of(report, module, length, sized ? output_size : -1, &pads, &output_length);
  if (status != HALOGEN_OK) return status;

  const StateEntry &weight = *module_find(&module.base, "weight");
  const StateEntry *bias = module_find(&module.base, "bias");
  halogen_conv_transpose1d_args args = HALOGEN_CONV_TRANSPOSE1D_ARGS_INIT;
  args.input = call.input;
  args.output = call.output;
  args.bias = bias != nullptr ? &bias->tensor : nullptr;
  args.stride = module.params.stride;
  args.dilation = module.params.dilation;
  args.groups = module.params.groups;
  args.pad_left = pads.left;
  args.pad_right = pads.right;
  args.stream = call.stream;
  args.weight = &weight.tensor;
  if (!module.base.training && !call.only_query) {
    // Checked first, so that a refused call packs nothing.
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    status = conv_call(module.base.context, args, true, &info, call.error);
    if (status == HALOGEN_OK) status = packed_weight(module, weight, call.error, &args.packed);
    if (status != HALOGEN_OK) return status;
    args.weight = nullptr;
  }
  return conv_call(module.base.context, args, call.only_query, call.info, call.error);
}

halogen_status forward(halogen_module *base, const ForwardCall &call) {
  return forward_size(*reinterpret_cast<TorchConv *>(base), call, 0, false);
}

halogen_status check_params(const Report &report, const halogen_torch_conv_transpose1d_params &p) {
  if (p.groups < 1) return fail(report, HALOGEN_ERROR_ARGUMENT, "groups must be a positive integer");
  const struct {
    const char *name;
    int64_t value;
  } positive[] = {{"in_channels", p.in_channels}, {"out_channels", p.out_channels}, {"kernel_size", p.kernel_size}};
  for (const auto &parameter : positive) {
    if (parameter.value >= 1) continue;
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected 1 or more, got %lld", parameter.name,
                static_cast<long long>(parameter.value));
  }
  if (p.in_channels % p.groups != 0) {
    return fail(report, HALOGEN_ERROR_CHANNELS, "in_channels must be divisible by groups");
  }
  if (p.out_channels % p.groups != 0) {
    return fail(report, HALOGEN_ERROR_CHANNELS, "out_channels must be divisible by groups");
  }
  if (p.stride < 1) return fail(report, HALOGEN_ERROR_ARGUMENT, "non-positive stride is not supported");
  if (p.padding < 0) return fail(report, HALOGEN_ERROR_ARGUMENT, "negative padding is not supported");
  if (p.output_padding < 0) return fail(report, HALOGEN_ERROR_ARGUMENT, "negative output_padding is not supported");
  if (p.dilation < 1) return fail(report, HALOGEN_ERROR_ARGUMENT, "dilation should be greater than zero");
  if ((p.bias != 0 && p.bias != 1) || p.reserved != 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "bias, reserved: expected 0 or 1, and 0, got %d, %d", p.bias,
                p.reserved);
  }
  Dtype dtype = Dtype::f32;
  if (!dtype_of(p.dtype, &dtype)) {
    return fail(report, HALOGEN_ERROR_DTYPE, "dtype: expected float32, float64, float16 or bfloat16, got %s",
                DtypeText(p.dtype).text);
  }
  if (p.device.device_type != kDLCPU) {
    return fail(report, HALOGEN_ERROR_DEVICE, "device: expected device_type %d (CPU), got %d", kDLCPU,
                static_cast<int>(p.device.device_type));
  }
  if (p.padding > INT32_MAX || p.output_padding > INT32_MAX) {
    return fail(report, HALOGEN_ERROR_SIZE, "padding, output_padding: expected less than 2^31, got %lld, %lld",
                static_cast<long long>(p.padding), static_cast<long long>(p.output_padding));
  }
  if (!conv_sizes_fit({p.in_channels, p.out_channels, p.kernel_size, p.stride, p.dilation, p.groups, dtype})) {
    return fail(report, HALOGEN_ERROR_SIZE,
                "weight: expected less than 2^30 elements in a group, with stride and kernel_size * dilation below "
                "2^25, got more");
  }
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_torch_conv_transpose1d_params_init(halogen_torch_conv_transpose1d_params *params,
                                                          size_t struct_size, int64_t in_channels, int64_t out_channels,
                                                          int64_t kernel_size, halogen_error *error) {
  halogen_torch_conv_transpose1d_params defaults = {};
  defaults.in_channels = in_channels;
  defaults.out_channels = out_channels;
  defaults.kernel_size = kernel_size;
  defaults.stride = defaults.groups = defaults.dilation = 1;
  defaults.bias = 1;
  defaults.dtype = kFloat32;
  defaults.device = {kDLCPU, 0};
  return init_struct({nullptr, error}, struct_size, defaults, params);
}

halogen_status halogen_torch_conv_transpose1d_create(halogen_context *context,
                                                     const halogen_torch_conv_transpose1d_params *params,
                                                     halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (params == nullptr) return fail_null(report, "params");
  if (module == nullptr) return fail_null(report, "module");
  halogen_torch_conv_transpose1d_params read;
  halogen_status status = read_struct(report, "params", params, &read);
  if (status == HALOGEN_OK) status = check_params(report, read);
  if (status != HALOGEN_OK) return status;

  auto *made = reinterpret_cast<TorchConv *>(module_allocate(context, sizeof(TorchConv)));
  bool complete = made != nullptr;
  if (complete) {
    made->params = read;
    made->base.forward = forward;
    made->base.forget = forget;
    made->base.device = read.device;
    const int64_t weight[] = {read.in_channels, read.out_channels / read.groups, read.kernel_size};
    complete = module_add_state(&made->base, "weight", read.dtype, weight, 3, false) &&
               (read.bias == 0 || module_add_state(&made->base, "bias", read.dtype, &read.out_channels, 1, false));
  }
  if (!complete) {
    if (made != nullptr) halogen_module_destroy(&made->base);
    return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for a weight of %lld x %lld x %lld",
                static_cast<long long>(read.in_channels), static_cast<long long>(read.out_channels / read.groups),
                static_cast<long long>(read.kernel_size));
  }
  *module = &made->base;
  return HALOGEN_OK;
}

halogen_status halogen_torch_conv_transpose1d_output_length(const halogen_module *module, int64_t length,
                                                            int64_t *output_length, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  if (output_length == nullptr) return fail_null(report, "output_length");
  const TorchConv *conv = torch_conv(module);
  if (conv == nullptr) return fail(report, HALOGEN_ERROR_ARGUMENT, "module: expected a ConvTranspose1d, got another");
  if (length < 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "length: expected 1 or more, got %lld", static_cast<long long>(length));
  }
  ConvPads pads = {};
  int64_t result = 0;
  const halogen_status status = pads_of(report, *conv, length, -1, &pads, &result);
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
  if (ran != nullptr) {
    const halogen_status status = check_struct(report, "ran", ran);
    if (status != HALOGEN_OK) return status;
  }
  return forward_size(*reinterpret_cast<TorchConv *>(module), {input, output, stream, false, ran, error}, output_size,
                      true);
}

}  // extern "C"
