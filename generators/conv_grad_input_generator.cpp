// Transposed convolution, the gradient of its input: lanes run along positions.
//   y(u, n, c, g) = sum over m of w(m, c, g) * x(at(m) + u, n, g)                  a c beyond the last row has that row again
// m counts taps (k) inside output channels: a row of weights as it lies in memory. x: the gradient of the output by phases
// (conv_pad), at(m): where tap m's begins.
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/conv_schedule.h"

using namespace Halide;

class ConvGradInput : public halogen::Kernel<ConvGradInput> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  GeneratorParam<int> rows{"rows", 0}, vectors{"vectors", 0}, slice_steps{"slice", 0};  // of a tile; 0: as measured
  Input<Buffer<void, 3>> x{"x"};                                                        // i, n, g
  Input<Buffer<void, 3>> w{"w"};                                                        // m, c, g
  Input<Buffer<int32_t, 1>> at{"at"};                                                   // m
  Output<Buffer<void, 4>> y{"y"};  // u, n, c, g; whole tiles of u and c

  void configure() {
    const Type type = halogen::Precision(dtype, get_target()).compute;
    x.set_type(type);
    w.set_type(type);
    y.set_type(type);
  }

  void generate() {
    halogen::ConvTuned wanted = {};
    wanted.gradient_rows = rows;
    wanted.gradient_vectors = vectors;
    wanted.gradient_slice = slice_steps;
    tiles = halogen::tiles_of(get_target(), y.type(), wanted);
    const int steps = tiles.gradient_slice;
    const Expr M = w.dim(0).extent();
    step = RDom(0, steps, "step");
    step.where(slice * steps + step < M);
    const Expr m = unsafe_promise_clamped(slice * steps + step, 0, M - 1);
    const Expr from = unsafe_promise_clamped(at(m), 0, x.dim(0).extent() - y.dim(0).extent());
    part(u, n, c, g, slice) = cast(y.type(), 0);
    part(u, n, c, g, slice) += w(m, min(c, w.dim(1).extent() - 1), g) * x(from + u, n, g);
    slices = RDom(0, (M + steps - 1) / steps, "slices");
    y(u, n, c, g) = cast(y.type(), 0);
    y(u, n, c, g) += part(u, n, c, g, slices);
  }

  void schedule() {
    for (OutputImageParam buffer : std::vector<OutputImageParam>{x, w, at, y}) halogen::start_at_zero(buffer);
    halogen::schedule_grad_input(y, part, {u, n, c, g}, step, slices, y.dim(0).extent(), get_target(), tiles);
  }

 private:
  Var u{"u"}, n{"n"}, c{"c"}, g{"g"}, slice{"slice"};
  halogen::ConvTuned tiles = {};
  Func part{"part"};  // of a sum
  RDom step, slices;
};

HALIDE_REGISTER_GENERATOR(ConvGradInput, conv_grad_input)
