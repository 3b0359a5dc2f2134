// case_module.h: the module of a recorded case, and its state under the names that the files have for it.
#pragma once

#include <cstdint>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters.h"
#include "numbers.h"
#include "safetensors.h"

namespace replay {

inline int64_t product(const std::vector<int64_t> &shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

class CaseModule {
 public:
  explicit CaseModule(const Safetensors &file) : file_(file) {}

  /// Makes the module and loads its state.
  void create(halogen_context *context, const Adapter &adapter, const Recipe &recipe) {
    adapter_ = &adapter;
    module_ = adapter.create(context, recipe);
    load_state();
  }

  halogen_module *get() const { return module_.get(); }
  const Adapter &adapter() const { return *adapter_; }

  /// @param name as the files have it.
  const DLTensor *state(const std::string &name) const {
    const DLTensor *tensor = nullptr;
    Call call;
    call.check(halogen_module_state(module_.get(), adapter_->key(name).c_str(), &tensor, call.error()));
    return tensor;
  }

  bool has_state(const std::string &name) const {
    const std::string key = adapter_->key(name);
    for (size_t i = 0; i < halogen_module_state_count(module_.get()); ++i) {
      if (key == halogen_module_state_key(module_.get(), i)) return true;
    }
    return false;
  }

  /// Of the module's parameters and statistics.
  const NumberType &parameter_type() const {
    const std::string name = file_.meta("param_dtype");
    return number_type(name.empty() ? "float32" : name);
  }

  Numbers state_or_empty(const std::string &key) const {
    if (!has_state(key)) return {};
    const DLTensor *tensor = state(key);
    const NumberType &type = parameter_type();
    const auto *bytes = static_cast<const unsigned char *>(tensor->data) + tensor->byte_offset;
    size_t count = 1;
    for (int32_t d = 0; d < tensor->ndim; ++d) count *= static_cast<size_t>(tensor->shape[d]);
    Numbers values(count);
    for (size_t i = 0; i < values.size(); ++i) values[i] = decode(type, bytes + i * type.bytes());
    return values;
  }

  int64_t batches() const {
    if (!has_state("num_batches_tracked")) return 0;
    const DLTensor *tensor = state("num_batches_tracked");
    return static_cast<const int64_t *>(tensor->data)[tensor->byte_offset / sizeof(int64_t)];
  }

  /// (C_in, C_out / groups, K); empty for a normalisation without weight.
  const std::vector<int64_t> &weight_shape() const { return weight_shape_; }

 private:
  /// A state tensor of the file that the module does not have is an error: the module is not the one that was recorded.
  void load_state() {
    for (const char *key : {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}) {
      const Tensor *tensor = file_.find(key);
      if (tensor == nullptr) continue;
      const bool integer = tensor->dtype == "I64";
      if (!integer && &number_type(tensor->dtype) != &parameter_type()) {
        throw std::runtime_error(std::string(key) + " is " + tensor->dtype);
      }
      // Files have one shape for all frameworks; the elements are in the same order.
      const DLTensor *entry = state(key);
      std::vector<int64_t> shape(entry->shape, entry->shape + entry->ndim);
      if (product(shape) != product(tensor->shape)) throw std::runtime_error(std::string(key) + " has another size");
      std::vector<unsigned char> bytes(tensor->data, tensor->data + tensor->bytes);
      DLTensor loaded = {};
      loaded.data = bytes.data();
      loaded.device = {kDLCPU, 0};
      loaded.ndim = static_cast<int32_t>(shape.size());
      loaded.dtype = integer ? DLDataType{kDLInt, 64, 1} : parameter_type().dlpack;
      loaded.shape = shape.data();
      Call call;
      call.check(halogen_module_load_state(module_.get(), adapter_->key(key).c_str(), &loaded, call.error()));
      if (std::string(key) == "weight") weight_shape_ = tensor->shape;
    }
  }

  const Safetensors &file_;
  const Adapter *adapter_ = nullptr;
  Module module_;
  std::vector<int64_t> weight_shape_;
};

}  // namespace replay
