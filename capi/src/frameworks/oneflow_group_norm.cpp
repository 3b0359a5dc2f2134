// OneFlow's GroupNorm and LayerNorm modules: the only place that knows OneFlow's conventions for them.
#include "group_norm.h"
#include "oneflow_words.h"

namespace halogen {
namespace {

halogen_status check_group_input(const Report &report, const GroupNormModule &module, const DLTensor &input) {
  if (input.ndim < 3) {
    return fail(report, HALOGEN_ERROR_RANK, "The dimensions of input tensor must larger than 2, got %d", input.ndim);
  }
  if (input.shape[1] == module.num_channels) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_CHANNELS, "The channels of input tensor must equal num_channels (%lld), got %lld",
              static_cast<long long>(module.num_channels), static_cast<long long>(input.shape[1]));
}

halogen_status check_layer_input(const Report &report, const LayerNormModule &module, const DLTensor &input) {
  if (input.ndim <= module.normalized_dims) {
    return fail(report, HALOGEN_ERROR_RANK, "Input tensor dim must greater than normalized dim (%d), got %d",
                module.normalized_dims, input.ndim);
  }
  if (has_normalized_shape(module, input)) return HALOGEN_OK;
  const SizeText normalized(module.normalized_shape, module.normalized_dims);
  return fail(report, HALOGEN_ERROR_SHAPE,
              "Given normalized_shape=%s, expected input with shape [*, %s, but got input of size%s", normalized.text,
              normalized.text + 1, SizeText(input.shape, input.ndim).text);
}

constexpr GroupNormWords<GroupNormModule> kGroupNorm = {"GroupNorm", false, check_group_input, oneflow_check_dtype};
constexpr GroupNormWords<LayerNormModule> kLayerNorm = {"LayerNorm", false, check_layer_input, oneflow_check_dtype};

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_oneflow_group_norm_create(halogen_context *context,
                                                 const halogen_oneflow_group_norm_params *params,
                                                 halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  halogen_oneflow_group_norm_params p;
  const halogen_status status = read_params(report, context, params, module, &p);
  if (status != HALOGEN_OK) return status;
  if (p.reserved != 0) return fail(report, HALOGEN_ERROR_ARGUMENT, "reserved: expected 0, got %d", p.reserved);
  return create_group_norm(report, context, kGroupNorm,
                           {p.num_groups, p.num_channels, p.eps, p.affine, 1, p.dtype, p.device}, module);
}

halogen_status halogen_oneflow_layer_norm_create(halogen_context *context,
                                                 const halogen_oneflow_layer_norm_params *params,
                                                 halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  halogen_oneflow_layer_norm_params p;
  const halogen_status status = read_params(report, context, params, module, &p);
  if (status != HALOGEN_OK) return status;
  return create_layer_norm(report, context, kLayerNorm,
                           {p.normalized_shape, p.normalized_dims, p.elementwise_affine, 1, p.eps, p.dtype, p.device},
                           module);
}

}  // extern "C"
