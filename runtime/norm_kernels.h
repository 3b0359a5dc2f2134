// The kernels of the normalisation operator.
#pragma once

#include "kernel_table.h"
#include "kernels_norm.h"

namespace halogen {

enum class NormKernel {
  norm_fused_f32_cs_row,
  norm_fused_f32_cs_stream,
  norm_fused_f32_cs_slab,
  norm_partial_f32_cs_row,
  norm_merge_f32,
  norm_apply_f32_cs_row,
  norm_apply_f32_cs_stream,
  norm_apply_f32_cs_slab,
  norm_running_f32,
};

#define HALOGEN_KERNEL_ID NormKernel
#define HALOGEN_KERNEL HALOGEN_KERNEL_ROW
#include "kernels_norm.inc"
#undef HALOGEN_KERNEL
#undef HALOGEN_KERNEL_ID

namespace norm_detail {

template <NormKernel kernel, Variant variant>
using Entry = decltype(kernel_symbol(Tag<kernel>{}, Tag<variant>{}));

/// The first variant that is there gives the function's type; all variants have the same.
template <NormKernel kernel, Variant... variants>
struct First;
template <NormKernel kernel, Variant variant, Variant... more>
struct First<kernel, variant, more...>
    : std::conditional_t<std::is_same_v<Entry<kernel, variant>, NoKernel>, First<kernel, more...>,
                         std::enable_if<true, Entry<kernel, variant>>> {};
template <NormKernel kernel>
struct First<kernel> {};

}  // namespace norm_detail

template <NormKernel kernel>
using NormEntry = typename norm_detail::First<kernel, Variant::v2, Variant::neon, Variant::cuda, Variant::opencl>::type;

/// The kernel's variant; its function is NULL where this library has none.
template <NormKernel kernel>
NormEntry<kernel> norm_kernel(Variant variant) {
  NormEntry<kernel> found = {nullptr, nullptr};
  const auto take = [&](Variant candidate, auto entry) {
    if constexpr (!std::is_same_v<decltype(entry), NoKernel>) {
      if (candidate == variant) found = entry;
    }
  };
  take(Variant::v2, kernel_symbol(Tag<kernel>{}, Tag<Variant::v2>{}));
  take(Variant::v3, kernel_symbol(Tag<kernel>{}, Tag<Variant::v3>{}));
  take(Variant::v4, kernel_symbol(Tag<kernel>{}, Tag<Variant::v4>{}));
  take(Variant::neon, kernel_symbol(Tag<kernel>{}, Tag<Variant::neon>{}));
  take(Variant::cuda, kernel_symbol(Tag<kernel>{}, Tag<Variant::cuda>{}));
  take(Variant::opencl, kernel_symbol(Tag<kernel>{}, Tag<Variant::opencl>{}));
  return found;
}

}  // namespace halogen
