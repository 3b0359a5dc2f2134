// torch_adapters.h: PyTorch's modules.
#pragma once

#include <halogen/torch.h>

#include "adapter.h"

namespace replay {

inline void start(halogen_torch_batch_norm_params &params, const Json &json) {
  Call call;
  call.check(
      halogen_torch_batch_norm_params_init(&params, sizeof params, json.at("num_features").as_integer(), call.error()));
}
inline void start(halogen_torch_instance_norm_params &params, const Json &json) {
  Call call;
  call.check(halogen_torch_instance_norm_params_init(&params, sizeof params, json.at("num_features").as_integer(),
                                                     call.error()));
}

/// BatchNorm and InstanceNorm have the same arguments, but for the defaults.
template <typename Params>
Params torch_norm_params(const Json &json) {
  Params params;
  start(params, json);
  read_fields(json,
              {integer("num_features", params.num_features), number("eps", params.eps),
               number_or_none("momentum", params.momentum, params.momentum_is_none), flag("affine", params.affine),
               flag("track_running_stats", params.track_running_stats), flag("bias", params.bias)});
  return params;
}

template <typename Params, auto create>
Module torch_norm(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, torch_norm_params<Params>(recipe.params), create);
}

inline NormRule torch_batch_norm_rule(const Recipe &recipe, bool training, int64_t batches) {
  const auto params = torch_norm_params<halogen_torch_batch_norm_params>(recipe.params);
  NormRule rule;
  rule.own_statistics = training || params.track_running_stats == 0;
  rule.eps = params.eps;
  if (training && params.track_running_stats != 0) {
    rule.new_weight = params.momentum_is_none != 0 ? 1.0 / static_cast<double>(batches) : params.momentum;
  }
  return rule;
}

inline NormRule torch_instance_norm_rule(const Recipe &recipe, bool training, int64_t) {
  const auto params = torch_norm_params<halogen_torch_instance_norm_params>(recipe.params);
  NormRule rule;
  rule.per_instance = true;
  rule.own_statistics = training || params.track_running_stats == 0;
  rule.eps = params.eps;
  if (training && params.track_running_stats != 0 && params.momentum_is_none == 0) rule.new_weight = params.momentum;
  return rule;
}

inline halogen_torch_conv_transpose1d_params torch_conv_params(const Json &json) {
  halogen_torch_conv_transpose1d_params params;
  Call call;
  call.check(halogen_torch_conv_transpose1d_params_init(&params, sizeof params, json.at("in_channels").as_integer(),
                                                        json.at("out_channels").as_integer(),
                                                        json.at("kernel_size").as_integer(), call.error()));
  read_fields(json, {integer("in_channels", params.in_channels), integer("out_channels", params.out_channels),
                     integer("kernel_size", params.kernel_size), integer("stride", params.stride),
                     integer("padding", params.padding), integer("output_padding", params.output_padding),
                     integer("groups", params.groups), integer("dilation", params.dilation), flag("bias", params.bias),
                     only("padding_mode", "zeros")});
  return params;
}

inline Module torch_conv(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, torch_conv_params(recipe.params), halogen_torch_conv_transpose1d_create);
}

inline ConvRule torch_conv_rule(const Recipe &recipe) {
  const halogen_torch_conv_transpose1d_params params = torch_conv_params(recipe.params);
  return {params.stride, params.dilation, params.groups, params.padding};
}

#define REPLAY_KEYS \
  { "weight", "bias", "running_mean", "running_var" }
#define REPLAY_NORM(name, type, create)                                                                                \
  {                                                                                                                    \
    "torch.nn." name, torch_norm<halogen_torch_##type##_params, halogen_torch_##create>, torch_##type##_rule, nullptr, \
        REPLAY_KEYS                                                                                                    \
  }
inline const std::vector<Adapter> &torch_adapters() {
  static const std::vector<Adapter> adapters = {
      REPLAY_NORM("BatchNorm1d", batch_norm, batch_norm1d_create),
      REPLAY_NORM("BatchNorm2d", batch_norm, batch_norm2d_create),
      REPLAY_NORM("BatchNorm3d", batch_norm, batch_norm3d_create),
      REPLAY_NORM("InstanceNorm1d", instance_norm, instance_norm1d_create),
      REPLAY_NORM("InstanceNorm2d", instance_norm, instance_norm2d_create),
      REPLAY_NORM("InstanceNorm3d", instance_norm, instance_norm3d_create),
      {"torch.nn.ConvTranspose1d", torch_conv, nullptr, torch_conv_rule, REPLAY_KEYS}};
  return adapters;
}
#undef REPLAY_NORM
#undef REPLAY_KEYS

}  // namespace replay
