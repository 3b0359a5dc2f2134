// PyTorch's GroupNorm and LayerNorm modules: the only place that knows torch's conventions for them.
#include <climits>
#include <cstring>

#include "norm.h"
#include "torch_module.h"

namespace halogen {
namespace {

struct GroupNormModule {
  halogen_module base;
  int64_t num_groups, num_channels;
  double eps;
};

struct LayerNormModule {
  halogen_module base;
  int64_t normalized_shape[kMaxStateRank];
  int32_t normalized_dims;
  double eps;
};

int64_t product(const int64_t *extents, int32_t count) {
  int64_t all = 1;
  for (int32_t i = 0; i < count; ++i) {
    if (__builtin_mul_overflow(all, extents[i], &all)) return -1;
  }
  return all;
}

// ---- GroupNorm ------------------------------------------------------------------------------------------------------

/// torch's checks of the input, in torch's order and words.
halogen_status check_group_input(const Report &report, const GroupNormModule &module, const DLTensor &input) {
  if (input.ndim < 2) {
    return fail(report, HALOGEN_ERROR_RANK, "Expected at least 2 dimensions for input tensor but received %d",
                input.ndim);
  }
  const int64_t C = input.shape[1], inner = product(input.shape + 2, input.ndim - 2);
  // torch's look at it: as many samples of a value in each group.
  int64_t seen[kMaxStateRank] = {input.shape[0] * C / module.num_groups, module.num_groups};
  for (int32_t i = 2; i < input.ndim; ++i) seen[i] = input.shape[i];
  if (seen[0] * inner == 1) {
    return fail(report, HALOGEN_ERROR_TOO_FEW_VALUES,
                "Expected more than 1 value per channel when training, got input size %s",
                TorchSizes(seen, input.ndim).text);
  }
  const TorchSizes shape(input.shape, input.ndim);
  if (C % module.num_groups != 0) {
    return fail(report, HALOGEN_ERROR_CHANNELS,
                "Expected number of channels in input to be divisible by num_groups, but got input of shape %s and "
                "num_groups=%lld",
                shape.text, static_cast<long long>(module.num_groups));
  }
  if (torch_state(module.base, "weight") != nullptr && C != module.num_channels) {
    return fail(report, HALOGEN_ERROR_CHANNELS,
                "Expected weight to be a vector of size equal to the number of channels in input, but got weight of "
                "shape [%lld] and input of shape %s",
                static_cast<long long>(module.num_channels), shape.text);
  }
  if (inner == 0) return fail(report, HALOGEN_ERROR_SHAPE, "Expected HxW to be greater than 0, got 0");
  return HALOGEN_OK;
}

halogen_status group_forward(halogen_module *base, const ForwardCall &call) {
  auto &module = *reinterpret_cast<GroupNormModule *>(base);
  const Report report = {base->context, call.error};
  halogen_status status = torch_check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_group_input(report, module, *call.input);
  if (status == HALOGEN_OK) status = torch_check_input(report, *base, *call.input);
  if (status != HALOGEN_OK) return status;
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  args.scope = HALOGEN_NORM_SCOPE_GROUP;
  args.num_groups = static_cast<int32_t>(module.num_groups);
  args.input = call.input;
  args.output = call.output;
  args.weight = torch_state(*base, "weight");
  args.bias = torch_state(*base, "bias");
  args.eps = module.eps;
  args.stream = call.stream;
  return norm_call(base->context, args, call.only_query, call.info, call.error);
}

// ---- LayerNorm ------------------------------------------------------------------------------------------------------

/// A tensor as (all dimensions before `split`, all others), or a vector.
struct Flat {
  DLTensor tensor;
  int64_t shape[2], strides[2];
  bool possible = true;

  Flat(const DLTensor &from, int32_t split) : tensor(from) {
    join(from, 0, split, &shape[0], &strides[0]);
    join(from, split, from.ndim, &shape[1], &strides[1]);
    tensor.ndim = 2;
    tensor.shape = shape;
    if (from.strides != nullptr) tensor.strides = strides;
  }
  explicit Flat(const DLTensor &from) : Flat(from, 0) {
    tensor.ndim = 1;
    tensor.shape = shape + 1;
    if (from.strides != nullptr) tensor.strides = strides + 1;
  }
  Flat(const Flat &) = delete;
  Flat &operator=(const Flat &) = delete;

