// The recorded cases as proof: each framework's parameters and state, converted to every corresponding module of the others, give the
// numbers that the framework gave.
//
// usage: migrate_golden FOLDER
#include <halogen/migrate.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "migrate/module.h"
#include "replay/json.h"
#include "replay/safetensors.h"

namespace {

using replay::Json;
using replay::Safetensors;

/** A constructor's argument as Python prints it. */
std::string text_of(const Json &value) {
  switch (value.kind) {
    case Json::Kind::kNull:
      return "None";
    case Json::Kind::kBool:
      return value.as_bool() ? "True" : "False";
    case Json::Kind::kString:
      return value.as_string();
    case Json::Kind::kArray: {
      std::string text;
      for (const Json &element : value.as_array()) text += (text.empty() ? "[" : ", ") + text_of(element);
      return text + "]";
    }
    default: {
      char text[40];
      std::snprintf(text, sizeof text, "%.17g", value.as_number());
      return text;
    }
  }
}

/** Float32 in all parts, in numbers where float32 keeps most digits, and stored whole. */
bool is_plain(const Safetensors &file) {
  const std::string kind = file.meta("data_kind"), mode = file.meta("mode"), parameters = file.meta("param_dtype");
  const replay::Tensor *input = file.find("input"), *output = file.find("output_f64");
  return (kind.empty() || kind == "normal") && (mode == "train" || mode == "eval") && input != nullptr &&
         input->dtype == "F32" && output != nullptr && (parameters.empty() || parameters == "float32");
}

migrate::Params params_of(const Safetensors &file) {
  migrate::Params params(migrate::class_named(file.meta("module")));
  const Json json = replay::JsonParser(file.meta("params")).parse();
  for (const auto &[name, value] : json.as_object()) params.set(name, text_of(value));
  if (file.meta("framework_version") == "2.0.0") params.set("version", "2.0");
  return params;
}

/** The module's entry that the files call `name`; NULL where there is none. */
const DLTensor *entry_of(const migrate::Module &module, const std::string &name) {
  static const std::map<std::string, std::string> mindspore{
      {"weight", "gamma"}, {"bias", "beta"}, {"running_mean", "moving_mean"}, {"running_var", "moving_variance"}};
  for (const std::string &key : module.keys()) {
    const auto other = mindspore.find(name);
    if (key == name || (other != mindspore.end() && key == other->second)) return &module.state(key);
  }
  return nullptr;
}

void load_state(const Safetensors &file, const migrate::Module &module) {
  for (const char *name : {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}) {
    const replay::Tensor *tensor = file.find(name);
    if (tensor == nullptr) continue;
    const DLTensor *entry = entry_of(module, name);
    if (entry == nullptr || migrate::bytes_of(*entry) != tensor->bytes)
      throw std::runtime_error(std::string(name) + " does not fit");
    std::memcpy(entry->data, tensor->data, tensor->bytes);
  }
}

/** The largest difference, over the largest value; a NaN must be where one is expected. */
double difference(const float *got, const std::vector<double> &want) {
  double largest = 0, scale = 1e-30;
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(want[i]) != std::isnan(got[i])) return HUGE_VAL;
    if (std::isnan(want[i])) continue;
    largest = std::max(largest, std::abs(static_cast<double>(got[i]) - want[i]));
    scale = std::max(scale, std::abs(want[i]));
  }
  return largest / scale;
}

