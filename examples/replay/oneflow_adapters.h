// oneflow_adapters.h: OneFlow's modules.
#pragma once

#include <halogen/oneflow.h>

#include "adapter.h"

namespace replay {

inline void start(halogen_oneflow_batch_norm_params &params, const Json &json) {
  Call call;
  call.check(halogen_oneflow_batch_norm_params_init(&params, sizeof params, json.at("num_features").as_integer(),
                                                    call.error()));
}
inline void start(halogen_oneflow_instance_norm_params &params, const Json &json) {
  Call call;
  call.check(halogen_oneflow_instance_norm_params_init(&params, sizeof params, json.at("num_features").as_integer(),
                                                       call.error()));
}

template <typename Params>
Params oneflow_norm_params(const Json &json) {
  Params params;
  start(params, json);
  read_fields(json, {integer("num_features", params.num_features), number("eps", params.eps),
                     number_or_none("momentum", params.momentum, params.momentum_is_none),
                     flag("affine", params.affine), flag("track_running_stats", params.track_running_stats)});
  return params;
}

template <typename Params, auto create>
Module oneflow_norm(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, oneflow_norm_params<Params>(recipe.params), create);
}

inline NormRule oneflow_batch_norm_rule(const Recipe &recipe, bool training, int64_t) {
  const auto params = oneflow_norm_params<halogen_oneflow_batch_norm_params>(recipe.params);
  NormRule rule;
  rule.own_statistics = training || params.track_running_stats == 0;
  rule.eps = params.eps;
  if (training && params.track_running_stats != 0) rule.new_weight = params.momentum;
  return rule;
}

inline NormRule oneflow_instance_norm_rule(const Recipe &recipe, bool, int64_t) {
  NormRule rule;
  rule.per_instance = true;
  rule.eps = oneflow_norm_params<halogen_oneflow_instance_norm_params>(recipe.params).eps;
  return rule;
}

inline halogen_oneflow_conv_transpose1d_params oneflow_conv_params(const Json &json) {
  halogen_oneflow_conv_transpose1d_params params;
  Call call;
  call.check(halogen_oneflow_conv_transpose1d_params_init(&params, sizeof params, json.at("in_channels").as_integer(),
                                                          json.at("out_channels").as_integer(),
                                                          json.at("kernel_size").as_integer(), call.error()));
  read_fields(json, {integer("in_channels", params.in_channels), integer("out_channels", params.out_channels),
                     integer("kernel_size", params.kernel_size), integer("stride", params.stride),
                     integer("padding", params.padding), integer("output_padding", params.output_padding),
                     integer("groups", params.groups), integer("dilation", params.dilation), flag("bias", params.bias),
                     only("padding_mode", "zeros")});
  return params;
}

inline Module oneflow_conv(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, oneflow_conv_params(recipe.params), halogen_oneflow_conv_transpose1d_create);
}

inline ConvRule oneflow_conv_rule(const Recipe &recipe) {
  const halogen_oneflow_conv_transpose1d_params params = oneflow_conv_params(recipe.params);
  return {params.stride, params.dilation, params.groups, params.padding};
}

#define REPLAY_KEYS \
  { "weight", "bias", "running_mean", "running_var" }
#define REPLAY_NORM(name, type, create)                                                          \
  {                                                                                              \
    "oneflow.nn." name, oneflow_norm<halogen_oneflow_##type##_params, halogen_oneflow_##create>, \
        oneflow_##type##_rule, nullptr, REPLAY_KEYS                                              \
  }
inline const std::vector<Adapter> &oneflow_adapters() {
  static const std::vector<Adapter> adapters = {
      REPLAY_NORM("BatchNorm1d", batch_norm, batch_norm1d_create),
      REPLAY_NORM("BatchNorm2d", batch_norm, batch_norm2d_create),
      REPLAY_NORM("BatchNorm3d", batch_norm, batch_norm3d_create),
      REPLAY_NORM("InstanceNorm1d", instance_norm, instance_norm1d_create),
      REPLAY_NORM("InstanceNorm2d", instance_norm, instance_norm2d_create),
      REPLAY_NORM("InstanceNorm3d", instance_norm, instance_norm3d_create),
      {"oneflow.nn.ConvTranspose1d", oneflow_conv, nullptr, oneflow_conv_rule, REPLAY_KEYS}};
  return adapters;
}
#undef REPLAY_NORM
#undef REPLAY_KEYS

}  // namespace replay
