#include "tensor.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "HalideRuntime.h"

namespace halogen {
namespace {

constexpr int32_t kMaxRank = 8;

/// Row-major without gaps; the stride of a dimension of extent 1 does not matter.
halogen_status check_contiguous(const Report &report, const char *name, const DLTensor &tensor) {
  if (tensor.strides == nullptr) return HALOGEN_OK;
  int64_t expected = 1;
  for (int32_t i = tensor.ndim - 1; i >= 0; --i) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) {
      return fail(report, HALOGEN_ERROR_LAYOUT,
                  "%s: expected contiguous data, a stride of %lld in dimension %d, got %lld", name,
                  static_cast<long long>(expected), i, static_cast<long long>(tensor.strides[i]));
    }
    expected *= tensor.shape[i];
  }
  return HALOGEN_OK;
}

halogen_status check_shape(const Report &report, const char *name, const DLTensor &tensor, int64_t element_bytes,
                           Tensor *checked) {
  if (tensor.ndim < 0 || tensor.ndim > kMaxRank) {
    return fail(report, HALOGEN_ERROR_RANK, "%s: expected at most %d dimensions, got %d", name, kMaxRank, tensor.ndim);
  }
  if (tensor.ndim > 0 && tensor.shape == nullptr) {
    return fail(report, HALOGEN_ERROR_NULL_POINTER, "%s: expected a shape of %d extents, got NULL", name, tensor.ndim);
  }
  // The product of the extents that are not 0: an empty tensor may not hide one that would overflow.
  int64_t product = 1;
  bool empty = false;
  for (int32_t i = 0; i < tensor.ndim; ++i) {
    const int64_t extent = tensor.shape[i];
    if (extent < 0) {
      return fail(report, HALOGEN_ERROR_SHAPE, "%s: expected extents of 0 or more, got %lld in dimension %d", name,
                  static_cast<long long>(extent), i);
    }
    empty = empty || extent == 0;
    if (extent > 0 && __builtin_mul_overflow(product, extent, &product)) {
      return fail(report, HALOGEN_ERROR_SIZE, "%s: expected fewer than 2^63 elements, got more (dimension %d is %lld)",
                  name, i, static_cast<long long>(extent));
    }
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(product, element_bytes, &bytes)) {
    return fail(report, HALOGEN_ERROR_SIZE, "%s: expected fewer than 2^63 bytes, got more", name);
  }
  checked->elements = empty ? 0 : product;
  checked->bytes = empty ? 0 : bytes;
  return HALOGEN_OK;
}

/// Strides of 0 or more whose last element can be addressed; the bytes up to it.
halogen_status check_strides(const Report &report, const char *name, const DLTensor &tensor, int64_t element_bytes,
                             int64_t *bytes) {
  if (tensor.strides == nullptr) return HALOGEN_OK;
  int64_t last = 0;
  for (int32_t i = 0; i < tensor.ndim; ++i) {
    const int64_t stride = tensor.strides[i];
    int64_t along = 0;
    if (tensor.shape[i] == 1) continue;
    if (stride < 0) {
      return fail(report, HALOGEN_ERROR_LAYOUT, "%s: expected strides of 0 or more, got %lld in dimension %d", name,
                  static_cast<long long>(stride), i);
    }
    if (__builtin_mul_overflow(tensor.shape[i] - 1, stride, &along) || __builtin_add_overflow(last, along, &last)) {
      return fail(report, HALOGEN_ERROR_SIZE, "%s: expected strides that reach over fewer than 2^63 elements, got more",
                  name);
    }
  }
  int64_t elements = 0;
  if (__builtin_add_overflow(last, int64_t{1}, &elements) || __builtin_mul_overflow(elements, element_bytes, bytes)) {
    return fail(report, HALOGEN_ERROR_SIZE, "%s: expected strides that reach over fewer than 2^63 bytes, got more",
                name);
  }
  return HALOGEN_OK;
}

/// What is left to check of a tensor whose shape, dtype and strides are right.
halogen_status check_memory(const Report &report, const char *name, const DLTensor &tensor, bool need_data,
                            Tensor *checked) {
  if (need_data && checked->elements > 0 && tensor.data == nullptr) {
    return fail(report, HALOGEN_ERROR_NULL_POINTER, "%s: expected data, got NULL", name);
  }
  const uint64_t unit = tensor.dtype.bits / 8;
  const uint64_t start = tensor.device.device_type == kDLCPU ? reinterpret_cast<uintptr_t>(tensor.data) : 0;
  if ((start + tensor.byte_offset) % unit != 0) {
    return fail(report, HALOGEN_ERROR_LAYOUT, "%s: expected data aligned to %d bytes, got an address that is not", name,
                static_cast<int>(unit));
  }
  checked->name = name;
  checked->dtype = tensor.dtype;
  checked->shape = tensor.shape;
  checked->strides = tensor.strides;
  checked->ndim = tensor.ndim;
  checked->memory = {tensor.device, tensor.data, tensor.byte_offset};
  return HALOGEN_OK;
}

