#include "conversion.h"

#include <doctest/doctest.h>

namespace halogen_tests {

std::vector<halogen_module_class> all_classes() {
  std::vector<halogen_module_class> all;
  for (int i = 0; halogen_module_class_name(static_cast<halogen_module_class>(i)) != nullptr; ++i) {
    all.push_back(static_cast<halogen_module_class>(i));
  }
  return all;
}

Settings::Settings(halogen_module_class module_class) : class_(module_class) {
  REQUIRE(halogen_module_params_init(class_, bytes_, halogen_module_params_size(class_), nullptr) == HALOGEN_OK);
}

std::vector<std::string> Settings::names() const {
  std::vector<std::string> names;
  for (size_t i = 0; const char *name = halogen_module_params_name(class_, i); ++i) names.emplace_back(name);
  return names;
}

std::string Settings::text(const std::string &name) const {
  char text[64];
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_module_params_get(class_, bytes_, name.c_str(), text, sizeof text, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
  return text;
}

std::map<std::string, std::string> Settings::texts() const {
  std::map<std::string, std::string> all;
  for (const std::string &name : names()) all[name] = text(name);
  return all;
}

bool Settings::try_set(const std::string &assignment) {
  const size_t equals = assignment.find('=');
  const std::string name = assignment.substr(0, equals), value = assignment.substr(equals + 1);
  return halogen_module_params_set(class_, bytes_, name.c_str(), value.c_str(), nullptr) == HALOGEN_OK;
}

void Settings::set(const std::string &assignment) { REQUIRE_MESSAGE(try_set(assignment), assignment); }

void Settings::set_numbers(const std::vector<std::pair<const char *, int64_t>> &numbers) {
  for (const auto &[name, value] : numbers) set(std::string(name) + "=" + std::to_string(value));
}

Converted::Converted(const Settings &from, halogen_module_class to_class) : to(to_class), differences(32) {
  halogen_convert_report report = HALOGEN_CONVERT_REPORT_INIT;
  report.entries = differences.data();
  report.capacity = differences.size();
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status =
      halogen_convert_params(from.module_class(), from.get(), to_class, to.get(), &report, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
  // The header's promise.
  REQUIRE(report.count <= differences.size());
  differences.resize(report.count);
  CHECK(cannot() == report.cannot);
}

size_t Converted::cannot() const {
  size_t count = 0;
  for (const halogen_difference &d : differences) count += d.kind == HALOGEN_DIFFERENCE_CANNOT;
  return count;
}

const halogen_difference *Converted::find(const std::string &name) const {
  const auto among = [&](const std::string &names) {
    return (", " + names + ", ").find(", " + name + ", ") != std::string::npos;
  };
  for (const halogen_difference &d : differences) {
    if (among(d.from_name) || among(d.to_name)) return &d;
  }
  return nullptr;
}

const halogen_difference &Converted::line(const std::string &name) const {
  const halogen_difference *found = find(name);
  REQUIRE_MESSAGE(found != nullptr, name);
  return *found;
}

std::string Converted::reason_of(const std::string &name) const {
  const halogen_difference *found = find(name);
  return found != nullptr && found->reason != nullptr ? found->reason : "";
}

std::string Converted::first_reason() const {
  for (const halogen_difference &d : differences) {
    if (d.kind == HALOGEN_DIFFERENCE_CANNOT) return d.reason != nullptr ? d.reason : "";
  }
  return "";
}

}  // namespace halogen_tests
