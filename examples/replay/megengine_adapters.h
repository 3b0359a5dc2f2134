// megengine_adapters.h: MegEngine's modules.
#pragma once

#include <halogen/megengine.h>

#include "adapter.h"

namespace replay {

inline halogen_megengine_batch_norm_params megengine_batch_norm_params(const Json &json) {
  halogen_megengine_batch_norm_params params;
  Call call;
  call.check(halogen_megengine_batch_norm_params_init(&params, sizeof params, json.at("num_features").as_integer(),
                                                      call.error()));
  read_fields(json,
              {integer("num_features", params.num_features), number("eps", params.eps),
               number_or_none("momentum", params.momentum, params.momentum_is_none), flag("affine", params.affine),
               flag("track_running_stats", params.track_running_stats), flag("freeze", params.freeze)});
  return params;
}

inline halogen_megengine_instance_norm_params megengine_instance_norm_params(const Json &json) {
  halogen_megengine_instance_norm_params params;
  Call call;
  call.check(halogen_megengine_instance_norm_params_init(&params, sizeof params, json.at("num_channels").as_integer(),
                                                         call.error()));
  read_fields(json,
              {integer("num_channels", params.num_channels), number("eps", params.eps), flag("affine", params.affine)});
  return params;
}

template <auto create>
Module megengine_batch_norm(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, megengine_batch_norm_params(recipe.params), create);
}

inline Module megengine_instance_norm(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, megengine_instance_norm_params(recipe.params),
                     halogen_megengine_instance_norm_create);
}

inline NormRule megengine_batch_norm_rule(const Recipe &recipe, bool training, int64_t) {
  const halogen_megengine_batch_norm_params params = megengine_batch_norm_params(recipe.params);
  NormRule rule;
  rule.own_statistics = (training || params.track_running_stats == 0) && params.freeze == 0;
  rule.eps = params.eps;
  if (training && params.track_running_stats != 0 && params.freeze == 0) rule.new_weight = 1 - params.momentum;
  return rule;
}

inline NormRule megengine_instance_norm_rule(const Recipe &recipe, bool, int64_t) {
  NormRule rule;
  rule.per_instance = true;
  rule.eps = megengine_instance_norm_params(recipe.params).eps;
  return rule;
}

inline halogen_megengine_conv_transpose2d_params megengine_conv_params(const Json &json) {
  int64_t kernel[2] = {1, 1};
  pair("kernel_size", kernel).set(json.at("kernel_size"));
  halogen_megengine_conv_transpose2d_params params;
  Call call;
  call.check(halogen_megengine_conv_transpose2d_params_init(&params, sizeof params, json.at("in_channels").as_integer(),
                                                            json.at("out_channels").as_integer(), kernel,
                                                            call.error()));
  read_fields(json, {integer("in_channels", params.in_channels), integer("out_channels", params.out_channels),
                     pair("kernel_size", params.kernel_size), pair("stride", params.stride),
                     pair("padding", params.padding), pair("output_padding", params.output_padding),
                     integer("groups", params.groups), pair("dilation", params.dilation), flag("bias", params.bias)});
  return params;
}

inline Module megengine_conv(halogen_context *context, const Recipe &recipe) {
  return make_module(context, recipe, megengine_conv_params(recipe.params), halogen_megengine_conv_transpose2d_create);
}

inline ConvRule megengine_conv_rule(const Recipe &recipe) {
  const halogen_megengine_conv_transpose2d_params params = megengine_conv_params(recipe.params);
  // Of the axis that does nothing, both are 1.
  return {params.stride[0] * params.stride[1], params.dilation[0] * params.dilation[1], params.groups,
          params.padding[0] + params.padding[1]};
}

inline const std::vector<Adapter> &megengine_adapters() {
  static const std::vector<Adapter> adapters = {
      {"megengine.module.BatchNorm1d",
       megengine_batch_norm<halogen_megengine_batch_norm1d_create>,
       megengine_batch_norm_rule,
       nullptr,
       {"weight", "bias", "running_mean", "running_var"}},
      {"megengine.module.BatchNorm2d",
       megengine_batch_norm<halogen_megengine_batch_norm2d_create>,
       megengine_batch_norm_rule,
       nullptr,
       {"weight", "bias", "running_mean", "running_var"}},
      {"megengine.module.InstanceNorm",
       megengine_instance_norm,
       megengine_instance_norm_rule,
       nullptr,
       {"weight", "bias", "", ""}},
      {"megengine.module.ConvTranspose2d", megengine_conv, nullptr, megengine_conv_rule, {"weight", "bias", "", ""}}};
  return adapters;
}

}  // namespace replay