constexpr struct {
  DLDataType dlpack;
  Dtype dtype;
} kDtypes[] = {{kFloat32, Dtype::f32}, {kFloat64, Dtype::f64}, {kFloat16, Dtype::f16}, {kBfloat16, Dtype::bf16}};

}  // namespace

bool dtype_of(const DLDataType &from, Dtype *dtype) {
  for (const auto &known : kDtypes) {
    if (!same_dtype(from, known.dlpack)) continue;
    *dtype = known.dtype;
    return true;
  }
  return false;
}

DLDataType dlpack_of(Dtype dtype) {
  for (const auto &known : kDtypes) {
    if (known.dtype == dtype) return known.dlpack;
  }
  return kFloat32;
}

DtypeText::DtypeText(const DLDataType &dtype) {
  constexpr const char *kCodes[] = {"int", "uint", "float", "handle", "bfloat", "complex"};
  const char *code = dtype.code < sizeof(kCodes) / sizeof(kCodes[0]) ? kCodes[dtype.code] : "type";
  const int used = std::snprintf(text, sizeof(text), "%s%d", code, dtype.bits);
  if (dtype.lanes != 1) std::snprintf(text + used, sizeof(text) - static_cast<size_t>(used), " x %d", dtype.lanes);
}

const char *shape_text(const Tensor &tensor, char (&text)[160]) {
  size_t used = 0;
  used += static_cast<size_t>(std::snprintf(text, sizeof(text), "("));
  for (int32_t i = 0; i < tensor.ndim && used < sizeof(text); ++i) {
    used += static_cast<size_t>(std::snprintf(text + used, sizeof(text) - used, "%s%lld", i > 0 ? ", " : "",
                                              static_cast<long long>(tensor.shape[i])));
  }
  if (used < sizeof(text)) std::snprintf(text + used, sizeof(text) - used, ")");
  return text;
}

halogen_status check_tensor(const Report &report, const char *name, const DLTensor *tensor, const DLDataType &dtype,
                            bool need_data, Tensor *checked) {
  if (tensor == nullptr) return fail_null(report, name);
  const halogen_status status = check_shape(report, name, *tensor, dtype.bits / 8, checked);
  if (status != HALOGEN_OK) return status;
  if (!same_dtype(tensor->dtype, dtype)) {
    return fail(report, HALOGEN_ERROR_DTYPE, "%s: expected %s, got %s", name, DtypeText(dtype).text,
                DtypeText(tensor->dtype).text);
  }
  if (checked->elements > 0) {
    const halogen_status contiguous = check_contiguous(report, name, *tensor);
    if (contiguous != HALOGEN_OK) return contiguous;
  }
  return check_memory(report, name, *tensor, need_data, checked);
}

halogen_status check_data(const Report &report, const char *name, const DLTensor *tensor, bool need_data,
                          Tensor *checked) {
  if (tensor == nullptr) return fail_null(report, name);
  const int64_t bytes = tensor->dtype.bits / 8;
  halogen_status status = check_shape(report, name, *tensor, bytes, checked);
  if (status != HALOGEN_OK) return status;
  Dtype known;
  if (!dtype_of(tensor->dtype, &known)) {
    return fail(report, HALOGEN_ERROR_DTYPE, "%s: expected float32, float64, float16 or bfloat16, got %s", name,
                DtypeText(tensor->dtype).text);
  }
  if (checked->elements > 0) status = check_strides(report, name, *tensor, bytes, &checked->bytes);
  return status == HALOGEN_OK ? check_memory(report, name, *tensor, need_data, checked) : status;
}

halogen_status check_vector(const Report &report, const char *name, const DLTensor *tensor, const DLDataType &dtype,
                            int64_t length, bool need_data, Tensor *checked) {
  const halogen_status status = check_tensor(report, name, tensor, dtype, need_data, checked);
  if (status != HALOGEN_OK) return status;
  if (checked->ndim != 1) {
    return fail(report, HALOGEN_ERROR_RANK, "%s: expected 1 dimension, got %d", name, checked->ndim);
  }
  if (checked->shape[0] != length) {
    return fail(report, HALOGEN_ERROR_SHAPE, "%s: expected %lld elements, got %lld", name,
                static_cast<long long>(length), static_cast<long long>(checked->shape[0]));
  }
  return HALOGEN_OK;
}

