// Transposed convolution, the gradient of its weights: lanes run along positions, for groups of few input channels.
//   y(m, c, g) = (adds ? before(m, c, g) : 0) + sum over n, l of x(l, c, n, g) * dy(at(m) + l, n, g)
// dy, at, m and before as in conv_grad_rows_generator.cpp.
#include "../runtime/conv_tiles.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/conv_schedule.h"

using namespace Halide;

class ConvGradLength : public halogen::Kernel<ConvGradLength> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  GeneratorParam<int> taps{"taps", 0}, vectors{"vectors", 0};  // of a tile; 0: as measured
  Input<Buffer<void, 4>> x{"x"};                               // l, c, n, g
  Input<Buffer<void, 3>> dy{"dy"};                             // i, n, g
  Input<Buffer<int32_t, 1>> at{"at"};                          // m
  Input<Buffer<void, 3>> before{"before"};                     // m, c, g
  Input<bool> adds{"adds"};
  Output<Buffer<void, 3>> y{"y"};  // m, c, g; whole tiles of m

  void configure() {
    const Type type = halogen::Precision(dtype, get_target()).compute;
    x.set_type(type);
    dy.set_type(type);
    before.set_type(type);
    y.set_type(type);
  }

  void generate() {
    halogen::ConvTuned wanted = {};
    wanted.weight_length_taps = taps;
    wanted.weight_length_vectors = vectors;
    tiles = halogen::tiles_of(get_target(), y.type(), wanted);
    const int count = tiles.weight_length_vectors * get_target().natural_vector_size(y.type());
    const Expr L = x.dim(0).extent(), N = x.dim(2).extent(), whole = L / count, last = at.dim(0).extent() - 1;
    const Expr from = unsafe_promise_clamped(at(min(m, last)), 0, dy.dim(0).extent() - L);
    const RDom r(0, whole, 0, N, "r"), all(0, count, "all"), rest(whole * count, L - whole * count, 0, N, "rest");
    const auto product = [&](const Expr &l, const Expr &n) { return x(l, c, n, g) * dy(from + l, n, g); };
    lanes(lane, m, c, g) = cast(y.type(), 0);
    lanes(lane, m, c, g) += product(r.x * count + lane, r.y);
    total(m, c, g) = select(adds, before(m, c, g), cast(y.type(), 0));
    total(m, c, g) += lanes(all, m, c, g);
    total(m, c, g) += product(rest.x, rest.y);
    y(m, c, g) = total(m, c, g);
  }

  void schedule() {
    for (OutputImageParam buffer : std::vector<OutputImageParam>{x, dy, at, before, y}) halogen::start_at_zero(buffer);
    halogen::schedule_grad_length(y, total, lanes, {lane, m, c, g}, get_target(), tiles);
  }

 private:
  Var lane{"lane"}, m{"m"}, c{"c"}, g{"g"};
  halogen::ConvTuned tiles = {};
  Func lanes{"lanes"}, total{"total"};
};

HALIDE_REGISTER_GENERATOR(ConvGradLength, conv_grad_length)
