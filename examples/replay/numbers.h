// numbers.h: tensors of float64, float32, float16 and bfloat16 as numbers.
#pragma once

#include <halogen/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "safetensors.h"

namespace replay {

using Numbers = std::vector<double>;

/// A floating-point type: its name in a .safetensors file and in a case's metadata, its binary digits, the least exponent of a normal
/// number, its largest number.
struct NumberType {
  const char *file_name, *meta_name;
  DLDataType dlpack;
  int digits, least;
  double largest;

  size_t bytes() const { return dlpack.bits / 8u; }
};

inline constexpr NumberType kNumberTypes[] = {
    {"F32", "float32", {kDLFloat, 32, 1}, 24, -126, std::numeric_limits<float>::max()},
    {"F64", "float64", {kDLFloat, 64, 1}, 53, -1022, std::numeric_limits<double>::max()},
    {"F16", "float16", {kDLFloat, 16, 1}, 11, -14, 65504},
    {"BF16", "bfloat16", {kDLBfloat, 16, 1}, 8, -126, 0x1.fep127}};

inline const NumberType &number_type(const std::string &name) {
  for (const NumberType &type : kNumberTypes) {
    if (name == type.file_name || name == type.meta_name) return type;
  }
  throw std::runtime_error("\"" + name + "\" is not a floating-point type");
}

inline const NumberType &number_type(const DLDataType &dtype) {
  for (const NumberType &type : kNumberTypes) {
    if (dtype.code == type.dlpack.code && dtype.bits == type.dlpack.bits) return type;
  }
  throw std::runtime_error("not a floating-point type");
}

inline double decode(const NumberType &type, const unsigned char *from) {
  if (type.bytes() == 8) {
    double value = 0;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  uint16_t half = 0;
  if (type.bytes() == 2) std::memcpy(&half, from, sizeof half);
  if (type.digits == 11) {
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    if (exponent == 31) magnitude = mantissa != 0 ? std::nan("") : std::numeric_limits<double>::infinity();
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
  }
  // A bfloat16 is the upper half of a float32.
  uint32_t bits = uint32_t{half} << 16;
  if (type.bytes() == 4) std::memcpy(&bits, from, sizeof bits);
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return static_cast<double>(value);
}

/// Half the distance between neighbouring numbers of the type at `value`.
inline double half_ulp(const NumberType &type, double value) {
  int exponent = 0;
  std::frexp(value, &exponent);
  return std::ldexp(0.5, std::max(exponent, type.least + 1) - type.digits);
}

/// A tensor of a file, in C order.
inline Numbers numbers_of(const Tensor &tensor) {
  const NumberType &type = number_type(tensor.dtype);
  Numbers values(tensor.bytes / type.bytes());
  for (size_t i = 0; i < values.size(); ++i) values[i] = decode(type, tensor.data + i * type.bytes());
  return values;
}

/// A tensor in memory, its channels second or last.
class Array {
 public:
  Array() = default;
  /// @param bytes in C order.
  Array(const NumberType &type, std::vector<int64_t> shape, bool channels_last, const void *bytes)
      : type_(&type), shape_(std::move(shape)), strides_(shape_.size(), 1) {
    int64_t stride = 1;
    const auto lay = [&](size_t d) {
      strides_[d] = stride;
      stride *= shape_[d];
    };
    if (channels_last) lay(1);
    for (size_t d = shape_.size(); d-- > 0;) {
      if (!channels_last || d != 1) lay(d);
    }
    bytes_.resize(static_cast<size_t>(stride) * type.bytes());
    const auto *from = static_cast<const unsigned char *>(bytes);
    for_each([&](size_t i, size_t at) { std::memcpy(&bytes_[at], from + i * type_->bytes(), type_->bytes()); });
  }

  const NumberType &type() const { return *type_; }
  const std::vector<int64_t> &shape() const { return shape_; }

  /// In C order.
  Numbers values() const {
    Numbers all(bytes_.size() / type_->bytes());
    for_each([&](size_t i, size_t at) { all[i] = decode(*type_, &bytes_[at]); });
    return all;
  }

  /// All bits set: a NaN in every type.
  void spoil() { std::fill(bytes_.begin(), bytes_.end(), static_cast<unsigned char>(0xff)); }

  /// One more dimension, of extent 1, before dimension `at`.
  void add_dimension(size_t at) {
    shape_.insert(shape_.begin() + static_cast<std::ptrdiff_t>(at), 1);
    strides_.insert(strides_.begin() + static_cast<std::ptrdiff_t>(at), 1);
  }

  DLTensor view() {
    DLTensor tensor = {};
    tensor.data = bytes_.data();
    tensor.device = {kDLCPU, 0};
    tensor.ndim = static_cast<int32_t>(shape_.size());
    tensor.dtype = type_->dlpack;
    tensor.shape = shape_.data();
    tensor.strides = strides_.data();
    return tensor;
  }

 private:
  /// body(index in C order, byte offset)
  template <typename Body>
  void for_each(const Body &body) const {
    std::vector<int64_t> index(shape_.size(), 0);
    const size_t count = bytes_.size() / type_->bytes();
    for (size_t i = 0; i < count; ++i) {
      int64_t at = 0;
      for (size_t d = 0; d < shape_.size(); ++d) at += index[d] * strides_[d];
      body(i, static_cast<size_t>(at) * type_->bytes());
      for (size_t d = shape_.size(); d-- > 0 && ++index[d] == shape_[d];) index[d] = 0;
    }
  }

  const NumberType *type_ = &kNumberTypes[0];
  std::vector<int64_t> shape_, strides_;
  std::vector<unsigned char> bytes_;
};

}  // namespace replay