bool same_start(const Tensor &a, const Tensor &b) {
  const bool handles = a.memory.device.device_type == kDLOpenCL;
  return handles ? a.memory.base == b.memory.base && a.memory.offset == b.memory.offset
                 : a.memory.address() == b.memory.address();
}

bool same_places(const Tensor &a, const Tensor &b) {
  int64_t dense = 1;
  for (int32_t d = a.ndim - 1; d >= 0; --d) {
    const auto stride = [&](const Tensor &t) { return t.strides != nullptr ? t.strides[d] : dense; };
    if (a.shape[d] != 1 && stride(a) != stride(b)) return false;
    dense *= a.shape[d];
  }
  return true;
}

bool overlaps_itself(const Tensor &t) {
  if (t.strides == nullptr || t.elements == 0) return false;
  int32_t order[kMaxRank], count = 0;  // innermost first
  for (int32_t d = 0; d < t.ndim; ++d) {
    if (t.shape[d] == 1) continue;
    int32_t at = count++;
    for (; at > 0 && t.strides[order[at - 1]] > t.strides[d]; --at) order[at] = order[at - 1];
    order[at] = d;
  }
  int64_t reach = 1;
  for (int32_t i = 0; i < count; ++i) {
    if (t.strides[order[i]] < reach) return true;
    reach += (t.shape[order[i]] - 1) * t.strides[order[i]];
  }
  return false;
}

halogen_status check_device(const Report &report, const Tensor &tensor) {
  const int type = tensor.memory.device.device_type;
  if (type == kDLCPU || (type == gpu_device_type() && type != 0)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected a tensor on the CPU (device_type %d)%s%s, got device_type %d",
              tensor.name, kDLCPU, gpu_device_type() != 0 ? " or " : "", gpu_name(), type);
}

halogen_status check_same_device(const Report &report, const Tensor &tensor, const Tensor &first) {
  const DLDevice &device = tensor.memory.device, &expected = first.memory.device;
  if (device.device_type == expected.device_type && device.device_id == expected.device_id) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected the device of %s (type %d, id %d), got (%d, %d)", tensor.name,
              first.name, static_cast<int>(expected.device_type), expected.device_id,
              static_cast<int>(device.device_type), device.device_id);
}

halogen_status check_offset(const Report &report, const GpuState &gpu, const Call &call, const char *name,
                            const Memory &memory) {
  if (memory.base == nullptr || memory.offset == 0) return HALOGEN_OK;
  const uint64_t alignment = gpu.offset_alignment(call);
  if (memory.offset % alignment == 0) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_LAYOUT,
              "%s: expected a byte_offset that is a multiple of this device's %llu, got %llu", name,
              static_cast<unsigned long long>(alignment), static_cast<unsigned long long>(memory.offset));
}

bool overlap(const Tensor &a, const Tensor &b) {
  if (a.bytes == 0 || b.bytes == 0) return false;
  // A cl_mem is a handle: different ones are different memory, as far as can be known.
  const bool handles = a.memory.device.device_type == kDLOpenCL;
  if (handles && a.memory.base != b.memory.base) return false;
  const uint64_t a0 = (handles ? 0 : reinterpret_cast<uintptr_t>(a.memory.base)) + a.memory.offset;
  const uint64_t b0 = (handles ? 0 : reinterpret_cast<uintptr_t>(b.memory.base)) + b.memory.offset;
  return a0 < b0 + static_cast<uint64_t>(b.bytes) && b0 < a0 + static_cast<uint64_t>(a.bytes);
}

halide_type_t type_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32:
      return halide_type_t(halide_type_float, 32);
    case Dtype::f64:
      return halide_type_t(halide_type_float, 64);
    default:
      return halide_type_t(halide_type_uint, 16);
  }
}

Buffer::Buffer(const Memory &memory, halide_type_t type, const halide_dimension_t *dims, int32_t count) {
  std::memset(static_cast<void *>(&buffer_), 0, sizeof(buffer_));
  buffer_.type = type;
  buffer_.dim = dims_;
  buffer_.dimensions = count;
  std::copy_n(dims, count, dims_);
  if (memory.device.device_type == kDLCPU) {
    buffer_.host = static_cast<uint8_t *>(memory.address());
    return;
  }
  buffer_.device_interface = gpu_interface();
  if (memory.device.device_type == kDLOpenCL) {
    opencl_ = {memory.offset, memory.base};
    buffer_.device = reinterpret_cast<uint64_t>(&opencl_);
  } else {
    buffer_.device = reinterpret_cast<uint64_t>(memory.address());
  }
}

}  // namespace halogen
