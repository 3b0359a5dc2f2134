// Transposed convolution, the sums: lanes run along positions. One or two phases in a block; the step is 1.
//   y(p, c, u, g, cb) = sum over ci, j of w(p + P*c, j, ci, g, cb) * x(u + (J - 1 - j)*dilation, ci, g)
// with P = extent of p, J = number of taps. y is a view of memory by phase p, channel c and cb, position u and group g.
#include "algorithms/conv.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/conv_schedule.h"

using namespace Halide;

class ConvLength : public halogen::Kernel<ConvLength> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  GeneratorParam<int> rows{"rows", 0};                                   // of a block that are summed: 1, 2; 0: all
  GeneratorParam<int> tile_rows{"tile_rows", 0}, vectors{"vectors", 0};  // of a tile; 0: as measured
  Input<Buffer<void, 3>> x{"x"};                                         // i, ci, g
  Input<Buffer<void, 5>> w{"w"};                                         // lane, j, ci, g, cb
  Input<int> dilation{"dilation"};
  Output<Buffer<void, 5>> y{"y"};  // p, c, u, g, cb

  void configure() {
    const Type type = halogen::Precision(dtype, get_target()).compute;
    x.set_type(type);
    w.set_type(type);
    y.set_type(type);
  }

  void generate() {
    t = halogen::tap_sum(x, w, 1, dilation);
    y(p, c, u, g, cb) = t.sum(p + y.dim(0).extent() * c, u, g, cb);
  }

  void schedule() {
    halogen::conv_buffers(x, w, y);
    const halogen::ConvOutput out = {y, y, p, c, u, g, cb};
    halogen::ConvTuned wanted = {};
    wanted.length_rows = tile_rows;
    wanted.length_vectors = wanted.length1_vectors = wanted.length2_vectors = vectors;
    const halogen::ConvTuned tiles = halogen::tiles_of(get_target(), w.type(), wanted);
    halogen::schedule_length(t, out, get_target(), tiles, w.dim(1).extent(), rows);
  }

 private:
  Var p{"p"}, c{"c"}, u{"u"}, g{"g"}, cb{"cb"};
  halogen::TapSum t;
};

HALIDE_REGISTER_GENERATOR(ConvLength, conv_length)
