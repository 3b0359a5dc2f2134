#include "module.h"

namespace migrate {

Module::Module(const Params &params) {
  check(
      [&](halogen_error *error) { return halogen_context_create(HALOGEN_VERSION_NUMBER, nullptr, &context_, error); });
  try {
    check([&](halogen_error *error) {
      return halogen_module_create(context_, params.module_class(), params.get(), &module_, error);
    });
  } catch (...) {
    halogen_context_destroy(context_);
    throw;
  }
}

Module::~Module() {
  halogen_module_destroy(module_);
  halogen_context_destroy(context_);
}

std::vector<std::string> Module::keys() const {
  std::vector<std::string> keys;
  for (size_t i = 0; i < halogen_module_state_count(module_); ++i) {
    keys.emplace_back(halogen_module_state_key(module_, i));
  }
  return keys;
}

const DLTensor &Module::state(const std::string &key) const {
  const DLTensor *tensor = nullptr;
  check([&](halogen_error *error) { return halogen_module_state(module_, key.c_str(), &tensor, error); });
  return *tensor;
}

int64_t elements_of(const DLTensor &tensor) {
  int64_t count = 1;
  for (int32_t i = 0; i < tensor.ndim; ++i) count *= tensor.shape[i];
  return count;
}

size_t bytes_of(const DLTensor &tensor) { return static_cast<size_t>(elements_of(tensor)) * (tensor.dtype.bits / 8u); }

std::vector<halogen_difference> convert_state(const Module &from, const Module &to) {
  std::vector<halogen_difference> entries(16);
  halogen_convert_report report = HALOGEN_CONVERT_REPORT_INIT;
  report.entries = entries.data();
  report.capacity = entries.size();
  check([&](halogen_error *error) { return halogen_convert_state(from.get(), to.get(), &report, error); });
  std::vector<halogen_difference> lost;
  for (size_t i = 0; i < report.count; ++i) {
    if (entries[i].kind == HALOGEN_DIFFERENCE_CANNOT) lost.push_back(entries[i]);
  }
  return lost;
}

}  // namespace migrate
