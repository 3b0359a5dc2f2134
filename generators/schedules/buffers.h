// What the kernels ask of their buffers. Every dimension starts at 0; only the innermost stride of data is fixed.
#ifndef HALOGEN_GENERATORS_BUFFERS_H
#define HALOGEN_GENERATORS_BUFFERS_H

#include "Halide.h"

namespace halogen {

/// Data: dense along dimension 0, any other strides.
inline void start_at_zero(Halide::OutputImageParam data) {
  for (int i = 0; i < data.dimensions(); i++) {
    data.dim(i).set_min(0);
  }
}

/// An output of the same shape as `x`.
inline void same_shape(Halide::OutputImageParam y, Halide::OutputImageParam x) {
  for (int i = 0; i < y.dimensions(); i++) {
    y.dim(i).set_bounds(0, x.dim(i).extent());
  }
}

/// A vector of parameters or statistics that a CPU's lanes run along: dense there; on a GPU any strides, 0 among them.
inline void channel_vector(Halide::OutputImageParam vector, const Halide::Target &target) {
  start_at_zero(vector);
  if (target.has_gpu_feature()) vector.dim(0).set_stride(Halide::Expr());
}

/// A vector of parameters or statistics: any strides, 0 among them, so that one value can serve for many.
inline void any_strides(Halide::OutputImageParam vector) {
  start_at_zero(vector);
  vector.dim(0).set_stride(Halide::Expr());
}

}  // namespace halogen
#endif
