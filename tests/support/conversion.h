// Parameters of any class by name, and their conversions, for tests.
#pragma once

#include <halogen/migrate.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace halogen_tests {

std::vector<halogen_module_class> all_classes();

/** A class' parameters, at first the defaults. */
class Settings {
 public:
  explicit Settings(halogen_module_class module_class);
  halogen_module_class module_class() const { return class_; }
  const void *get() const { return bytes_; }
  void *get() { return bytes_; }
  std::vector<std::string> names() const;
  std::string text(const std::string &name) const;
  /** All parameters. */
  std::map<std::string, std::string> texts() const;
  /** "name=value"; must succeed. */
  void set(const std::string &assignment);
  /** False where there is no such parameter. */
  bool try_set(const std::string &assignment);
  void set_numbers(const std::vector<std::pair<const char *, int64_t>> &numbers);

 private:
  halogen_module_class class_;
  alignas(16) unsigned char bytes_[HALOGEN_MODULE_PARAMS_MAX] = {};
};

/** A conversion with its report. */
struct Converted {
  Settings to;
  std::vector<halogen_difference> differences;

  Converted(const Settings &from, halogen_module_class to_class);
  size_t cannot() const;
  /** The line whose names on either side are `name`, or have it among them; a test fails without one. */
  const halogen_difference &line(const std::string &name) const;
  halogen_difference_kind kind_of(const std::string &name) const { return line(name).kind; }
  std::string reason_of(const std::string &name) const;
  /** Of what cannot be expressed. */
  std::string first_reason() const;

 private:
  const halogen_difference *find(const std::string &name) const;
};

}  // namespace halogen_tests