 private:
  /// Dimensions that run on where the next ends are one.
  void join(const DLTensor &from, int32_t begin, int32_t end, int64_t *extent, int64_t *stride) {
    *extent = *stride = 1;
    for (int32_t d = end - 1; d >= begin; --d) {
      if (from.strides != nullptr && from.shape[d] != 1) {
        if (*extent == 1) *stride = from.strides[d];
        possible = possible && from.strides[d] == *stride * *extent;
      }
      *extent *= from.shape[d];
    }
  }
};

halogen_status check_layer_input(const Report &report, const LayerNormModule &module, const DLTensor &input) {
  const int32_t lead = input.ndim - module.normalized_dims;
  bool matches = lead >= 0;
  for (int32_t i = 0; i < module.normalized_dims && matches; ++i) {
    matches = input.shape[lead + i] == module.normalized_shape[i];
  }
  if (matches) return HALOGEN_OK;
  const TorchSizes normalized(module.normalized_shape, module.normalized_dims);
  return fail(report, HALOGEN_ERROR_SHAPE,
              "Given normalized_shape=%s, expected input with shape [*, %s, but got input of size%s", normalized.text,
              normalized.text + 1, TorchSizes(input.shape, input.ndim).text);
}

halogen_status layer_forward(halogen_module *base, const ForwardCall &call) {
  auto &module = *reinterpret_cast<LayerNormModule *>(base);
  const Report report = {base->context, call.error};
  halogen_status status = torch_check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_layer_input(report, module, *call.input);
  if (status == HALOGEN_OK) status = torch_check_input(report, *base, *call.input);
  Tensor output;
  if (status == HALOGEN_OK) status = check_data(report, "output", call.output, !call.only_query, &output);
  if (status != HALOGEN_OK) return status;
  bool same = call.output->ndim == call.input->ndim;
  for (int32_t i = 0; same && i < call.input->ndim; ++i) same = call.output->shape[i] == call.input->shape[i];
  if (!same) {
    return fail(report, HALOGEN_ERROR_SHAPE, "output: expected the input's shape %s, got %s",
                TorchSizes(call.input->shape, call.input->ndim).text,
                TorchSizes(call.output->shape, call.output->ndim).text);
  }
  const int32_t lead = call.input->ndim - module.normalized_dims;
  const Flat x(*call.input, lead), y(*call.output, lead);
  for (const Flat *flat : {&x, &y}) {
    if (flat->possible) continue;
    return fail(report, HALOGEN_ERROR_LAYOUT,
                "%s: expected strides without gaps within the normalized dimensions and within the others, got others",
                flat == &x ? "input" : "output");
  }
  const DLTensor none = {};
  const DLTensor *weight = torch_state(*base, "weight"), *bias = torch_state(*base, "bias");
  const Flat flat_weight(weight != nullptr ? *weight : none), flat_bias(bias != nullptr ? *bias : none);
  // A row of (N, C) is one group, so that every element has a weight of its own.
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  args.scope = HALOGEN_NORM_SCOPE_GROUP;
  args.num_groups = 1;
  args.input = &x.tensor;
  args.output = &y.tensor;
  if (weight != nullptr) args.weight = &flat_weight.tensor;
  if (bias != nullptr) args.bias = &flat_bias.tensor;
  args.eps = module.eps;
  args.stream = call.stream;
  return norm_call(base->context, args, call.only_query, call.info, call.error);
}

/// The state that both have.
halogen_status complete(const Report &report, halogen_module *made, const DLDataType &dtype, const int64_t *shape,
                        int32_t ndim, bool weight, bool bias, halogen_module **module) {
  if ((weight && !module_add_state(made, "weight", dtype, shape, ndim, true)) ||
      (bias && !module_add_state(made, "bias", dtype, shape, ndim, false))) {
    return torch_out_of_memory(report, made);
  }
  *module = made;
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_torch_group_norm_create(halogen_context *context, const halogen_torch_group_norm_params *params,
                                               halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  halogen_torch_group_norm_params read;
  halogen_status status = read_params(report, context, params, module, &read);
  if (status != HALOGEN_OK) return status;
  const long long groups = read.num_groups, channels = read.num_channels;
  if (groups < 1 || channels < 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "num_groups, num_channels: expected 1 or more, got %lld, %lld", groups,
                channels);
  }
  if (groups > INT_MAX || channels > INT64_MAX / static_cast<int64_t>(sizeof(double))) {
    return fail(report, HALOGEN_ERROR_SIZE,
                "num_groups, num_channels: expected at most 2^31 - 1 and 2^60 - 1, got %lld, %lld", groups, channels);
  }
  if (channels % groups != 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "num_channels (%lld) must be divisible by num_groups (%lld)", channels,
                groups);
  }
  if (!is_flag(read.affine)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "affine: expected 0 or 1, got %d", read.affine);
  }
  status = torch_check_create(report, read.eps, read.dtype, read.device);
  if (status != HALOGEN_OK) return status;
  auto *made = reinterpret_cast<GroupNormModule *>(module_allocate(context, sizeof(GroupNormModule)));
  if (made == nullptr) return torch_out_of_memory(report, nullptr);
  made->num_groups = groups;
  made->num_channels = channels;
  made->eps = read.eps;
  made->base.forward = group_forward;
  made->base.device = read.device;
  const bool affine = read.affine != 0;
  return complete(report, &made->base, read.dtype, &made->num_channels, 1, affine, affine, module);
}

