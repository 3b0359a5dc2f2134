// Transposed convolution, the gradient of its weights: lanes run along input channels.
//   y(lane, m, b, g) = (adds ? before(lane, m, b, g) : 0) + sum over n, l of x(lane, l, n, b, g) * dy(at(m) + l, n, g)
// x: packed inputs, a block b of channels side by side. dy and at as in conv_grad_input_generator.cpp; an m beyond the last has that
// tap again. `before` is y itself.
#include "../runtime/conv_tiles.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/conv_schedule.h"

using namespace Halide;

class ConvGradRows : public halogen::Kernel<ConvGradRows> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  GeneratorParam<int> taps{"taps", 0}, slice{"slice", 0};  // of a tile; 0: as measured
  Input<Buffer<void, 5>> x{"x"};                           // lane, l, n, b, g
  Input<Buffer<void, 3>> dy{"dy"};                         // i, n, g
  Input<Buffer<int32_t, 1>> at{"at"};                      // m
  Input<Buffer<void, 4>> before{"before"};                 // lane, m, b, g
  Input<bool> adds{"adds"};
  Output<Buffer<void, 4>> y{"y"};  // lane, m, b, g; whole tiles of m

  void configure() {
    const Type type = halogen::Precision(dtype, get_target()).compute;
    x.set_type(type);
    dy.set_type(type);
    before.set_type(type);
    y.set_type(type);
  }

  void generate() {
    const Expr L = x.dim(1).extent(), last = at.dim(0).extent() - 1;
    r = RDom(0, L, 0, x.dim(2).extent(), "r");
    const Expr from = unsafe_promise_clamped(at(min(m, last)), 0, dy.dim(0).extent() - L);
    y(lane, m, b, g) = select(adds, before(lane, m, b, g), cast(y.type(), 0));
    y(lane, m, b, g) += x(lane, r.x, r.y, b, g) * dy(from + r.x, r.y, g);
  }

  void schedule() {
    for (OutputImageParam buffer : std::vector<OutputImageParam>{x, dy, at, before, y}) halogen::start_at_zero(buffer);
    const int block = halogen::kConvBlockBytes / y.type().bytes();
    x.dim(0).set_bounds(0, block);
    x.dim(1).set_stride(block);
    for (OutputImageParam buffer : std::vector<OutputImageParam>{before, y}) {
      buffer.dim(0).set_bounds(0, block);
      buffer.dim(1).set_stride(block);
    }
    halogen::ConvTuned wanted = {};
    wanted.weight_taps = taps;
    wanted.weight_slice = slice;
    halogen::schedule_grad_rows(y, {lane, m, b, g}, r, x.dim(1).extent(), get_target(),
                                halogen::tiles_of(get_target(), y.type(), wanted));
  }

 private:
  Var lane{"lane"}, m{"m"}, b{"b"}, g{"g"};
  RDom r;
};

HALIDE_REGISTER_GENERATOR(ConvGradRows, conv_grad_rows)
