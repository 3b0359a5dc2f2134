// tensors.h: tensors of any dtype and layout with memory of their own.
#pragma once

#include <halogen/core.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace halogen_bench {

struct Dtype {
  const char *name;
  DLDataType dl;

  size_t bytes() const { return dl.bits / size_t{8}; }
};
inline constexpr Dtype kF32 = {"f32", {kDLFloat, 32, 1}}, kF64 = {"f64", {kDLFloat, 64, 1}};
inline constexpr Dtype kF16 = {"f16", {kDLFloat, 16, 1}}, kBF16 = {"bf16", {kDLBfloat, 16, 1}};

/// A tensor of rank 1 to 5, aligned to a page so that no run is luckier than another.
class OwnedTensor {
 public:
  /// A sawtooth, first + step * (i % 1021): ordinary numbers, no two neighbours alike, and a period that no extent shares. 16-bit
  /// values are cut off and must not be denormal. With `channel_last` the shape is (N, C, ...) still, the memory is not.
  OwnedTensor(const std::vector<int64_t> &shape, double first, double step, const Dtype &dtype = kF32,
              bool channel_last = false);
  OwnedTensor(const OwnedTensor &) = delete;
  OwnedTensor &operator=(const OwnedTensor &) = delete;

  const DLTensor *dl() const { return &tensor_; }
  /// The memory as the copies see it, and as many whole floats as it has.
  float *data() const { return data_.get(); }
  size_t floats() const { return bytes_ / sizeof(float); }
  size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(float *p) const;
  };
  int64_t shape_[5] = {}, strides_[5] = {};
  size_t bytes_;
  std::unique_ptr<float, Free> data_;
  DLTensor tensor_;
};

}  // namespace halogen_bench
