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

/// Makes the call. @return what the library said, "" if it accepted the call.
inline std::string message_of_call(halogen_context *context, const Adapter &adapter, const Json &call_json,
                                   const std::vector<int64_t> &shape) {
  size_t count = 1;
  for (int64_t extent : shape) count *= static_cast<size_t>(extent);
  const std::vector<float> zeros(count);
  const NumberType &type = number_type("F32");
  Array x(type, shape, false, zeros.data());
  try {
    const Module module = adapter.create(context, call_json.at("params"), type.dlpack);
    const std::vector<int64_t> output_shape =
        adapter.output_shape != nullptr ? adapter.output_shape(module.get(), call_json.at("params"), shape) : shape;
    size_t outputs = 1;
    for (int64_t extent : output_shape) outputs *= static_cast<size_t>(extent);
    Array y(type, output_shape, false, std::vector<float>(outputs).data());
    const DLTensor input = x.view(), output = y.view();
    Call call;
    call.check(
        halogen_module_set_training(module.get(), call_json.at("mode").as_string() == "train" ? 1 : 0, call.error()));
    call.check(halogen_module_forward(module.get(), &input, &output, nullptr, nullptr, call.error()));
  } catch (const CallFailed &failure) {
    return failure.message.empty() ? "(no message)" : failure.message;
  }
  return "";
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
  const bool accepted = call.at("outcome").as_string() == "accepted";
  const std::string &wanted = call.at("message").as_string();
  const std::string said = message_of_call(context, *adapter, call, shape);
  if (accepted && !said.empty()) return failed(name, "the framework accepts this, but: " + said);
  if (!accepted && said.empty()) return failed(name, "accepted, but the framework says: " + wanted);
  if (!accepted && said.find(wanted) == std::string::npos) {
    return failed(name, "says \"" + said + "\", the framework \"" + wanted + "\"");
  }
  Outcome outcome;
  outcome.name = name;
  outcome.details.push_back(accepted ? "accepted" : "refused: " + said);
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
