// adapters.h: the modules that replay knows, by the name a case gives them. A new one is a row in find_adapter() and a
// function that turns the framework's constructor arguments into a module.
#pragma once

#include <halogen/torch.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "handles.h"
#include "json.h"
#include "norm_scales.h"

namespace replay {

struct Adapter {
  const char *module;
  Module (*create)(halogen_context *context, const Json &params, DLDataType dtype);
  /// What a call computes. @param batches num_batches_tracked after the call (0: the module has none).
  NormRule (*rule)(const Json &params, bool training, int64_t batches);
  /// Of the output of a convolution, which has no rule, for an input of that shape. Throws where there is none.
  std::vector<int64_t> (*output_shape)(const halogen_module *module, const Json &params, std::vector<int64_t> shape);
};

/// BatchNorm and InstanceNorm have the same arguments, but for the defaults.
template <typename Params>
void read_torch_norm_params(const Json &json, Params &params) {
  for (const auto &[key, value] : json.as_object()) {
    if (key == "num_features") {
      params.num_features = value.as_integer();
    } else if (key == "eps") {
      params.eps = value.as_number();
    } else if (key == "momentum") {
      params.momentum_is_none = value.is_null() ? 1 : 0;
      if (!value.is_null()) params.momentum = value.as_number();
    } else if (key == "affine") {
      params.affine = value.as_bool() ? 1 : 0;
    } else if (key == "track_running_stats") {
      params.track_running_stats = value.as_bool() ? 1 : 0;
    } else {
      throw std::runtime_error("the module has no argument \"" + key + "\"");
    }
  }
}

inline halogen_torch_batch_norm_params torch_batch_norm_params(const Json &json) {
  halogen_torch_batch_norm_params params;
  Call call;
  call.check(
      halogen_torch_batch_norm_params_init(&params, sizeof params, json.at("num_features").as_integer(), call.error()));
  read_torch_norm_params(json, params);
  return params;
}

inline halogen_torch_instance_norm_params torch_instance_norm_params(const Json &json) {
  halogen_torch_instance_norm_params params;
  Call call;
  call.check(halogen_torch_instance_norm_params_init(&params, sizeof params, json.at("num_features").as_integer(),
                                                     call.error()));
  read_torch_norm_params(json, params);
  return params;
}

template <decltype(halogen_torch_batch_norm2d_create) *create>
Module create_torch_batch_norm(halogen_context *context, const Json &json, DLDataType dtype) {
  halogen_torch_batch_norm_params params = torch_batch_norm_params(json);
  params.dtype = dtype;
  halogen_module *module = nullptr;
  Call call;
  call.check(create(context, &params, &module, call.error()));
  return Module(module);
}

template <decltype(halogen_torch_instance_norm2d_create) *create>
Module create_torch_instance_norm(halogen_context *context, const Json &json, DLDataType dtype) {
  halogen_torch_instance_norm_params params = torch_instance_norm_params(json);
  params.dtype = dtype;
  halogen_module *module = nullptr;
  Call call;
  call.check(create(context, &params, &module, call.error()));
  return Module(module);
}

inline NormRule torch_batch_norm_rule(const Json &json, bool training, int64_t batches) {
  const halogen_torch_batch_norm_params params = torch_batch_norm_params(json);
  NormRule rule;
  rule.own_statistics = training || params.track_running_stats == 0;
  rule.eps = params.eps;
  if (training && params.track_running_stats != 0) {
    rule.new_weight = params.momentum_is_none != 0 ? 1.0 / static_cast<double>(batches) : params.momentum;
  }
  return rule;
}

inline NormRule torch_instance_norm_rule(const Json &json, bool training, int64_t) {
  const halogen_torch_instance_norm_params params = torch_instance_norm_params(json);
  NormRule rule;
  rule.per_instance = true;
  rule.own_statistics = training || params.track_running_stats == 0;
  rule.eps = params.eps;
  if (training && params.track_running_stats != 0 && params.momentum_is_none == 0) rule.new_weight = params.momentum;
  return rule;
}

inline Module create_torch_conv_transpose1d(halogen_context *context, const Json &json, DLDataType dtype) {
  halogen_torch_conv_transpose1d_params params;
  Call call;
  call.check(halogen_torch_conv_transpose1d_params_init(&params, sizeof params, json.at("in_channels").as_integer(),
                                                        json.at("out_channels").as_integer(),
                                                        json.at("kernel_size").as_integer(), call.error()));
  const std::pair<const char *, int64_t *> integers[] = {
      {"in_channels", &params.in_channels}, {"out_channels", &params.out_channels},
      {"kernel_size", &params.kernel_size}, {"stride", &params.stride},
      {"padding", &params.padding},         {"output_padding", &params.output_padding},
      {"groups", &params.groups},           {"dilation", &params.dilation}};
  for (const auto &[key, value] : json.as_object()) {
    if (key == "bias") {
      params.bias = value.as_bool() ? 1 : 0;
    } else if (key == "padding_mode") {
      if (value.as_string() != "zeros") throw std::runtime_error("padding_mode is " + value.as_string());
    } else {
      int64_t *field = nullptr;
      for (const auto &[name, integer] : integers) {
        if (key == name) field = integer;
      }
      if (field == nullptr) throw std::runtime_error("the module has no argument \"" + key + "\"");
      *field = value.as_integer();
    }
  }
  params.dtype = dtype;
  halogen_module *module = nullptr;
  call.check(halogen_torch_conv_transpose1d_create(context, &params, &module, call.error()));
  return Module(module);
}

inline std::vector<int64_t> torch_conv_transpose1d_shape(const halogen_module *module, const Json &params,
                                                         std::vector<int64_t> shape) {
  if (shape.size() < 2) return shape;  // forward says what is wrong with it
  Call call;
  call.check(halogen_torch_conv_transpose1d_output_length(module, shape.back(), &shape.back(), call.error()));
  shape[shape.size() - 2] = params.at("out_channels").as_integer();
  return shape;
}

/// The adapter for `module`, or nullptr.
inline const Adapter *find_adapter(const std::string &module) {
  static const Adapter adapters[] = {
      {"torch.nn.BatchNorm1d", create_torch_batch_norm<halogen_torch_batch_norm1d_create>, torch_batch_norm_rule,
       nullptr},
      {"torch.nn.BatchNorm2d", create_torch_batch_norm<halogen_torch_batch_norm2d_create>, torch_batch_norm_rule,
       nullptr},
      {"torch.nn.BatchNorm3d", create_torch_batch_norm<halogen_torch_batch_norm3d_create>, torch_batch_norm_rule,
       nullptr},
      {"torch.nn.InstanceNorm1d", create_torch_instance_norm<halogen_torch_instance_norm1d_create>,
       torch_instance_norm_rule, nullptr},
      {"torch.nn.InstanceNorm2d", create_torch_instance_norm<halogen_torch_instance_norm2d_create>,
       torch_instance_norm_rule, nullptr},
      {"torch.nn.InstanceNorm3d", create_torch_instance_norm<halogen_torch_instance_norm3d_create>,
       torch_instance_norm_rule, nullptr},
      {"torch.nn.ConvTranspose1d", create_torch_conv_transpose1d, nullptr, torch_conv_transpose1d_shape},
  };
  for (const Adapter &adapter : adapters) {
    if (module == adapter.module) return &adapter;
  }
  return nullptr;
}

}  // namespace replay
