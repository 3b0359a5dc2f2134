// DLTensor views of memory that the test owns.
#pragma once

#include <dlpack/dlpack.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace halogen_tests {

inline constexpr DLDataType float32{kDLFloat, 32, 1};
inline constexpr DLDataType float64{kDLFloat, 64, 1};
inline constexpr DLDataType float16{kDLFloat, 16, 1};
inline constexpr DLDataType bfloat16{kDLBfloat, 16, 1};
inline constexpr DLDataType int64_type{kDLInt, 64, 1};
inline constexpr DLDevice cpu{kDLCPU, 0};

/** A dense tensor over someone else's memory; its fields may be spoiled at will through `dl`. */
class TensorView {
 public:
  TensorView() = default;
  TensorView(void *data, std::vector<int64_t> shape, DLDataType dtype = float32, DLDevice device = cpu)
      : shape_(std::move(shape)) {
    dl.data = data;
    dl.device = device;
    dl.ndim = static_cast<int>(shape_.size());
    dl.dtype = dtype;
    dl.shape = shape_.data();
  }
  // A moved vector keeps its elements where they are, so dl.shape stays valid.
  TensorView(TensorView &&) = default;
  TensorView &operator=(TensorView &&) = default;
  TensorView(const TensorView &) = delete;
  TensorView &operator=(const TensorView &) = delete;

  /** Gives the tensor explicit strides, in elements. */
  void set_strides(std::vector<int64_t> strides) {
    strides_ = std::move(strides);
    dl.strides = strides_.data();
  }
  /** Gives the tensor another shape over the same memory. */
  void set_shape(std::vector<int64_t> shape) {
    shape_ = std::move(shape);
    dl.shape = shape_.data();
    dl.ndim = static_cast<int>(shape_.size());
  }

  const std::vector<int64_t> &shape() const { return shape_; }

  DLTensor dl{};

 private:
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
};

/** Number of elements of a shape. */
inline int64_t element_count(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

/** The strides of a C-ordered tensor. */
inline std::vector<int64_t> dense_strides(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

}  // namespace halogen_tests
