// Dispatch tables made from the generated HALOGEN_KERNEL(name, variant, symbol, role, dtype) lines. Each operator includes its own, so
// that a program links only the kernels it uses. Function types come from Halide's headers, never from hand-written copies.
#pragma once

#include <halogen/core.h>

#include <cstddef>
#include <type_traits>

namespace halogen {

enum class Variant { v2, v3, v4, v4_spr, v4_zen4, neon, cuda, opencl };

/// "v2", …
const char *variant_name(Variant variant);

/// The CPU kernels of a level.
Variant variant_of(halogen_isa isa);

/// Whose kernels a variant takes where it has none of its own; itself where there is none below.
constexpr Variant variant_below(Variant variant) {
  switch (variant) {
    case Variant::v4_spr:
    case Variant::v4_zen4:
      return Variant::v4;
    case Variant::v4:  // has none where v3's are as fast (HALOGEN_DATA_v4_<op>, rows without v4)
      return Variant::v3;
    default:
      return variant;
  }
}

/// Of the data that a kernel works on.
enum class Dtype { f32, f64, f16, bf16 };

constexpr int64_t dtype_bytes(Dtype dtype) { return dtype == Dtype::f64 ? 8 : dtype == Dtype::f32 ? 4 : 2; }

/// What it is computed in.
constexpr Dtype compute_dtype(Dtype dtype) { return dtype == Dtype::f64 ? Dtype::f64 : Dtype::f32; }

template <auto value>
using Tag = std::integral_constant<decltype(value), value>;

/// Where the table has no such kernel.
struct NoKernel {};
template <class Role, class D, class V>
NoKernel kernel_symbol(Role, D, V) {
  return {};
}

/// One kernel; `function` is NULL where this library has none.
template <class Function>
struct Kernel {
  Function function;
  const char *name;
};

namespace detail {

template <auto... values>
struct List {};
using AllDtypes = List<Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16>;
using AllVariants = List<Variant::v2, Variant::v3, Variant::v4, Variant::v4_spr, Variant::v4_zen4, Variant::neon,
                         Variant::cuda, Variant::opencl>;

template <auto role, Dtype dtype, Variant variant>
using Entry = decltype(kernel_symbol(Tag<role>{}, Tag<dtype>{}, Tag<variant>{}));

/// The first entry that is there: all kernels of a role have the same function type.
template <class... Entries>
struct First {};
template <class Entry, class... More>
struct First<Entry, More...> {
  using type = Entry;
};
template <class... More>
struct First<NoKernel, More...> : First<More...> {};

template <auto role, class Variants>
struct OfRole;
template <auto role, Variant... variants>
struct OfRole<role, List<variants...>>
    : First<Entry<role, Dtype::f32, variants>..., Entry<role, Dtype::f64, variants>...,
            Entry<role, Dtype::f16, variants>..., Entry<role, Dtype::bf16, variants>...> {};

template <auto role, Dtype dtype, class Found, Variant... variants>
void look_up(Variant variant, List<variants...>, Found *found) {
  const auto take = [&](Variant candidate, auto entry) {
    if constexpr (!std::is_same_v<decltype(entry), NoKernel>) {
      if (candidate == variant) *found = entry;
    }
  };
  (take(variants, kernel_symbol(Tag<role>{}, Tag<dtype>{}, Tag<variants>{})), ...);
}

template <auto role, class Found, Dtype... dtypes>
void look_up(Dtype dtype, Variant variant, List<dtypes...>, Found *found) {
  ((dtype == dtypes ? look_up<role, dtypes>(variant, AllVariants{}, found) : void()), ...);
}

}  // namespace detail

template <auto role>
using KernelOf = typename detail::OfRole<role, detail::AllVariants>::type;

/// The kernel of a role for data of a dtype.
template <auto role>
KernelOf<role> find_kernel(Dtype dtype, Variant variant) {
  KernelOf<role> found = {nullptr, nullptr};
  for (Variant below = variant;; variant = below) {
    detail::look_up<role>(dtype, variant, detail::AllDtypes{}, &found);
    below = variant_below(variant);
    if (found.function != nullptr || below == variant) return found;
  }
}

}  // namespace halogen

/// A line of the table. The operator defines HALOGEN_KERNEL_ID, its enum of roles, and includes its kernels_<op>.inc inside
/// namespace halogen with HALOGEN_KERNEL defined as this.
#define HALOGEN_KERNEL_ROW(kernel, variant, symbol, role, dtype)                                  \
  inline Kernel<decltype(&symbol)> kernel_symbol(Tag<HALOGEN_KERNEL_ID::role>, Tag<Dtype::dtype>, \
                                                 Tag<Variant::variant>) {                         \
    return {&symbol, #kernel "__" #variant};                                                      \
  }
