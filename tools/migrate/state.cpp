#include "state.h"

#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>

#include "module.h"
#include "print.h"
#include "replay/safetensors.h"

namespace migrate {
namespace {

using Tensors = std::map<std::string, replay::Tensor>;

constexpr struct {
  const char *name, *parameter;
  DLDataType dtype;
} kDtypes[] = {{"F32", "float32", {kDLFloat, 32, 1}},
               {"F64", "float64", {kDLFloat, 64, 1}},
               {"F16", "float16", {kDLFloat, 16, 1}},
               {"BF16", "bfloat16", {kDLBfloat, 16, 1}},
               {"I64", "", {kDLInt, 64, 1}}};

/** The tensors of a file that is being written, and the memory of those that were made. */
struct Output {
  Tensors tensors;
  std::deque<std::string> memory;  ///< whose elements stay where they are
};

/** Sets a parameter where the class has it. */
void set_if_known(Params &params, const std::string &name, const std::string &text) {
  for (const std::string &known : params.names()) {
    if (known == name) params.set(name, text);
  }
}

const replay::Tensor *find(const Tensors &tensors, std::initializer_list<const char *> keys) {
  for (const char *key : keys) {
    const auto found = tensors.find(key);
    if (found != tensors.end()) return &found->second;
  }
  return nullptr;
}

std::string flag(bool value) { return value ? "True" : "False"; }

/** A transposed convolution's sizes from the shape of its weight. */
void infer_conv(Params &params, const replay::Tensor &weight) {
  const std::vector<int64_t> &s = weight.shape;
  const bool two_axes = params.class_name() == "megengine.module.ConvTranspose2d";
  const size_t group_axis = two_axes && s.size() == 5 ? 1 : 0;
  if (group_axis == 1) params.set("groups", std::to_string(s[0]));
  if (s.size() < (two_axes ? 4u : 3u)) throw Complaint("its weight has too few dimensions");
  const std::string groups = params.text(params.class_name() == "mindspore.nn.Conv1dTranspose" ? "group" : "groups");
  params.set("in_channels", std::to_string(s[group_axis] * (group_axis == 1 ? s[0] : 1)));
  params.set("out_channels", std::to_string(s[group_axis + 1] * std::stoll(groups)));
  const std::string last = std::to_string(s.back());
  params.set("kernel_size", two_axes ? "[" + std::to_string(s[s.size() - 2]) + ", " + last + "]" : last);
}

/** The parameters of a module with these tensors. `shape` must outlive them. */
Params infer(halogen_module_class module_class, const std::vector<std::string> &settings, const Tensors &tensors,
             std::vector<int64_t> *shape) {
  Params params(module_class);
  for (const std::string &setting : settings) params.set(setting);
  const replay::Tensor *weight = find(tensors, {"weight", "gamma"}), *bias = find(tensors, {"bias", "beta"});
  const replay::Tensor *mean = find(tensors, {"running_mean", "moving_mean"});
  const replay::Tensor *any = weight != nullptr ? weight : bias != nullptr ? bias : mean;
  if (any == nullptr) throw Complaint("it has neither parameters nor statistics");
  for (const auto &known : kDtypes) {
    if (any->dtype == known.name && known.parameter[0] != '\0') params.set("dtype", known.parameter);
  }
  const std::string channels = std::to_string(any->size());
  set_if_known(params, "num_features", channels);
  set_if_known(params, "num_channels", channels);
  set_if_known(params, "affine", flag(weight != nullptr));
  set_if_known(params, "elementwise_affine", flag(weight != nullptr));
  if (weight != nullptr) set_if_known(params, "bias", flag(bias != nullptr));
  set_if_known(params, "has_bias", flag(bias != nullptr));
  set_if_known(params, "track_running_stats", flag(mean != nullptr));
  if (params.class_name().find("Transpose") != std::string::npos) {
    if (weight == nullptr) throw Complaint("it has no weight");
    infer_conv(params, *weight);
  }
  *shape = any->shape;
  const auto set_shape = [&](auto *layer_norm) {
    layer_norm->normalized_shape = shape->data();
    layer_norm->normalized_dims = static_cast<int32_t>(shape->size());
  };
  if (params.class_name() == "torch.nn.LayerNorm")
    set_shape(static_cast<halogen_torch_layer_norm_params *>(params.get()));
  if (params.class_name() == "oneflow.nn.LayerNorm")
    set_shape(static_cast<halogen_oneflow_layer_norm_params *>(params.get()));
  return params;
}

/** Loads the tensors, which must be the module's, all of them but counters. */
void load(const Module &module, const Tensors &tensors) {
  for (const auto &entry : tensors) {
    const std::string &key = entry.first;
    const replay::Tensor &tensor = entry.second;
    DLTensor view{};
    for (const auto &known : kDtypes) {
      if (tensor.dtype == known.name) view.dtype = known.dtype;
    }
    std::vector<int64_t> shape = tensor.shape;
    // A file's tensors may begin anywhere.
    std::vector<uint64_t> memory(tensor.bytes / sizeof(uint64_t) + 1);
    if (tensor.bytes > 0) std::memcpy(memory.data(), tensor.data, tensor.bytes);
    view.data = memory.data();
    view.device = {kDLCPU, 0};
    view.ndim = static_cast<int>(shape.size());
    view.shape = shape.data();
    check([&](halogen_error *error) { return halogen_module_load_state(module.get(), key.c_str(), &view, error); });
  }
  for (const std::string &key : module.keys()) {
    if (tensors.count(key) == 0 && key != "num_batches_tracked") throw Complaint("it has no " + key);
  }
}

void add_state(const Module &module, const std::string &prefix, Output *output) {
  for (const std::string &key : module.keys()) {
    const DLTensor &state = module.state(key);
    replay::Tensor tensor;
    for (const auto &known : kDtypes) {
      if (known.dtype.code == state.dtype.code && known.dtype.bits == state.dtype.bits) tensor.dtype = known.name;
    }
    tensor.shape.assign(state.shape, state.shape + state.ndim);
    tensor.bytes = bytes_of(state);
    output->memory.emplace_back(static_cast<const char *>(state.data) + state.byte_offset, tensor.bytes);
    tensor.data = reinterpret_cast<const unsigned char *>(output->memory.back().data());
    output->tensors[prefix + key] = tensor;
  }
}

void write(const std::string &path, const Tensors &tensors, const std::map<std::string, std::string> &metadata) {
  std::string header = "{", separator;
  if (!metadata.empty()) {
    std::string entries;
    for (const auto &[key, value] : metadata) {
      entries += (entries.empty() ? "" : ", ") + json_string(key) + ": " + json_string(value);
    }
    header += "\"__metadata__\": {" + entries + "}";
    separator = ", ";
  }
  size_t offset = 0;
  for (const auto &[name, tensor] : tensors) {
    std::string shape;
    for (const int64_t extent : tensor.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    header += separator + json_string(name) + ": {\"dtype\": \"" + tensor.dtype + "\", \"shape\": [" + shape +
              "], \"data_offsets\": [" + std::to_string(offset) + ", " + std::to_string(offset + tensor.bytes) + "]}";
    offset += tensor.bytes;
    separator = ", ";
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::ofstream file(path, std::ios::binary);
  for (size_t i = 0; i < 8; ++i) file.put(static_cast<char>(header.size() >> (8 * i) & 0xff));
  file << header;
  for (const auto &entry : tensors) {
    file.write(reinterpret_cast<const char *>(entry.second.data), static_cast<std::streamsize>(entry.second.bytes));
  }
  file.close();
  if (!file) throw Complaint(path + " cannot be written");
}

}  // namespace

size_t convert_file(const std::string &in, const std::string &out, halogen_module_class from, halogen_module_class to,
                    const std::vector<std::string> &settings) {
  try {
    const replay::Safetensors file(in);
    // By module: what is before the last dot.
    std::map<std::string, Tensors> modules;
    for (const auto &[name, tensor] : file.tensors()) {
      const size_t dot = name.rfind('.');
      const size_t key = dot == std::string::npos ? 0 : dot + 1;
      modules[name.substr(0, key)][name.substr(key)] = tensor;
    }
    Output output;
    size_t converted = 0, lost = 0;
    for (const auto &[prefix, tensors] : modules) {
      const std::string name = prefix.empty() ? "the file" : "\"" + prefix.substr(0, prefix.size() - 1) + "\"";
      try {
        std::vector<int64_t> shape;
        const Conversion conversion(infer(from, settings, tensors, &shape), to);
        const Module source(conversion.from), target(conversion.to);
        load(source, tensors);
        for (const halogen_difference &d : conversion.differences) {
          // Initial values give way to these.
          if (d.kind != HALOGEN_DIFFERENCE_CANNOT) continue;
          std::cerr << name << ": " << d.from_name << "=" << d.from_value
                    << " cannot be expressed: " << (d.reason != nullptr ? d.reason : "") << "\n";
          ++lost;
        }
        for (const halogen_difference &d : convert_state(source, target)) {
          std::cerr << name << ": " << d.from_name << " is left out: " << d.reason << "\n";
          ++lost;
        }
        add_state(target, prefix, &output);
        std::cerr << name << ": " << conversion.to.call() << "\n";
        ++converted;
      } catch (const Complaint &why) {
        std::cerr << name << " stays as it is, no " << halogen_module_class_name(from) << ": " << why.what() << "\n";
        for (const auto &[key, tensor] : tensors) output.tensors[prefix + key] = tensor;
      }
    }
    if (converted == 0) throw Complaint("there is no " + std::string(halogen_module_class_name(from)) + " in it");
    write(out, output.tensors, file.metadata());
    return lost;
  } catch (const std::runtime_error &why) {
    throw Complaint(in + ": " + why.what());
  }
}

}  // namespace migrate
