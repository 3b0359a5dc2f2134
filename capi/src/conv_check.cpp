#include "conv_check.h"

#include <cmath>

#include "context.h"
#include "status.h"

namespace halogen {
namespace {

/// Which dimensions of a tensor are which.
struct Dimensions {
  int32_t channels, positions;

  Dimensions(const Tensor &t, halogen_layout layout) {
    const int32_t last = t.ndim - 1;
    channels = layout == HALOGEN_LAYOUT_CHANNEL_FIRST ? last - 1 : last;
    positions = channels == last ? last - 1 : last;
  }
};

}  // namespace

halogen_status conv_check_options(const Report &report, const ConvOptions &args) {
  if (args.path < HALOGEN_CONV_PATH_AUTO || args.path > HALOGEN_CONV_PATH_COLUMNS) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "path: expected a halogen_conv_path (0 to %d), got %d",
                HALOGEN_CONV_PATH_COLUMNS, static_cast<int>(args.path));
  }
  if (args.activation < HALOGEN_ACTIVATION_NONE || args.activation > HALOGEN_ACTIVATION_TANH) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "activation: expected a halogen_activation (0 to %d), got %d",
                HALOGEN_ACTIVATION_TANH, static_cast<int>(args.activation));
  }
  if (args.input_activation != HALOGEN_ACTIVATION_NONE && args.input_activation != HALOGEN_ACTIVATION_LEAKY_RELU) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "input_activation: expected HALOGEN_ACTIVATION_NONE (0) or _LEAKY_RELU (2), got %d",
                static_cast<int>(args.input_activation));
  }
  const bool leaky = args.activation == HALOGEN_ACTIVATION_LEAKY_RELU;
  const bool input_leaky = args.input_activation == HALOGEN_ACTIVATION_LEAKY_RELU;
  if ((leaky && !std::isfinite(args.activation_slope)) || (input_leaky && !std::isfinite(args.input_slope))) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected a finite number, got %g",
                leaky && !std::isfinite(args.activation_slope) ? "activation_slope" : "input_slope",
                leaky && !std::isfinite(args.activation_slope) ? args.activation_slope : args.input_slope);
  }
  if (args.layout != HALOGEN_LAYOUT_CHANNEL_FIRST && args.layout != HALOGEN_LAYOUT_CHANNEL_LAST) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "layout: expected a halogen_layout (0 or 1), got %d",
                static_cast<int>(args.layout));
  }
  return HALOGEN_OK;
}

halogen_status conv_output_length(const Report &report, int64_t length, int64_t kernel, int64_t stride,
                                  int64_t dilation, int64_t pad_left, int64_t pad_right, int64_t *output_length) {
  const struct {
    const char *name;
    int64_t value;
    halogen_status status;
  } positive[] = {{"length", length, HALOGEN_ERROR_ARGUMENT},
                  {"kernel", kernel, HALOGEN_ERROR_ARGUMENT},
                  {"stride", stride, HALOGEN_ERROR_STRIDE},
                  {"dilation", dilation, HALOGEN_ERROR_DILATION}};
  for (const auto &parameter : positive) {
    if (parameter.value >= 1) continue;
    return fail(report, parameter.status, "%s: expected 1 or more, got %lld", parameter.name,
                static_cast<long long>(parameter.value));
  }
  int64_t inputs = 0, taps = 0, full = 0, result = 0;
  if (__builtin_mul_overflow(length - 1, stride, &inputs) || __builtin_mul_overflow(kernel - 1, dilation, &taps) ||
      __builtin_add_overflow(inputs, taps, &full) || __builtin_add_overflow(full, 1, &full) ||
      __builtin_sub_overflow(full, pad_left, &result) || __builtin_sub_overflow(result, pad_right, &result)) {
    return fail(report, HALOGEN_ERROR_SIZE, "output: expected a length below 2^63, got more");
  }
  if (result < 0) {
    return fail(report, HALOGEN_ERROR_OUTPUT_LENGTH, "output: expected a length of 0 or more, got %lld",
                static_cast<long long>(result));
  }
  *output_length = result;
  return HALOGEN_OK;
}

halogen_status conv_check_tensor(const Report &report, const char *name, const DLTensor *tensor, const ConvKind &kind,
                                 bool need_data, Tensor *checked) {
  const halogen_status status = check_data(report, name, tensor, need_data, checked);
  if (status != HALOGEN_OK) return status;
  if (!same_dtype(checked->dtype, dlpack_of(kind.dtype))) {
    return fail(report, HALOGEN_ERROR_DTYPE, "%s: expected the weight's %s, got %s", name,
                DtypeText(dlpack_of(kind.dtype)).text, DtypeText(checked->dtype).text);
  }
  const DLDevice &device = checked->memory.device, &expected = kind.device;
  const bool same = device.device_type == expected.device_type &&
                    (device.device_type == kDLCPU || device.device_id == expected.device_id);
  if (same) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DEVICE,
              "%s: expected a tensor on the weight's device (device_type %d, device_id %d), got (%d, %d)", name,
              static_cast<int>(expected.device_type), expected.device_id, static_cast<int>(device.device_type),
              device.device_id);
}

