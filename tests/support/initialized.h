// Tensors filled by halogen_initialize(), for tests.
#pragma once

#include <halogen/init.h>

#include "dtype.h"

namespace halogen_tests {

/** An initialiser with its defaults. */
halogen_initializer initializer_of(halogen_initializer_kind kind);

/** The bytes of a tensor after it is filled; the call must succeed. */
std::vector<unsigned char> initialized_bytes(halogen_context *context, const halogen_initializer &initializer,
                                             uint64_t seed, uint64_t stream, std::vector<int64_t> shape,
                                             DLDataType dtype);

/** Its numbers. */
Values initialized(const halogen_initializer &initializer, uint64_t seed, uint64_t stream, std::vector<int64_t> shape,
                   DLDataType dtype = float64);

}  // namespace halogen_tests
