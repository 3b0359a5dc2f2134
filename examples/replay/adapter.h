// adapter.h: what replay knows of a module: how to make it from the framework's constructor arguments, and what a call computes.
#pragma once

#include <halogen/module.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "handles.h"
#include "json.h"
#include "norm_scales.h"

namespace replay {

/// What a case says of the module that it was recorded from.
struct Recipe {
  const Json &params;   // the framework's constructor arguments
  DLDataType dtype;     // of the parameters
  std::string version;  // of the framework
};

/// Parameters of a transposed convolution along one axis.
struct ConvRule {
  int64_t stride = 1, dilation = 1, groups = 1, pad_left = 0;
};

struct Adapter {
  const char *module;
  Module (*create)(halogen_context *context, const Recipe &recipe);
  /// What a call computes; nullptr: the module is a convolution. @param batches num_batches_tracked after the call (0: none).
  NormRule (*rule)(const Recipe &recipe, bool training, int64_t batches);
  ConvRule (*conv_rule)(const Recipe &recipe);
  /// The framework's keys of what the files call weight, bias, running_mean and running_var.
  const char *keys[4];

  bool normalises() const { return rule != nullptr; }

  /// The framework's key of a state tensor.
  std::string key(const std::string &name) const {
    const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    for (size_t i = 0; i < 4; ++i) {
      if (name == names[i]) return keys[i];
    }
    return name;
  }
};

/// A constructor argument, and where it goes.
struct Field {
  const char *key;
  std::function<void(const Json &)> set;
};

inline Field integer(const char *key, int64_t &to) {
  return {key, [&to](const Json &value) { to = value.as_integer(); }};
}
inline Field number(const char *key, double &to) {
  return {key, [&to](const Json &value) { to = value.as_number(); }};
}
inline Field flag(const char *key, int32_t &to) {
  return {key, [&to](const Json &value) { to = value.as_bool() ? 1 : 0; }};
}
inline Field number_or_none(const char *key, double &to, int32_t &is_none) {
  return {key, [&to, &is_none](const Json &value) {
            is_none = value.is_null() ? 1 : 0;
            if (!value.is_null()) to = value.as_number();
          }};
}
inline Field pair(const char *key, int64_t (&to)[2]) {
  return {key, [&to](const Json &value) {
            for (size_t i = 0; i < 2; ++i) to[i] = value.as_array().at(i).as_integer();
          }};
}
/// An argument that must be the one text that is worth having.
inline Field only(const char *key, const char *text) {
  return {key, [key, text](const Json &value) {
            if (value.as_string() != text) throw std::runtime_error(std::string(key) + " is " + value.as_string());
          }};
}
/// One of some texts, by their place.
template <typename Enum>
Field one_of(const char *key, Enum &to, std::vector<std::string> texts) {
  return {key, [key, &to, texts](const Json &value) {
            for (size_t i = 0; i < texts.size(); ++i) {
              if (value.as_string() != texts[i]) continue;
              to = static_cast<Enum>(i);
              return;
            }
            throw std::runtime_error(std::string(key) + " is " + value.as_string());
          }};
}
inline Field tristate(const char *key, halogen_tristate &to) {
  return {key, [&to](const Json &value) {
            to = value.is_null() ? HALOGEN_NONE : value.as_bool() ? HALOGEN_TRUE : HALOGEN_FALSE;
          }};
}

inline void read_fields(const Json &json, const std::vector<Field> &fields) {
  for (const auto &[key, value] : json.as_object()) {
    if (key == "dtype" || key == "input_dtype") continue;  // of calls: seen to by replay_call()
    bool known = false;
    for (const Field &field : fields) {
      if (key != field.key) continue;
      field.set(value);
      known = true;
    }
    if (!known) throw std::runtime_error("the module has no argument \"" + key + "\"");
  }
}

/// Makes a module. @param params filled.
template <typename Params, typename Create>
Module make_module(halogen_context *context, const Recipe &recipe, Params params, Create create) {
  params.dtype = recipe.dtype;
  halogen_module *module = nullptr;
  Call call;
  call.check(create(context, &params, &module, call.error()));
  return Module(module);
}

}  // namespace replay