halogen_status halogen_torch_layer_norm_create(halogen_context *context, const halogen_torch_layer_norm_params *params,
                                               halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  halogen_torch_layer_norm_params read;
  halogen_status status = read_params(report, context, params, module, &read);
  if (status != HALOGEN_OK) return status;
  if (read.normalized_dims < 1 || read.normalized_dims > kMaxStateRank) {
    return fail(report, HALOGEN_ERROR_RANK, "normalized_dims: expected 1 to %d, got %d", kMaxStateRank,
                read.normalized_dims);
  }
  if (read.normalized_shape == nullptr) return fail_null(report, "normalized_shape");
  const TorchSizes shape(read.normalized_shape, read.normalized_dims);
  for (int32_t i = 0; i < read.normalized_dims; ++i) {
    if (read.normalized_shape[i] < 1) {
      return fail(report, HALOGEN_ERROR_ARGUMENT, "normalized_shape: expected 1 or more each, got %s", shape.text);
    }
  }
  const int64_t elements = product(read.normalized_shape, read.normalized_dims);
  if (elements < 0 || elements > INT64_MAX / static_cast<int64_t>(sizeof(double))) {
    return fail(report, HALOGEN_ERROR_SIZE, "normalized_shape: expected at most 2^60 - 1 elements, got %s", shape.text);
  }
  if (!is_flag(read.elementwise_affine) || !is_flag(read.bias)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "elementwise_affine, bias: expected 0 or 1 each, got %d, %d",
                read.elementwise_affine, read.bias);
  }
  status = torch_check_create(report, read.eps, read.dtype, read.device);
  if (status != HALOGEN_OK) return status;
  auto *made = reinterpret_cast<LayerNormModule *>(module_allocate(context, sizeof(LayerNormModule)));
  if (made == nullptr) return torch_out_of_memory(report, nullptr);
  made->normalized_dims = read.normalized_dims;
  std::memcpy(made->normalized_shape, read.normalized_shape,
              static_cast<size_t>(read.normalized_dims) * sizeof(int64_t));
  made->eps = read.eps;
  made->base.forward = layer_forward;
  made->base.device = read.device;
  const bool affine = read.elementwise_affine != 0;
  return complete(report, &made->base, read.dtype, made->normalized_shape, made->normalized_dims, affine,
                  affine && read.bias != 0, module);
}

}  // extern "C"
