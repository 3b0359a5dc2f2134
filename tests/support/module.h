// Modules for tests, torch's ones at once: created or the test fails, destroyed at the end.
#pragma once

#include <halogen/torch.h>

#include <string>
#include <vector>

#include "norm_form.h"

namespace halogen_tests {

halogen_torch_batch_norm_params batch_norm_params(int64_t num_features);
halogen_torch_instance_norm_params instance_norm_params(int64_t num_features);
halogen_torch_group_norm_params group_norm_params(int64_t num_groups, int64_t num_channels);
/** `normalized_shape` must live until the module is created. */
halogen_torch_layer_norm_params layer_norm_params(const std::vector<int64_t> &normalized_shape);

/** Owns a module. */
class Module {
 public:
  using CreateBatchNorm = decltype(halogen_torch_batch_norm2d_create);
  using CreateInstanceNorm = decltype(halogen_torch_instance_norm2d_create);
  Module(halogen_context *context, const halogen_torch_batch_norm_params &params,
         CreateBatchNorm *create = halogen_torch_batch_norm2d_create);
  Module(halogen_context *context, const halogen_torch_instance_norm_params &params,
         CreateInstanceNorm *create = halogen_torch_instance_norm2d_create);
  Module(halogen_context *context, const halogen_torch_group_norm_params &params);
  Module(halogen_context *context, const halogen_torch_layer_norm_params &params);
  explicit Module(halogen_module *owned) : handle_(owned) {}
  ~Module();
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  halogen_module *get() const { return handle_; }
  /** Gives the module up. */
  halogen_module *release();
  void set_training(bool training);

  /** The keys, in the module's order. */
  std::vector<std::string> keys() const;
  /** The memory of an entry. */
  void *state(const char *key) const;
  /** The numbers of an entry. */
  Values copy_of(const char *key) const;
  void set(const char *key, const Values &values);
  int64_t *num_batches_tracked() const;

  /** Forward on copies; the kernels go on record. `status` and `message` receive what came. */
  Values forward_at(const TensorForm &form, const Values &input);
  /** The same with dense float32 tensors. */
  Values forward(const Values &input, const std::vector<int64_t> &shape);
  halogen_status status = HALOGEN_OK;
  std::string message;

 private:
  const DLTensor *entry(const char *key) const;
  TensorForm form_of(const char *key) const;
  halogen_module *handle_ = nullptr;
};

}  // namespace halogen_tests
