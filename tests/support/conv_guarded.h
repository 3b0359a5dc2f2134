// Where a transposed convolution's tensors lie in guarded memory (guarded.h).
#pragma once

#include <cstring>

#include "conv_typed.h"
#include "guarded.h"

namespace halogen_tests {

/** What an emulator's masked loads touch is left between a tensor and the page behind it, or nothing. */
inline size_t guard_margin(const Variant &variant, Flush where) {
  return where == Flush::end && variant.isa != HALOGEN_ISA_V2 && masked_loads_overrun() ? 64 : 0;
}

/** Numbers in guarded memory, flush with one end of it. */
inline void *place(GuardedBuffer &buffer, const Numbers &numbers, const Variant &variant, Flush where) {
  void *to = buffer.place(numbers.bytes(), where, guard_margin(variant, where));
  if (numbers.bytes() > 0) std::memcpy(to, numbers.data(), numbers.bytes());
  return to;
}

/** Whether they are there, bit for bit. */
inline bool holds(const void *memory, const Numbers &numbers) {
  return numbers.bytes() == 0 || std::memcmp(memory, numbers.data(), numbers.bytes()) == 0;
}

}  // namespace halogen_tests
