// mindspore_adapters.h: MindSpore's modules.
#pragma once

#include <halogen/mindspore.h>

#include <algorithm>

#include "adapter.h"

namespace replay {

inline halogen_mindspore_version mindspore_version(const Recipe &recipe) {
  return recipe.version.rfind("2.0", 0) == 0 ? HALOGEN_MINDSPORE_2_0 : HALOGEN_MINDSPORE_2_7;
}

inline halogen_mindspore_batch_norm_params mindspore_batch_norm_params(const Recipe &recipe) {
  halogen_mindspore_batch_norm_params params;
  Call call;
  call.check(halogen_mindspore_batch_norm_params_init(&params, sizeof params,
                                                      recipe.params.at("num_features").as_integer(), call.error()));
  params.version = mindspore_version(recipe);
  read_fields(
      recipe.params,
      {integer("num_features", params.num_features), number("eps", params.eps), number("momentum", params.momentum),
       flag("affine", params.affine), tristate("use_batch_statistics", params.use_batch_statistics),
       one_of("data_format", params.data_format, {"NCHW", "NHWC"}), only("gamma_init", "ones"),
       only("beta_init", "zeros"), only("moving_mean_init", "zeros"), only("moving_var_init", "ones")});
  return params;
}

inline halogen_mindspore_instance_norm_params mindspore_instance_norm_params(const Recipe &recipe) {
  halogen_mindspore_instance_norm_params params;
  Call call;
  call.check(halogen_mindspore_instance_norm_params_init(&params, sizeof params,
                                                         recipe.params.at("num_features").as_integer(), call.error()));
  read_fields(recipe.params, {integer("num_features", params.num_features), number("eps", params.eps),
                              number("momentum", params.momentum), flag("affine", params.affine),
                              only("gamma_init", "ones"), only("beta_init", "zeros")});
  return params;
}

template <auto create>
Module mindspore_batch_norm(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, mindspore_batch_norm_params(recipe), create);
}

template <auto create>
Module mindspore_instance_norm(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, mindspore_instance_norm_params(recipe), create);
}

inline NormRule mindspore_batch_norm_rule(const Recipe &recipe, bool training, int64_t) {
  const halogen_mindspore_batch_norm_params params = mindspore_batch_norm_params(recipe);
  NormRule rule;
  rule.own_statistics =
      params.use_batch_statistics == HALOGEN_NONE ? training : params.use_batch_statistics == HALOGEN_TRUE;
  rule.unbiased = params.version != HALOGEN_MINDSPORE_2_0;
  rule.eps = params.eps;
  if (rule.own_statistics) rule.new_weight = 1 - params.momentum;
  return rule;
}

inline NormRule mindspore_instance_norm_rule(const Recipe &recipe, bool, int64_t) {
  NormRule rule;
  rule.per_instance = true;
  rule.eps = mindspore_instance_norm_params(recipe).eps;
  return rule;
}

inline halogen_mindspore_conv1d_transpose_params mindspore_conv_params(const Recipe &recipe) {
  const Json &json = recipe.params;
  halogen_mindspore_conv1d_transpose_params params;
  Call call;
  call.check(halogen_mindspore_conv1d_transpose_params_init(&params, sizeof params, json.at("in_channels").as_integer(),
                                                            json.at("out_channels").as_integer(),
                                                            json.at("kernel_size").as_integer(), call.error()));
  params.version = mindspore_version(recipe);
  read_fields(
      json, {integer("in_channels", params.in_channels), integer("out_channels", params.out_channels),
             integer("kernel_size", params.kernel_size), integer("stride", params.stride),
             one_of("pad_mode", params.pad_mode, {"same", "valid", "pad"}), integer("padding", params.padding),
             integer("group", params.group), integer("dilation", params.dilation), flag("has_bias", params.has_bias)});
  return params;
}

inline Module mindspore_conv(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, mindspore_conv_params(recipe), halogen_mindspore_conv1d_transpose_create);
}

inline ConvRule mindspore_conv_rule(const Recipe &recipe) {
  const halogen_mindspore_conv1d_transpose_params params = mindspore_conv_params(recipe);
  // An odd crop of "same" is larger on the right; "valid" crops nothing.
  const int64_t crop = std::max<int64_t>(params.dilation * (params.kernel_size - 1) + 1 - params.stride, 0);
  const int64_t left = params.pad_mode == HALOGEN_MINDSPORE_PAD_SAME ? crop / 2 : params.padding;
  return {params.stride, params.dilation, params.group, left};
}

#define REPLAY_NORM(name, type, create)                                                                     \
  {                                                                                                         \
    "mindspore.nn." name, mindspore_##type<halogen_mindspore_##create>, mindspore_##type##_rule, nullptr, { \
      "gamma", "beta", "moving_mean", "moving_variance"                                                     \
    }                                                                                                       \
  }
inline const std::vector<Adapter> &mindspore_adapters() {
  static const std::vector<Adapter> adapters = {
      REPLAY_NORM("BatchNorm1d", batch_norm, batch_norm1d_create),
      REPLAY_NORM("BatchNorm2d", batch_norm, batch_norm2d_create),
      REPLAY_NORM("BatchNorm3d", batch_norm, batch_norm3d_create),
      REPLAY_NORM("InstanceNorm1d", instance_norm, instance_norm1d_create),
      REPLAY_NORM("InstanceNorm2d", instance_norm, instance_norm2d_create),
      REPLAY_NORM("InstanceNorm3d", instance_norm, instance_norm3d_create),
      {"mindspore.nn.Conv1dTranspose", mindspore_conv, nullptr, mindspore_conv_rule, {"weight", "bias", "", ""}}};
  return adapters;
}
#undef REPLAY_NORM

}  // namespace replay
