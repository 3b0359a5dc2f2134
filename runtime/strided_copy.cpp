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

constexpr int32_t kKernelRank = 4;
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
  Copier(Call *call, Dtype dtype, Variant variant) : call_(call), dtype_(bits_of(dtype)), variant_(variant) {}

  /// The `count` inner loops; those that a kernel cannot take are run here.
  int run(const Loops &loops, int32_t count, const Memory &from, const Memory &to) {
    int64_t from_reach = 0, to_reach = 0;
    for (int32_t i = 0; i < count; ++i) {
      from_reach += (loops.loop[i].extent - 1) * loops.loop[i].from;
      to_reach += (loops.loop[i].extent - 1) * loops.loop[i].to;
    }
    if (count <= kKernelRank && from_reach < kMaxElements && to_reach < kMaxElements)
      return launch(loops, count, from, to);
    const Loop &outer = loops.loop[count - 1];
    int code = 0;
    for (int64_t i = 0; i < outer.extent && code == 0; ++i) {
      code =
          run(loops, count - 1, from.at(i * outer.from, dtype_bytes(dtype_)), to.at(i * outer.to, dtype_bytes(dtype_)));
    }
    return code;
  }

 private:
  int launch(const Loops &loops, int32_t count, const Memory &from, const Memory &to) {
    Loop l[kKernelRank];
    for (int32_t i = 0; i < kKernelRank; ++i) l[i] = i < count ? loops.loop[i] : Loop{1, 1, 1};
    const auto type = halide_type_t(dtype_ == Dtype::f16 ? halide_type_uint : halide_type_float,
                                    static_cast<uint8_t>(8 * dtype_bytes(dtype_)));
    Buffer source(from, type,
                  {dim(l[0].extent, l[0].from), dim(l[1].extent, l[1].from), dim(l[2].extent, l[2].from),
                   dim(l[3].extent, l[3].from)});
    Buffer target(
        to, type,
        {dim(l[0].extent, l[0].to), dim(l[1].extent, l[1].to), dim(l[2].extent, l[2].to), dim(l[3].extent, l[3].to)});
    const int64_t row = l[0].extent * dtype_bytes(dtype_), planes = l[2].extent * l[3].extent;
    const int64_t grain = std::clamp<int64_t>(kTaskBytes / row, 1, l[1].extent);
    const int64_t grain_planes = std::clamp<int64_t>(kTaskBytes / (row * l[1].extent), 1, planes);
    return find_kernel<TensorRole::copy>(dtype_, variant_)
        .function(call_, source, static_cast<int32_t>(grain), static_cast<int32_t>(grain_planes), target);
  }

  Call *call_;
  Dtype dtype_;
  Variant variant_;
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
