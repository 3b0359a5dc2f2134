// module.h: a module of any class, owned.
#pragma once

#include <map>

#include "conversion.h"

namespace migrate {

class Module {
 public:
  explicit Module(const Params &params);
  ~Module();
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  halogen_context *context() const { return context_; }
  halogen_module *get() const { return module_; }
  std::vector<std::string> keys() const;
  const DLTensor &state(const std::string &key) const;

 private:
  halogen_context *context_ = nullptr;
  halogen_module *module_ = nullptr;
};

int64_t elements_of(const DLTensor &tensor);
size_t bytes_of(const DLTensor &tensor);

/** Copies a state; returns what cannot be kept. */
std::vector<halogen_difference> convert_state(const Module &from, const Module &to);

}  // namespace migrate
