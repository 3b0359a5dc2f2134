#include "strided_copy.h"

#include <algorithm>

#include "integers.h"
#include "kernels_tensor.h"

namespace halogen {

enum class TensorRole { copy };

#define HALOGEN_KERNEL_ID TensorRole
#define HALOGEN_KERNEL HALOGEN_KERNEL_ROW
#include "kernels_tensor.inc"
#undef HALOGEN_KERNEL
#undef HALOGEN_KERNEL_ID

namespace {

constexpr int32_t kRank = 4, kGpuRank = kMaxRank;  // of a kernel's buffers
// Elements from a buffer's first to its last: a kernel counts on to the end of a block.
constexpr int64_t kReach = kMaxElements - 1024;
constexpr int64_t kTaskBytes = 128 * 1024;

/// Bits are copied, whatever they mean.
Dtype bits_of(Dtype dtype) { return dtype == Dtype::bf16 ? Dtype::f16 : dtype; }

struct Loop {
  int64_t extent, from, to;
};

struct Loops {
  Loop loop[kMaxRank];
  int32_t count = 0;

  Loops(const Strided &from, const Strided &to) {
    // Innermost first: what is dense where it is written, then what is dense where it is read.
    for (int32_t d = 0; d < from.rank; ++d) {
      if (from.extent[d] == 1) continue;
      int32_t at = count++;
      for (; at > 0 && loop[at - 1].to > to.stride[d]; --at) loop[at] = loop[at - 1];
      loop[at] = {from.extent[d], from.stride[d], to.stride[d]};
    }
    merge();
    const auto dense = std::find_if(loop, loop + count, [](const Loop &l) { return l.from == 1; });
    if (dense > loop + 1 && dense < loop + count) std::rotate(loop + 1, dense, dense + 1);
  }

  /// Loops that run on where another ends become one.
  void merge() {
    int32_t kept = 0;
    for (int32_t i = 1; i < count; ++i) {
      Loop &inner = loop[kept];
      const bool follows = loop[i].from == inner.extent * inner.from && loop[i].to == inner.extent * inner.to;
      if (follows && inner.extent * loop[i].extent <= kMaxElements) {
        inner.extent *= loop[i].extent;
      } else {
        loop[++kept] = loop[i];
      }
    }
    if (count > 0) count = kept + 1;
  }
};

class Copier {
 public:
  Copier(Call *call, Dtype dtype, Variant variant)
      : call_(call),
        dtype_(bits_of(dtype)),
        variant_(variant),
        gpu_(variant == Variant::cuda || variant == Variant::opencl),
        rank_(gpu_ ? kGpuRank : kRank) {}

  /// The `count` inner loops; what a kernel cannot take at once is taken in parts here.
  int run(const Loops &loops, int32_t count, const Memory &from, const Memory &to) {
    const Loop last = count > 0 ? loops.loop[count - 1] : Loop{1, 1, 1};
    const int64_t at_once = count > rank_ ? 0 : fitting(loops, count);
    if (at_once >= last.extent) return launch(loops, count, from, to);
    const int64_t step = std::max<int64_t>(at_once, 1), bytes = dtype_bytes(dtype_);
    Loops part = loops;
    int code = 0;
    for (int64_t i = 0; i < last.extent && code == 0; i += step) {
      part.loop[count - 1].extent = std::min(step, last.extent - i);
      const Memory from_part = from.at(i * last.from, bytes), to_part = to.at(i * last.to, bytes);
      code = at_once == 0 ? run(part, count - 1, from_part, to_part) : launch(part, count, from_part, to_part);
    }
    return code;
  }

 private:
  /// How much of the outermost loop a kernel can address; 0: not the loops inside it.
  int64_t fitting(const Loops &loops, int32_t count) const {
    if (count == 0) return 1;
    const Loop &last = loops.loop[count - 1];
    int64_t at_once = last.extent;
    for (int64_t Loop::*stride : {&Loop::from, &Loop::to}) {
      // With the gap that follows a loop's last element: that is how Halide counts.
      int64_t left = kReach - 1;
      for (int32_t i = 0; i < count - 1; ++i) left -= loops.loop[i].extent * (loops.loop[i].*stride);
      if (left < 0) return 0;
      if (last.*stride > 0) at_once = std::min(at_once, left / (last.*stride));
    }
    return gpu_ ? gpu_part(at_once, last.extent) : at_once;
  }

  int launch(const Loops &loops, int32_t count, const Memory &from, const Memory &to) {
    Loop l[kMaxRank];
    halide_dimension_t from_dims[kMaxRank], to_dims[kMaxRank];
    for (int32_t i = 0; i < rank_; ++i) {
      l[i] = i < count ? loops.loop[i] : Loop{1, 1, 1};
      from_dims[i] = dim(l[i].extent, l[i].from);
      to_dims[i] = dim(l[i].extent, l[i].to);
    }
    const auto type = halide_type_t(dtype_ == Dtype::f16 ? halide_type_uint : halide_type_float,
                                    static_cast<uint8_t>(8 * dtype_bytes(dtype_)));
    Buffer source(from, type, from_dims, rank_), target(to, type, to_dims, rank_);
    const int64_t row = l[0].extent * dtype_bytes(dtype_), planes = l[2].extent * l[3].extent;
    const int64_t grain = std::clamp<int64_t>(kTaskBytes / row, 1, l[1].extent);
    const int64_t grain_planes = std::clamp<int64_t>(kTaskBytes / (row * l[1].extent), 1, planes);
    return find_kernel<TensorRole::copy>(dtype_, variant_)
        .function(call_, source, static_cast<int32_t>(grain), static_cast<int32_t>(grain_planes), target);
  }

  Call *call_;
  Dtype dtype_;
  Variant variant_;
  bool gpu_;
  int32_t rank_;
};

}  // namespace

Strided strided(const Tensor &tensor) {
  Strided all = {tensor.memory, tensor.ndim, {}, {}};
  int64_t dense = 1;
  for (int32_t d = tensor.ndim - 1; d >= 0; --d) {
    all.extent[d] = tensor.shape[d];
    all.stride[d] = tensor.strides != nullptr ? tensor.strides[d] : dense;
    dense *= tensor.shape[d];
  }
  return all;
}

const char *strided_copy_name(Dtype dtype, Variant variant) {
  return find_kernel<TensorRole::copy>(bits_of(dtype), variant).name;
}

int strided_copy(Call *call, Dtype dtype, Variant variant, const Strided &from, const Strided &to) {
  const Loops loops(from, to);
  return Copier(call, dtype, variant).run(loops, loops.count, from.memory, to.memory);
}

}  // namespace halogen
