#include "created.h"

#include <doctest/doctest.h>

#include <halogen/init.h>

#include "variants.h"

namespace halogen_tests {

Created::Created(const Settings &settings) {
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status =
      halogen_module_create(context_of(variants()[0]), settings.module_class(), settings.get(), &handle_, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
}

const DLTensor &Created::state(const std::string &key) const {
  const DLTensor *tensor = nullptr;
  REQUIRE(halogen_module_state(handle_, key.c_str(), &tensor, nullptr) == HALOGEN_OK);
  return *tensor;
}

Values Created::numbers(const std::string &key) const {
  const DLTensor &tensor = state(key);
  Values values(static_cast<size_t>(element_count(std::vector<int64_t>(tensor.shape, tensor.shape + tensor.ndim))));
  for (size_t i = 0; i < values.size(); ++i) {
    const char *from = static_cast<const char *>(tensor.data) + i * bytes_of(tensor.dtype);
    values[i] = tensor.dtype.code == kDLInt ? static_cast<double>(*reinterpret_cast<const int64_t *>(from))
                                            : load(tensor.dtype, from);
  }
  return values;
}

void Created::randomise(uint64_t seed) const {
  halogen_initializer uniform = HALOGEN_INITIALIZER_INIT;
  uniform.kind = HALOGEN_INITIALIZER_UNIFORM;
  uniform.low = 0.5;
  uniform.high = 1.5;
  for (size_t i = 0; i < halogen_module_state_count(handle_); ++i) {
    const DLTensor &tensor = state(halogen_module_state_key(handle_, i));
    if (tensor.dtype.code == kDLInt) continue;
    REQUIRE(halogen_initialize(context_of(variants()[0]), &uniform, seed, i, &tensor, nullptr) == HALOGEN_OK);
  }
}

}  // namespace halogen_tests
