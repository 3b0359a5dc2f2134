// conversion.h: module classes and their parameters by name, and what halogen_convert_params() says of a pair.
#pragma once

#include <halogen/migrate.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace migrate {

/** What the user should read; main() prints it. */
struct Complaint : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/** Throws the library's message where a call fails. */
template <class Call>
void check(const Call &call) {
  halogen_error error = HALOGEN_ERROR_INIT;
  if (call(&error) != HALOGEN_OK) throw Complaint(error.message);
}

std::vector<halogen_module_class> all_classes();
std::vector<halogen_module_class> corresponding(halogen_module_class module_class);
/** Throws with all names there are where it is none of them. */
halogen_module_class class_named(const std::string &name);

/** A class' parameters, at first the defaults. */
class Params {
 public:
  explicit Params(halogen_module_class module_class);

  halogen_module_class module_class() const { return class_; }
  std::string class_name() const { return halogen_module_class_name(class_); }
  const void *get() const { return bytes_; }
  void *get() { return bytes_; }
  std::vector<std::string> names() const;
  std::string text(const std::string &name) const;
  void set(const std::string &name, const std::string &text);
  /** "name=value" as on a command line. */
  void set(const std::string &assignment);
  /** The call in Python, with what differs from the defaults, and what has none. */
  std::string call() const;

 private:
  halogen_module_class class_;
  alignas(16) unsigned char bytes_[HALOGEN_MODULE_PARAMS_MAX] = {};
};

struct Conversion {
  Params from, to;
  std::vector<halogen_difference> differences;
  size_t cannot = 0;

  Conversion(Params given, halogen_module_class to_class);
};

}  // namespace migrate
