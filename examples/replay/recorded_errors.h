// recorded_errors.h: replays errors.json: calls at the edge of legality, each with whether the framework accepted it and
// what it said if not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapters.h"
#include "outcome.h"
#include "safetensors.h"

namespace replay {

inline std::string shape_text(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

/// The type that a call's parameters name under `key`, or float32.
inline const NumberType &type_in(const Json &params, const char *key) {
  const Json *name = params.find(key);
  return number_type(name != nullptr ? name->as_string() : "float32");
}

/// Makes the call. @return what the library said, "" if it accepted the call.
inline std::string message_of_call(halogen_context *context, const Adapter &adapter, const Json &call_json,
                                   const std::vector<int64_t> &shape) {
  size_t count = 1;
  for (int64_t extent : shape) count *= static_cast<size_t>(extent);
  const std::vector<double> zeros(count);
  const Json &params = call_json.at("params");
  const NumberType &parameter_type = type_in(params, "dtype");
  const NumberType &type = params.find("input_dtype") != nullptr ? type_in(params, "input_dtype") : parameter_type;
  Array x(type, shape, false, zeros.data());
  try {
    const Module module =
        adapter.create(context, {params, parameter_type.dlpack, call_json.at("framework_version").as_string()});
    Call call;
    call.check(
        halogen_module_set_training(module.get(), call_json.at("mode").as_string() == "train" ? 1 : 0, call.error()));
    const DLTensor input = x.view();
    int64_t extents[8];
    int32_t rank = 0;
    call.check(halogen_module_output(module.get(), &input, extents, &rank, nullptr, call.error()));
    size_t outputs = 1;
    for (int32_t d = 0; d < rank; ++d) outputs *= static_cast<size_t>(extents[d]);
    Array y(type, std::vector<int64_t>(extents, extents + rank), false, std::vector<double>(outputs).data());
    const DLTensor output = y.view();
    call.check(halogen_module_forward(module.get(), &input, &output, nullptr, nullptr, call.error()));
  } catch (const CallFailed &failure) {
    return failure.message.empty() ? "(no message)" : failure.message;
  }
  return "";
}

/// A call that the library deals with otherwise than the framework, as its headers say.
struct Difference {
  const char *module, *message;  // the framework's
  const char *says;              // the library; "": it accepts the call
  const char *why;
};

inline const Difference *find_difference(const std::string &module, const std::string &message) {
  static const Difference differences[] = {
      {"mindspore.nn.InstanceNorm", "Unsupported op [InstanceNorm] on CPU", "",
       "the GPU kernel's numbers, on CPUs, too"},
      {"mindspore.nn.BatchNorm2d", "the 'NHWC' format only support in GPU target", "channel dimension: 5",
       "NHWC on CPUs, too: this input has 5 channels"},
      {"megengine.module.BatchNorm1d", "bad input shape for polyadic operator", "", "freeze works for 3D input"},
      {"megengine.module.InstanceNorm", "output shape [2, 4, 4, 5]", "expected an input of 3 channels, got 4",
       "parameters are not read past their end"}};
  for (const Difference &difference : differences) {
    if (module.find(difference.module) == 0 && message.find(difference.message) != std::string::npos) {
      return &difference;
    }
  }
  return nullptr;
}

inline Outcome replay_call(halogen_context *context, const std::string &name, const Json &call) {
  const std::string &module = call.at("module").as_string();
  const Adapter *adapter = find_adapter(module);
  if (adapter == nullptr) return skipped(name, "no such module here yet: " + module);
  std::vector<int64_t> shape;
  for (const Json &extent : call.at("input_shape").as_array()) {
    constexpr int64_t kMaxExtent = 1 << 16;  // these calls are small; a hostile file must not exhaust the memory
    const int64_t n = extent.as_integer();
    if (n < 0 || n > kMaxExtent || shape.size() == 6) return failed(name, "the shape is not one of a small tensor");
    shape.push_back(n);
  }
  const std::string &recorded = call.at("message").as_string();
  const Difference *difference = find_difference(module, recorded);
  const std::string wanted = difference != nullptr ? difference->says : recorded;
  const bool accepted = difference != nullptr ? wanted.empty() : call.at("outcome").as_string() == "accepted";
  const std::string said = message_of_call(context, *adapter, call, shape);
  if (accepted && !said.empty()) return failed(name, "this is accepted, but: " + said);
  if (!accepted && said.empty()) return failed(name, "accepted, but the framework says: " + recorded);
  if (!accepted && said.find(wanted) == std::string::npos) {
    return failed(name, "says \"" + said + "\" instead of \"" + wanted + "\"");
  }
  Outcome outcome;
  outcome.name = name;
  outcome.details.push_back(accepted ? "accepted" : "refused: " + said);
  if (difference != nullptr) outcome.details.push_back(std::string("unlike the framework: ") + difference->why);
  return outcome;
}

/// The name of call `index`: unique, and readable.
inline std::string call_name(const Json &call, size_t index) {
  std::vector<int64_t> shape;
  for (const Json &extent : call.at("input_shape").as_array()) shape.push_back(extent.as_integer());
  return "errors.json#" + std::to_string(index) + " " + call.at("module").as_string() + " " + shape_text(shape) + " " +
         call.at("mode").as_string();
}

}  // namespace replay
