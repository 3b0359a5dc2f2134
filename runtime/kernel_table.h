// Dispatch tables made from the generated HALOGEN_KERNEL(name, variant, symbol) lines. Each operator includes its own, so that a
// program links only the kernels it uses. Function types come from Halide's headers, never from hand-written copies.
#pragma once

#include <cstddef>
#include <type_traits>

#include <halogen/core.h>

namespace halogen {

enum class Variant { v2, v3, v4, neon, cuda, opencl };

/// "v2", …
const char *variant_name(Variant variant);

/// The CPU kernels of a level.
Variant variant_of(halogen_isa isa);

template <auto value>
using Tag = std::integral_constant<decltype(value), value>;

/// Where the table has no such kernel.
struct NoKernel {};
template <class Kernel, class V>
NoKernel kernel_symbol(Kernel, V) {
  return {};
}

/// One variant of a kernel; `function` is NULL where this library has none.
template <class Function>
struct KernelVariant {
  Function function;
  const char *name;
};

}  // namespace halogen

/// A line of the table. The operator defines HALOGEN_KERNEL_ID, its enum of kernels, and includes its kernels_<op>.inc inside
/// namespace halogen with HALOGEN_KERNEL defined as this.
#define HALOGEN_KERNEL_ROW(kernel, variant, symbol)                                                              \
  inline KernelVariant<decltype(&symbol)> kernel_symbol(Tag<HALOGEN_KERNEL_ID::kernel>, Tag<Variant::variant>) { \
    return {&symbol, #kernel "__" #variant};                                                                     \
  }