halogen_status conv_check_vector(const Report &report, const char *name, const DLTensor *tensor, const ConvKind &kind,
                                 int64_t channels, bool need_data, Tensor *checked) {
  const halogen_status status = conv_check_tensor(report, name, tensor, kind, need_data, checked);
  if (status != HALOGEN_OK) return status;
  if (checked->ndim != 1) {
    return fail(report, HALOGEN_ERROR_RANK, "%s: expected 1 dimension, got %d", name, checked->ndim);
  }
  if (checked->shape[0] == channels) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_BIAS_SHAPE, "%s: expected %lld elements, got %lld", name,
              static_cast<long long>(channels), static_cast<long long>(checked->shape[0]));
}

halogen_status conv_begin_on_gpu(const Report &report, halogen_context *context, const DLDevice &device,
                                 std::initializer_list<const Tensor *> tensors, Call *call) {
  halogen_status status = context->gpu.begin(call, device);
  for (const Tensor *tensor : tensors) {
    if (status == HALOGEN_OK) status = check_offset(report, context->gpu, *call, tensor->name, tensor->memory);
  }
  return status;
}

halogen_status conv_check_apart(const Report &report, const Tensor &written, const Tensor &other) {
  if (!overlap(written, other)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_OVERLAP, "%s: expected memory of its own, got memory that it shares with %s",
              written.name, other.name);
}

halogen_status conv_check_places(const Report &report, const Tensor &written) {
  if (!overlaps_itself(written)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_LAYOUT,
              "%s: expected a place of its own for every element, got strides that give two the same", written.name);
}

halogen_status conv_check_shape(const Report &report, const Tensor &tensor, const Tensor &like, halogen_layout layout,
                                int64_t N, int64_t C, int64_t L) {
  const bool first = layout == HALOGEN_LAYOUT_CHANNEL_FIRST;
  const int64_t expected[] = {N, first ? C : L, first ? L : C};
  bool same = tensor.ndim == like.ndim;
  for (int32_t i = 0; same && i < tensor.ndim; ++i) same = tensor.shape[i] == expected[i + 3 - tensor.ndim];
  if (same) return HALOGEN_OK;
  Tensor shape = {};
  shape.shape = expected + 3 - like.ndim;
  shape.ndim = like.ndim;
  char wanted[160], got[160];
  return fail(report, HALOGEN_ERROR_SHAPE, "%s: expected the shape %s, got %s", tensor.name, shape_text(shape, wanted),
              shape_text(tensor, got));
}

halogen_status conv_check_input(const Report &report, const Tensor &input, const ConvWeightShape &shape,
                                halogen_layout layout, int64_t pad_left, int64_t pad_right, ConvExtents *extents) {
  if (input.ndim != 2 && input.ndim != 3) {
    return fail(report, HALOGEN_ERROR_RANK, "input: expected 2 or 3 dimensions, %s, got %d",
                layout == HALOGEN_LAYOUT_CHANNEL_FIRST ? "(C, L) or (N, C, L)" : "(L, C) or (N, L, C)", input.ndim);
  }
  const Dimensions d(input, layout);
  if (input.shape[d.channels] != shape.C_in) {
    return fail(report, HALOGEN_ERROR_CHANNELS, "input: expected the weight's %lld channels, got %lld",
                static_cast<long long>(shape.C_in), static_cast<long long>(input.shape[d.channels]));
  }
  extents->N = input.ndim == 3 ? input.shape[0] : 1;
  extents->L = input.shape[d.positions];
  return conv_output_length(report, extents->L, shape.K, shape.stride, shape.dilation, pad_left, pad_right,
                            &extents->L_out);
}

ConvStrides conv_strides(const Tensor &t, halogen_layout layout) {
  const Dimensions d(t, layout);
  const int32_t last = t.ndim - 1;
  const auto stride = [&](int32_t i) {
    return t.shape[i] == 1 || i == last ? (t.shape[i] != 1 && t.strides != nullptr ? t.strides[i] : 1)
           : t.strides != nullptr       ? t.strides[i]
                                        : t.shape[last];
  };
  const bool one = t.ndim < 3 || t.shape[0] == 1;
  return {one                    ? 0
          : t.strides != nullptr ? t.strides[0]
                                 : t.shape[1] * t.shape[2],
          stride(d.channels), stride(d.positions)};
}

}  // namespace halogen
