// Parallel loops of the runtime itself, through the same threads as those of kernels.
#pragma once

#include "HalideRuntime.h"
#include "call.h"

namespace halogen {

/// body(i) for every i in [0, count), on the context's threads; stops at the first that does not return 0 and returns that.
template <class Body>
int parallel_for(Call *call, int64_t count, const Body &body) {
  const auto task = [](void *, int index, uint8_t *closure) {
    return (*reinterpret_cast<const Body *>(closure))(index);
  };
  auto *closure = reinterpret_cast<uint8_t *>(const_cast<Body *>(&body));
  return halide_do_par_for(call, task, 0, static_cast<int>(count), closure);
}

}  // namespace halogen
