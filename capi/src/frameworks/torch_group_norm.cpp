// PyTorch's GroupNorm and LayerNorm modules: the only place that knows torch's conventions for them.
#include "group_norm.h"
#include "torch_words.h"

namespace halogen {
namespace {

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
                SizeText(seen, input.ndim).text);
  }
  const SizeText shape(input.shape, input.ndim);
  if (C % module.num_groups != 0) {
    return fail(report, HALOGEN_ERROR_CHANNELS,
                "Expected number of channels in input to be divisible by num_groups, but got input of shape %s and "
                "num_groups=%lld",
                shape.text, static_cast<long long>(module.num_groups));
  }
  if (module.affine && C != module.num_channels) {
    return fail(report, HALOGEN_ERROR_CHANNELS,
                "Expected weight to be a vector of size equal to the number of channels in input, but got weight of "
                "shape [%lld] and input of shape %s",
                static_cast<long long>(module.num_channels), shape.text);
  }
  if (inner == 0) return fail(report, HALOGEN_ERROR_SHAPE, "Expected HxW to be greater than 0, got 0");
  return HALOGEN_OK;
}

halogen_status check_layer_input(const Report &report, const LayerNormModule &module, const DLTensor &input) {
  if (has_normalized_shape(module, input)) return HALOGEN_OK;
  const SizeText normalized(module.normalized_shape, module.normalized_dims);
  return fail(report, HALOGEN_ERROR_SHAPE,
              "Given normalized_shape=%s, expected input with shape [*, %s, but got input of size%s", normalized.text,
              normalized.text + 1, SizeText(input.shape, input.ndim).text);
}

constexpr GroupNormWords<GroupNormModule> kGroupNorm = {"GroupNorm", true, check_group_input, torch_check_dtype};
constexpr GroupNormWords<LayerNormModule> kLayerNorm = {"LayerNorm", true, check_layer_input, torch_check_dtype};

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_torch_group_norm_create(halogen_context *context, const halogen_torch_group_norm_params *params,
                                               halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  halogen_torch_group_norm_params p;
  const halogen_status status = read_params(report, context, params, module, &p);
  if (status != HALOGEN_OK) return status;
  if (p.reserved != 0) return fail(report, HALOGEN_ERROR_ARGUMENT, "reserved: expected 0, got %d", p.reserved);
  return create_group_norm(report, context, kGroupNorm,
                           {p.num_groups, p.num_channels, p.eps, p.affine, p.bias, p.dtype, p.device}, module);
}

halogen_status halogen_torch_layer_norm_create(halogen_context *context, const halogen_torch_layer_norm_params *params,
                                               halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  halogen_torch_layer_norm_params p;
  const halogen_status status = read_params(report, context, params, module, &p);
  if (status != HALOGEN_OK) return status;
  return create_layer_norm(
      report, context, kLayerNorm,
      {p.normalized_shape, p.normalized_dims, p.elementwise_affine, p.bias, p.eps, p.dtype, p.device}, module);
}

}  // extern "C"
