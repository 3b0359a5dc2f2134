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

halogen_torch_group_norm_params group_norm_params(int64_t num_groups, int64_t num_channels) {
  halogen_torch_group_norm_params params;
  REQUIRE(halogen_torch_group_norm_params_init(&params, sizeof params, num_groups, num_channels, nullptr) ==
          HALOGEN_OK);
  return params;
}

halogen_torch_layer_norm_params layer_norm_params(const std::vector<int64_t> &normalized_shape) {
  halogen_torch_layer_norm_params params;
  REQUIRE(halogen_torch_layer_norm_params_init(&params, sizeof params, normalized_shape.data(),
                                               static_cast<int32_t>(normalized_shape.size()), nullptr) == HALOGEN_OK);
  return params;
}

namespace {

template <typename Create, typename Params>
halogen_module *created(Create create, halogen_context *context, const Params &params) {
  halogen_module *module = nullptr;
  halogen_error error = HALOGEN_ERROR_INIT;
  REQUIRE_MESSAGE(create(context, &params, &module, &error) == HALOGEN_OK, error.message);
  return module;
}

}  // namespace

Module::Module(halogen_context *context, const halogen_torch_batch_norm_params &params, CreateBatchNorm *create)
    : handle_(created(create, context, params)) {}

Module::Module(halogen_context *context, const halogen_torch_instance_norm_params &params, CreateInstanceNorm *create)
    : handle_(created(create, context, params)) {}

Module::Module(halogen_context *context, const halogen_torch_group_norm_params &params)
    : handle_(created(halogen_torch_group_norm_create, context, params)) {}

Module::Module(halogen_context *context, const halogen_torch_layer_norm_params &params)
    : handle_(created(halogen_torch_layer_norm_create, context, params)) {}

halogen_module *Module::release() {
  halogen_module *module = handle_;
  handle_ = nullptr;
  return module;
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

TensorForm Module::form_of(const char *key) const {
  const DLTensor *tensor = entry(key);
  const std::vector<int64_t> shape(tensor->shape, tensor->shape + tensor->ndim);
  return {tensor->dtype, shape, dense_strides(shape)};
}

Values Module::copy_of(const char *key) const { return load(form_of(key), state(key)); }

void Module::set(const char *key, const Values &values) {
  REQUIRE(form_of(key).count() == values.size());
  store(form_of(key), values, state(key));
}

int64_t *Module::num_batches_tracked() const { return static_cast<int64_t *>(entry("num_batches_tracked")->data); }

Values Module::forward_at(const TensorForm &form, const Values &input) {
  StoredTensor from(form, input), to(form, Values(form.count(), std::nan("")));
  TensorView x(from.data(), form.shape, form.dtype), y(to.data(), form.shape, form.dtype);
  x.set_strides(form.strides);
  y.set_strides(form.strides);
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  status = halogen_module_forward(handle_, &x.dl, &y.dl, nullptr, &ran, &error);
  message = error.message;
  if (status == HALOGEN_OK) record_ran(ran);
  return to.values();
}

Values Module::forward(const Values &input, const std::vector<int64_t> &shape) {
  return forward_at({float32, shape, dense_strides(shape)}, input);
}

}  // namespace halogen_tests
