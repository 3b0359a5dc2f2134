// Bytes from one device to another.
#pragma once

#include "call.h"
#include "tensor.h"

namespace halogen {

/// Copies between the CPU and the call's device, or on the CPU; done when it returns. At most 2^31 - 1 bytes on a GPU. Returns 0 or a
/// code; the reason is noted in `call`.
int device_copy(Call *call, const Memory &from, const Memory &to, int64_t bytes);

}  // namespace halogen
