// Numbers of other types than float32, and tensors with other strides than dense ones.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "conv_problem.h"
#include "tensor.h"

namespace halogen_tests {

inline size_t at(int64_t i) { return static_cast<size_t>(i); }

struct Type {
  DLDataType dl;
  double unit;     /**< half a unit in the last place, relative */
  double sum_unit; /**< of a sum, relative to its magnitudes */
};
inline constexpr Type types[] = {
    {{kDLFloat, 64, 1}, 1.2e-16, 2e-15}, {{kDLFloat, 16, 1}, 4.9e-4, 1e-6}, {{kDLBfloat, 16, 1}, 3.95e-3, 1e-6}};

/** A multiple of 1/8 below 2 in magnitude, which every type has, as 16 bits. */
inline uint16_t bits16(const Type &type, float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  if (type.dl.code == kDLBfloat) return static_cast<uint16_t>(bits >> 16);
  const uint32_t magnitude = bits & 0x7fffffff;
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | (magnitude == 0 ? 0 : (magnitude - (112u << 23)) >> 13));
}

inline double value16(const Type &type, uint16_t bits) {
  if (type.dl.code == kDLBfloat) {
    const uint32_t wide = uint32_t{bits} << 16;
    float value = 0;
    std::memcpy(&value, &wide, sizeof value);
    return value;
  }
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double magnitude = exponent == 31  ? (mantissa ? std::nan("") : std::numeric_limits<double>::infinity())
                           : exponent == 0 ? std::ldexp(mantissa, -24)
                                           : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** Memory for numbers of a type. */
struct Typed {
  Typed(const Type &t, const std::vector<float> &from) : type(t), wide(from.begin(), from.end()) {
    for (const float value : from) narrow.push_back(bits16(type, value));
  }
  void *data() { return type.dl.bits == 64 ? static_cast<void *>(wide.data()) : narrow.data(); }
  double operator[](size_t i) const { return type.dl.bits == 64 ? wide[i] : value16(type, narrow[i]); }

  Type type;
  std::vector<double> wide;
  std::vector<uint16_t> narrow;
};

inline ConvData eighths(const ConvProblem &problem, uint64_t stream) {
  ConvData data = ordinary_data(problem, stream);
  for (auto *values : {&data.input, &data.weight, &data.bias}) {
    for (float &value : *values) value = std::nearbyint(value * 8) / 8;
  }
  return data;
}

/** Strides for a shape: dimensions nested in a random order, with random gaps. */
inline std::vector<int64_t> random_strides(Random &random, const std::vector<int64_t> &shape, int64_t *elements) {
  std::vector<size_t> order(shape.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  random.shuffle(order);
  std::vector<int64_t> strides(shape.size());
  int64_t next = 1 + static_cast<int64_t>(random.below(2));
  for (const size_t d : order) {
    strides[d] = next;
    next = next * shape[d] + static_cast<int64_t>(random.below(4));
  }
  *elements = next;
  return strides;
}

/** A dense tensor's numbers, laid out with strides; what lies between is 99. */
struct Spread {
  Spread(Random &random, const std::vector<float> &dense, std::vector<int64_t> dims) : shape(std::move(dims)) {
    int64_t elements = 0;
    strides = random_strides(random, shape, &elements);
    memory.assign(at(elements), 99.0f);
    for (size_t i = 0; i < dense.size(); ++i) memory[place(i)] = dense[i];
  }
  size_t place(size_t index) const {
    int64_t offset = 0;
    for (size_t d = shape.size(); d-- > 0;) {
      offset += static_cast<int64_t>(index) % shape[d] * strides[d];
      index /= at(shape[d]);
    }
    return at(offset);
  }

  std::vector<int64_t> shape, strides;
  std::vector<float> memory;
};

/** The last two dimensions change places. */
inline std::vector<int64_t> swapped(std::vector<int64_t> dims) {
  std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
  return dims;
}

}  // namespace halogen_tests
