// Packed weights: a handle, and the blocks behind it.
#include "conv.h"
#include "conv_run.h"
#include "struct_size.h"

namespace halogen {

ConvWeights conv_weights_of(const Tensor &w) {
  const int64_t group_out = w.shape[1], K = w.shape[2];
  const auto stride_of = [&](int32_t d, int64_t dense) {
    return w.shape[d] > 1 && w.strides != nullptr ? w.strides[d] : dense;
  };
  return {w.memory, stride_of(0, group_out * K), stride_of(1, K), stride_of(2, 1)};
}

halogen_status conv_check_weight(const Report &report, const DLTensor *weight, int64_t stride, int64_t dilation,
                                 int64_t groups, bool need_data, CheckedWeight *checked) {
  const struct {
    const char *name;
    int64_t value;
    halogen_status status;
  } positive[] = {{"stride", stride, HALOGEN_ERROR_STRIDE},
                  {"dilation", dilation, HALOGEN_ERROR_DILATION},
                  {"groups", groups, HALOGEN_ERROR_GROUPS}};
  for (const auto &parameter : positive) {
    if (parameter.value >= 1) continue;
    return fail(report, parameter.status, "%s: expected 1 or more, got %lld", parameter.name,
                static_cast<long long>(parameter.value));
  }
  Tensor &w = checked->tensor;
  halogen_status status = check_data(report, "weight", weight, need_data, &w);
  if (status == HALOGEN_OK) status = check_device(report, w);
  if (status != HALOGEN_OK) return status;
  if (w.ndim != 3) {
    return fail(report, HALOGEN_ERROR_RANK, "weight: expected 3 dimensions (C_in, C_out / groups, K), got %d", w.ndim);
  }
  if (w.elements == 0) {
    char text[160];
    return fail(report, HALOGEN_ERROR_WEIGHT_SHAPE, "weight: expected extents of 1 or more, got %s",
                shape_text(w, text));
  }
  const int64_t C_in = w.shape[0], group_out = w.shape[1], K = w.shape[2];
  if (C_in % groups != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS, "groups: expected a divisor of the %lld input channels, got %lld",
                static_cast<long long>(C_in), static_cast<long long>(groups));
  }
  ConvWeightShape &shape = checked->shape;
  shape = {C_in, 0, K, stride, dilation, groups, Dtype::f32};
  dtype_of(w.dtype, &shape.dtype);
  checked->weights = conv_weights_of(w);
  if (__builtin_mul_overflow(group_out, groups, &shape.C_out) || !conv_sizes_fit(shape) ||
      w.bytes / (w.dtype.bits / 8) >= int64_t{1} << 31) {
    return fail(
        report, HALOGEN_ERROR_SIZE,
        "weight: expected less than 2^30 elements in a group, with stride and K * dilation below 2^25, got more");
  }
  return HALOGEN_OK;
}

namespace {

constexpr size_t kHeader = (sizeof(halogen_conv_weights) + kAlignment - 1) / kAlignment * kAlignment;

struct Weights {
  CheckedWeight checked;
  ConvLayout layout;
  size_t bytes;
};

halogen_status check(halogen_context *context, const halogen_conv_weights_params *params, bool need_data,
                     const Report &report, Weights *weights) {
  if (context == nullptr) return fail_null(report, "context");
  if (params == nullptr) return fail_null(report, "params");
  halogen_conv_weights_params read;
  halogen_status status = read_struct(report, "params", params, &read);
  if (status == HALOGEN_OK) {
    status =
        conv_check_weight(report, read.weight, read.stride, read.dilation, read.groups, need_data, &weights->checked);
  }
  if (status != HALOGEN_OK) return status;
  const DLDevice &device = weights->checked.tensor.memory.device;
  if (device.device_type != kDLCPU) {
    return fail(report, HALOGEN_ERROR_DEVICE,
                "weight: expected a tensor on the CPU (device_type %d), as GPUs take weights as they are, got "
                "device_type %d",
                kDLCPU, static_cast<int>(device.device_type));
  }
  const ConvWeightShape &shape = weights->checked.shape;
  weights->layout = conv_layout(shape, conv_packs_pairs(shape, context->options.isa));
  weights->bytes = kHeader + static_cast<size_t>(conv_packed_bytes(shape, weights->layout));
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_conv_transpose1d_weights_size(halogen_context *context,
                                                     const halogen_conv_weights_params *params, size_t *bytes,
                                                     halogen_error *error) {
  const Report report = {context, error};
  Weights weights;
  const halogen_status status = check(context, params, false, report, &weights);
  if (status != HALOGEN_OK) return status;
  if (bytes == nullptr) return fail_null(report, "bytes");
  *bytes = weights.bytes;
  return HALOGEN_OK;
}

halogen_status halogen_conv_transpose1d_weights_create(halogen_context *context,
                                                       const halogen_conv_weights_params *params, void *memory,
                                                       size_t bytes, halogen_conv_weights **weights,
                                                       halogen_error *error) {
  const Report report = {context, error};
  Weights w;
  const halogen_status status = check(context, params, true, report, &w);
  if (status != HALOGEN_OK) return status;
  if (weights == nullptr) return fail_null(report, "weights");
  if (memory != nullptr && reinterpret_cast<uintptr_t>(memory) % kAlignment != 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "memory: expected an address aligned to %zu bytes, got %p", kAlignment,
                memory);
  }
  if (memory != nullptr && bytes < w.bytes) {
    return fail(report, HALOGEN_ERROR_SIZE, "bytes: expected %zu or more, got %zu", w.bytes, bytes);
  }
  void *own = memory != nullptr ? nullptr : context->workspace.acquire(w.bytes);
  if (memory == nullptr && own == nullptr) {
    return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for %zu bytes of packed weights",
                w.bytes);
  }
  auto *made = static_cast<halogen_conv_weights *>(memory != nullptr ? memory : own);
  *made = {w.checked.shape, w.layout, own != nullptr ? context : nullptr, true,
           reinterpret_cast<char *>(made) + kHeader};
  Call call(context, nullptr, 0, error);
  const halogen_status packed = call.finish(
      conv_pack(&call, made->shape, made->layout, w.checked.weights, {{kDLCPU, 0}, made->blocks, 0}, &made->finite));
  if (packed != HALOGEN_OK) {
    context->workspace.release(own);
    return packed;
  }
  *weights = made;
  return HALOGEN_OK;
}

void halogen_conv_transpose1d_weights_destroy(halogen_conv_weights *weights) {
  if (weights != nullptr && weights->owner != nullptr) weights->owner->workspace.release(weights);
}

}  // extern "C"
