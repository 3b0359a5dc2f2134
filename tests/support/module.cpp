#include "module.h"

#include <doctest/doctest.h>

#include <cmath>

#include "coverage.h"
#include "norm_storage.h"

namespace halogen_tests {

halogen_torch_batch_norm_params batch_norm_params(int64_t num_features) {
  halogen_torch_batch_norm_params params;
  REQUIRE(halogen_torch_batch_norm_params_init(&params, sizeof params, num_features, nullptr) == HALOGEN_OK);
  return params;
}

halogen_torch_instance_norm_params instance_norm_params(int64_t num_features) {
  halogen_torch_instance_norm_params params;
  REQUIRE(halogen_torch_instance_norm_params_init(&params, sizeof params, num_features, nullptr) == HALOGEN_OK);
  return params;
}

Module::Module(halogen_context *context, const halogen_torch_batch_norm_params &params) {
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status created = halogen_torch_batch_norm2d_create(context, &params, &handle_, &error);
  REQUIRE_MESSAGE(created == HALOGEN_OK, error.message);
}

Module::Module(halogen_context *context, const halogen_torch_instance_norm_params &params) {
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status created = halogen_torch_instance_norm2d_create(context, &params, &handle_, &error);
  REQUIRE_MESSAGE(created == HALOGEN_OK, error.message);
}

Module::~Module() { halogen_module_destroy(handle_); }

void Module::set_training(bool training) {
  REQUIRE(halogen_module_set_training(handle_, training ? 1 : 0, nullptr) == HALOGEN_OK);
}

std::vector<std::string> Module::keys() const {
  std::vector<std::string> all;
  for (size_t i = 0; i < halogen_module_state_count(handle_); ++i) all.push_back(halogen_module_state_key(handle_, i));
  return all;
}

const DLTensor *Module::entry(const char *key) const {
  const DLTensor *tensor = nullptr;
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status found = halogen_module_state(handle_, key, &tensor, &error);
  REQUIRE_MESSAGE(found == HALOGEN_OK, error.message);
  REQUIRE(tensor != nullptr);
  return tensor;
}

void *Module::state(const char *key) const {
  const DLTensor *tensor = entry(key);
  return static_cast<char *>(tensor->data) + tensor->byte_offset;
}

Values Module::copy_of(const char *key) const {
  const DLTensor *tensor = entry(key);
  REQUIRE(tensor->ndim == 1);
  return load({tensor->dtype, {tensor->shape[0]}, {1}}, state(key));
}

void Module::set(const char *key, const Values &values) {
  const DLTensor *tensor = entry(key);
  REQUIRE(element_count({tensor->shape, tensor->shape + tensor->ndim}) == static_cast<int64_t>(values.size()));
  store({tensor->dtype, {tensor->shape[0]}, {1}}, values, state(key));
}

int64_t *Module::num_batches_tracked() const { return static_cast<int64_t *>(entry("num_batches_tracked")->data); }

Values Module::forward(const Values &input, const std::vector<int64_t> &shape) {
  const TensorForm form{data_type, shape, dense_strides(shape)};
  StoredTensor from(form, input), to(form, Values(form.count(), std::nan("")));
  const TensorView x(from.data(), shape, data_type), y(to.data(), shape, data_type);
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  status = halogen_module_forward(handle_, &x.dl, &y.dl, nullptr, &ran, &error);
  message = error.message;
  if (status == HALOGEN_OK) record_ran(ran);
  return to.values();
}

}  // namespace halogen_tests
