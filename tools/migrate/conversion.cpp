#include "conversion.h"

#include <algorithm>

namespace migrate {

std::vector<halogen_module_class> all_classes() {
  std::vector<halogen_module_class> all;
  for (int i = 0; halogen_module_class_name(static_cast<halogen_module_class>(i)) != nullptr; ++i) {
    all.push_back(static_cast<halogen_module_class>(i));
  }
  return all;
}

std::vector<halogen_module_class> corresponding(halogen_module_class module_class) {
  std::vector<halogen_module_class> others;
  for (const halogen_module_class other : all_classes()) {
    if (other != module_class && halogen_module_class_corresponds(module_class, other)) others.push_back(other);
  }
  return others;
}

halogen_module_class class_named(const std::string &name) {
  halogen_module_class found;
  if (halogen_module_class_find(name.c_str(), &found, nullptr) == HALOGEN_OK) return found;
  std::string text = "There is no module \"" + name + "\". There are:";
  for (const halogen_module_class known : all_classes()) text += std::string("\n  ") + halogen_module_class_name(known);
  throw Complaint(text);
}

Params::Params(halogen_module_class module_class) : class_(module_class) {
  check([&](halogen_error *error) {
    return halogen_module_params_init(class_, bytes_, halogen_module_params_size(class_), error);
  });
}

std::vector<std::string> Params::names() const {
  std::vector<std::string> names;
  for (size_t i = 0; const char *name = halogen_module_params_name(class_, i); ++i) names.emplace_back(name);
  return names;
}

std::string Params::text(const std::string &name) const {
  char text[64];
  check([&](halogen_error *error) {
    return halogen_module_params_get(class_, bytes_, name.c_str(), text, sizeof text, error);
  });
  return text;
}

void Params::set(const std::string &name, const std::string &text) {
  check([&](halogen_error *error) {
    return halogen_module_params_set(class_, bytes_, name.c_str(), text.c_str(), error);
  });
}

void Params::set(const std::string &assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos) {
    throw Complaint("\"" + assignment + "\" is no parameter: expected name=value, for example " + names().front() +
                    "=" + text(names().front()));
  }
  set(assignment.substr(0, equals), assignment.substr(equals + 1));
}

std::string Params::call() const {
  const Params defaults(class_);
  const auto among = [](const std::string &name, std::initializer_list<const char *> words) {
    return std::find(words.begin(), words.end(), name) != words.end();
  };
  std::string call = class_name() + "(", separator;
  for (const std::string &name : names()) {
    const bool has_no_default = among(name, {"num_features", "num_channels", "num_groups", "normalized_shape",
                                             "in_channels", "out_channels", "kernel_size"});
    if (!has_no_default && text(name) == defaults.text(name)) continue;
    // Halogen's own.
    if (among(name, {"version", "documented_running_stats", "device"})) continue;
    // A word is a string in Python; what Python prints otherwise is a value as it stands.
    const std::string value = text(name);
    const bool word = value[0] >= 'a' && value[0] <= 'z' && name != "dtype";
    call += separator + name + "=" + (word ? "\"" + value + "\"" : value);
    separator = ", ";
  }
  return call + ")";
}

Conversion::Conversion(Params given, halogen_module_class to_class) : from(given), to(to_class), differences(64) {
  halogen_convert_report report = HALOGEN_CONVERT_REPORT_INIT;
  report.entries = differences.data();
  report.capacity = differences.size();
  check([&](halogen_error *error) {
    return halogen_convert_params(from.module_class(), from.get(), to_class, to.get(), &report, error);
  });
  differences.resize(report.count);
  cannot = report.cannot;
}

}  // namespace migrate
