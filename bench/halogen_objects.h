// halogen_objects.h: the C API's objects as the benchmarks need them.
#pragma once

#include <halogen/module.h>
#include <halogen/ops.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace halogen_bench {

struct Destroy {
  void operator()(halogen_context *context) const { halogen_context_destroy(context); }
  void operator()(halogen_module *module) const { halogen_module_destroy(module); }
};
using Context = std::unique_ptr<halogen_context, Destroy>;
using Module = std::unique_ptr<halogen_module, Destroy>;

inline void check(halogen_status status, const halogen_error &error) {
  if (status != HALOGEN_OK) throw std::runtime_error(std::string(halogen_status_name(status)) + ": " + error.message);
}

inline Context make_context(int threads, halogen_isa isa) {
  halogen_context_options options = {};
  options.struct_size = sizeof options;
  options.num_threads = threads;
  options.isa = isa;
  halogen_context *context = nullptr;
  halogen_error error = HALOGEN_ERROR_INIT;
  check(halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, &error), error);
  return Context(context);
}

/// A float32 tensor of rank 1 to 4 with memory of its own, aligned to a page so that no run is luckier than another.
class OwnedTensor {
 public:
  OwnedTensor(std::initializer_list<int64_t> shape, float first, float step) {
    for (int64_t extent : shape) {
      shape_[rank_++] = extent;
      size_ *= extent;
    }
    constexpr size_t kPage = 4096;
    const size_t bytes = (static_cast<size_t>(size_) * sizeof(float) + kPage - 1) / kPage * kPage;
    data_.reset(static_cast<float *>(std::aligned_alloc(kPage, bytes)));
    if (data_ == nullptr) throw std::bad_alloc();
    // A sawtooth with a period that no extent shares: ordinary numbers, no two neighbours alike.
    for (int64_t i = 0; i < size_; ++i) data_.get()[i] = first + step * static_cast<float>(i % 1021);
    tensor_ = {};
    tensor_.data = data_.get();
    tensor_.device = {kDLCPU, 0};
    tensor_.ndim = rank_;
    tensor_.dtype = {kDLFloat, 32, 1};
    tensor_.shape = shape_;
  }
  OwnedTensor(const OwnedTensor &) = delete;
  OwnedTensor &operator=(const OwnedTensor &) = delete;

  const DLTensor *dl() const { return &tensor_; }
  float *data() const { return data_.get(); }
  size_t size() const { return static_cast<size_t>(size_); }

 private:
  struct Free {
    void operator()(float *p) const { std::free(p); }
  };
  int64_t shape_[4] = {};
  int32_t rank_ = 0;
  int64_t size_ = 1;
  std::unique_ptr<float, Free> data_;
  DLTensor tensor_;
};

}  // namespace halogen_bench