/** Runs the recorded input of a step; the result's difference from the record. */
double run_step(const Safetensors &file, const std::string &suffix, const migrate::Module &module,
                const migrate::Params &params, bool unbatched_too) {
  const replay::Tensor *input = file.find("input" + suffix);
  std::vector<float> x = input->values<float>();
  std::vector<int64_t> shape = input->shape;
  // Only torch has (C, ...).
  if (file.meta("unbatched") == "true" && !unbatched_too) shape.insert(shape.begin(), 1);
  if (params.class_name() == "megengine.module.ConvTranspose2d") {
    const bool width = params.text("kernel_size").rfind("[1,", 0) == 0 && params.text("stride").rfind("[1,", 0) == 0 &&
                       params.text("dilation").rfind("[1,", 0) == 0 && params.text("padding").rfind("[0,", 0) == 0 &&
                       params.text("output_padding").rfind("[0,", 0) == 0;
    shape.insert(shape.begin() + (width ? 2 : 3), 1);
  }
  DLTensor in{}, out{};
  in.data = x.data();
  in.device = out.device = {kDLCPU, 0};
  in.dtype = out.dtype = {kDLFloat, 32, 1};
  in.ndim = static_cast<int>(shape.size());
  in.shape = shape.data();
  int64_t extents[8] = {};
  migrate::check([&](halogen_error *error) {
    return halogen_module_output(module.get(), &in, extents, &out.ndim, nullptr, error);
  });
  out.shape = extents;
  const std::vector<double> want = file.find("output" + suffix + "_f64")->values<double>();
  if (static_cast<size_t>(migrate::elements_of(out)) != want.size()) return HUGE_VAL;
  std::vector<float> y(want.size());
  out.data = y.data();
  migrate::check(
      [&](halogen_error *error) { return halogen_module_forward(module.get(), &in, &out, nullptr, nullptr, error); });
  double worst = difference(y.data(), want);
  for (const char *name : {"running_mean", "running_var"}) {
    const replay::Tensor *after = file.find(std::string(name) + "_after" + suffix + "_f64");
    const DLTensor *entry = entry_of(module, name);
    if (after == nullptr || entry == nullptr) continue;
    worst = std::max(worst, difference(static_cast<const float *>(entry->data), after->values<double>()));
  }
  return worst;
}

struct Count {
  int converted = 0, cannot = 0, refused = 0, failed = 0;
};

/** One recorded case as one other module. */
void replay_as(const Safetensors &file, const std::string &name, halogen_module_class to, Count *count) {
  const migrate::Conversion conversion(params_of(file), to);
  if (conversion.cannot != 0) {
    ++count->cannot;
    return;
  }
  const migrate::Module from(conversion.from), target(conversion.to);
  load_state(file, from);
  migrate::convert_state(from, target);
  migrate::check([&](halogen_error *error) {
    return halogen_module_set_training(target.get(), file.meta("mode") == "train", error);
  });
  double worst = 0;
  try {
    for (std::string suffix; file.find("input" + suffix) != nullptr; suffix = suffix.empty() ? "_2" : "_end") {
      if (file.find("output" + suffix + "_f64") == nullptr) break;
      worst = std::max(worst, run_step(file, suffix, target, conversion.to, to == conversion.from.module_class()));
    }
  } catch (const migrate::Complaint &) {
    // What one framework accepts another may refuse: one value per channel, an empty output.
    ++count->refused;
    return;
  }
  ++count->converted;
  if (worst <= 2e-5) return;
  ++count->failed;
  std::printf("FAIL  %s as %s: off by %.2e of the largest value\n", name.c_str(), halogen_module_class_name(to), worst);
}

}  // namespace

int main(int argc, char **argv) try {
  if (argc != 2) throw std::runtime_error("usage: migrate_golden FOLDER");
  std::vector<std::filesystem::path> paths;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(argv[1])) {
    if (entry.path().extension() == ".safetensors") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::map<std::string, Count> counts;
  for (const auto &path : paths) {
    const Safetensors file(path.string());
    if (!is_plain(file)) continue;
    const halogen_module_class from = migrate::class_named(file.meta("module"));
    for (const halogen_module_class to : migrate::corresponding(from)) {
      const std::string to_name = halogen_module_class_name(to);
      Count &count = counts[file.meta("framework") + " -> " + to_name.substr(0, to_name.find('.'))];
      replay_as(file, path.filename().string(), to, &count);
    }
  }
  int converted = 0, failed = 0;
  for (const auto &[pair, count] : counts) {
    std::printf("%-24s %4d right, %4d cannot be expressed, %4d refused, %4d wrong\n", pair.c_str(),
                count.converted - count.failed, count.cannot, count.refused, count.failed);
    converted += count.converted;
    failed += count.failed;
  }
  // All twelve directions, or the test has tested less than it says.
  const bool complete = counts.size() == 12 && converted > 500;
  if (!complete) std::printf("only %zu directions, %d cases\n", counts.size(), converted);
  return failed == 0 && complete ? 0 : 1;
} catch (const std::exception &error) {
  std::fprintf(stderr, "migrate_golden: %s\n", error.what());
  return 1;
}
