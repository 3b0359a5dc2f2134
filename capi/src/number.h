// Numbers of every dtype of state, as doubles.
#pragma once

#include <dlpack/dlpack.h>

namespace halogen {

double load_number(const DLDataType &dtype, const void *from);

/// The nearest number of the dtype, ties to even; what is too large becomes infinite.
void store_number(double value, const DLDataType &dtype, void *to);

}  // namespace halogen
