// torch modules for tests: created or the test fails, destroyed at the end.
#pragma once

#include <halogen/torch.h>

#include <string>
#include <vector>

#include "dtype.h"
#include "tensor.h"

namespace halogen_tests {

halogen_torch_batch_norm_params batch_norm_params(int64_t num_features);
halogen_torch_instance_norm_params instance_norm_params(int64_t num_features);

/** Owns a module. */
class Module {
 public:
  Module(halogen_context *context, const halogen_torch_batch_norm_params &params);
  Module(halogen_context *context, const halogen_torch_instance_norm_params &params);
  ~Module();
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  halogen_module *get() const { return handle_; }
  void set_training(bool training);

  /** The keys, in the module's order. */
  std::vector<std::string> keys() const;
  /** The memory of an entry. */
  void *state(const char *key) const;
  /** The numbers of a vector. */
  Values copy_of(const char *key) const;
  void set(const char *key, const Values &values);
  int64_t *num_batches_tracked() const;

  /** Forward on copies; the kernels go on record. `status` and `message` receive what came. */
  Values forward(const Values &input, const std::vector<int64_t> &shape);
  DLDataType data_type = float32; /**< of forward()'s tensors */
  halogen_status status = HALOGEN_OK;
  std::string message;

 private:
  const DLTensor *entry(const char *key) const;
  halogen_module *handle_ = nullptr;
};

}  // namespace halogen_tests
