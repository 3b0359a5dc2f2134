// Numbers as tensors store them, by plain arithmetic: nothing is shared with the library's own conversions.
#pragma once

#include <dlpack/dlpack.h>

#include <cstddef>
#include <string>
#include <vector>

#include "tensor.h"

namespace halogen_tests {

/** What a tensor holds, whatever its dtype. */
using Values = std::vector<double>;

inline constexpr DLDataType float_types[] = {float32, float64, float16, bfloat16};

inline bool same(DLDataType a, DLDataType b) { return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes; }
inline size_t bytes_of(DLDataType dtype) { return dtype.bits / 8u; }

/** "f32", "f64", "f16", "bf16": as in the kernels' names. */
std::string short_name(DLDataType dtype);

/** The nearest value of the dtype, ties to even; infinity beyond the largest. */
double rounded(double value, DLDataType dtype);

/** Half the distance between neighbouring numbers of the dtype at `value`: how far rounding moves it at most. */
double half_ulp(double value, DLDataType dtype);

/** Writes the nearest value of the dtype. */
void store(double value, DLDataType dtype, void *to);

double load(DLDataType dtype, const void *from);

}  // namespace halogen_tests
