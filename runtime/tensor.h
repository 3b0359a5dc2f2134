// The caller's tensors: checked, and seen as Halide's buffers.
#pragma once

#include <halogen/core.h>

#include "HalideRuntime.h"
#include "gpu.h"
#include "status.h"

namespace halogen {

/// Memory on any device: an address, or a cl_mem and an offset.
struct Memory {
  DLDevice device;
  void *base;
  uint64_t offset;  ///< bytes

  Memory at(int64_t elements, int64_t size) const {
    return {device, base, offset + static_cast<uint64_t>(elements * size)};
  }
  /// The address on a CPU.
  void *address() const { return static_cast<char *>(base) + offset; }
};

/// A tensor that passed its checks.
struct Tensor {
  const char *name;
  const int64_t *shape;
  int32_t ndim;
  int64_t elements;
  int64_t bytes;
  Memory memory;
};

constexpr DLDataType kFloat32 = {kDLFloat, 32, 1};

/// Checks everything about one tensor that does not depend on others: shape, dtype, contiguity, size, data. `need_data`: 0 for a
/// query, where data pointers may be NULL.
halogen_status check_tensor(const Report &report, const char *name, const DLTensor *tensor, const DLDataType &dtype,
                            bool need_data, Tensor *checked);

/// As above, for a vector of `length` elements.
halogen_status check_vector(const Report &report, const char *name, const DLTensor *tensor, const DLDataType &dtype,
                            int64_t length, bool need_data, Tensor *checked);

/// Whether two tensors share a byte.
bool overlap(const Tensor &a, const Tensor &b);

/// Whether they begin at the same byte.
bool same_start(const Tensor &a, const Tensor &b);

/// "float32", "int64", ...; "float32 x 4" for vectors of 4.
struct DtypeText {
  char text[40];
  explicit DtypeText(const DLDataType &dtype);
};

/// "(2, 3, 4)" into `text`.
const char *shape_text(const Tensor &tensor, char (&text)[160]);

/// A Halide buffer over a Memory, with its own dimensions; stays where it was made.
class Buffer {
 public:
  Buffer(const Memory &memory, halide_type_t type, std::initializer_list<halide_dimension_t> dims);
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  operator halide_buffer_t *() { return &buffer_; }

 private:
  halide_buffer_t buffer_;
  halide_dimension_t dims_[4];
  OpenClMemory opencl_;
};

inline halide_dimension_t dim(int64_t extent, int64_t stride) {
  return {0, static_cast<int32_t>(extent), static_cast<int32_t>(stride), 0};
}

}  // namespace halogen
