// A float64 as tensors store it, by integers alone: nothing depends on what the machine converts by itself.
#pragma once

#include <cstdint>

#include "kernel_table.h"

namespace halogen {

/// Writes the nearest number of the dtype, ties to even; infinity beyond the largest, a quiet NaN for a NaN.
void store_number(double value, Dtype dtype, void *to);

/// The number that a tensor of the dtype stores, exactly.
double load_number(Dtype dtype, const void *from);

}  // namespace halogen
