// The caller's tensors: checked, and seen as Halide's buffers.
#pragma once

#include <halogen/core.h>

#include "HalideRuntime.h"
#include "gpu.h"
#include "kernel_table.h"
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
  DLDataType dtype;
  const int64_t *shape;
  const int64_t *strides;  ///< elements; NULL: row-major without gaps
  int32_t ndim;
  int64_t elements;
  int64_t bytes;  ///< from the first to the last, gaps included
  Memory memory;
};

constexpr DLDataType kFloat32 = {kDLFloat, 32, 1}, kFloat64 = {kDLFloat, 64, 1}, kFloat16 = {kDLFloat, 16, 1},
                     kBfloat16 = {kDLBfloat, 16, 1};

inline bool same_dtype(const DLDataType &a, const DLDataType &b) {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

/// The dtype as kernels have it; false for others.
bool dtype_of(const DLDataType &from, Dtype *dtype);

/// The data type in DLPack's terms.
DLDataType dlpack_of(Dtype dtype);

/// Checks everything about a tensor of data that does not depend on others: shape, strides, a dtype of kernels, size, data.
/// `need_data`: 0 for a query, where data pointers may be NULL. Strides are any of 0 or more.
halogen_status check_data(const Report &report, const char *name, const DLTensor *tensor, bool need_data,
                          Tensor *checked);

/// As above, for a contiguous tensor of one dtype.
halogen_status check_tensor(const Report &report, const char *name, const DLTensor *tensor, const DLDataType &dtype,
                            bool need_data, Tensor *checked);

/// As above, for a vector.
halogen_status check_vector(const Report &report, const char *name, const DLTensor *tensor, const DLDataType &dtype,
                            int64_t length, bool need_data, Tensor *checked);

/// The device of a tensor: of a call's first one that the library has kernels for it, of another that it is the first one's.
halogen_status check_device(const Report &report, const Tensor &tensor);
halogen_status check_same_device(const Report &report, const Tensor &tensor, const Tensor &first);

/// Where a tensor begins in its memory on a GPU: `call` is begun there. No memory is right.
halogen_status check_offset(const Report &report, const GpuState &gpu, const Call &call, const char *name,
                            const Memory &memory);

/// Whether two tensors share a byte, those in gaps included.
bool overlap(const Tensor &a, const Tensor &b);

/// Whether two tensors of the same shape have the same strides.
bool same_places(const Tensor &a, const Tensor &b);

/// Whether two elements of a tensor lie at the same place, as far as strides can tell.
bool overlaps_itself(const Tensor &tensor);

/// Whether they begin at the same byte.
bool same_start(const Tensor &a, const Tensor &b);

/// "float32", "int64", ...; "float32 x 4" for vectors of 4.
struct DtypeText {
  char text[40];
  explicit DtypeText(const DLDataType &dtype);
};

/// "(2, 3, 4)" into `text`.
const char *shape_text(const Tensor &tensor, char (&text)[160]);

/// Data of the dtype, to Halide: 16-bit types are bits.
halide_type_t type_of(Dtype dtype);

/// A Halide buffer over a Memory, with its own dimensions; stays where it was made.
class Buffer {
 public:
  Buffer(const Memory &memory, halide_type_t type, std::initializer_list<halide_dimension_t> dims)
      : Buffer(memory, type, dims.begin(), static_cast<int32_t>(dims.size())) {}
  Buffer(const Memory &memory, halide_type_t type, const halide_dimension_t *dims, int32_t count);
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  operator halide_buffer_t *() { return &buffer_; }

 private:
  halide_buffer_t buffer_;
  halide_dimension_t dims_[8];
  OpenClMemory opencl_;
};

inline halide_dimension_t dim(int64_t extent, int64_t stride) {
  return {0, static_cast<int32_t>(extent), static_cast<int32_t>(stride), 0};
}

}  // namespace halogen
