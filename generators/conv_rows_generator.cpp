// Transposed convolution, the sums: lanes run along the rows (phase and channel) of a block of packed weights.
//   y(p, c, u, kb, cb) = sum over ci, j of w(p + P*c, j, ci, kb, cb) * x(u*step + (J - 1 - j)*dilation, ci)
// with P = extent of p, J = number of taps. y is a view of memory by phase p and kb, channel c and cb, and position u.
#include "algorithms/conv.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/conv_schedule.h"

using namespace Halide;

class ConvRows : public halogen::Kernel<ConvRows> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  GeneratorParam<int> positions{"positions", 0}, slice{"slice", 0};  // of a tile; 0: as measured
  Input<Buffer<void, 2>> x{"x"};                                     // i, ci
  Input<Buffer<void, 5>> w{"w"};                                     // lane, j, ci, kb, cb
  Input<int> step{"step"}, dilation{"dilation"};
  Output<Buffer<void, 5>> y{"y"};  // p, c, u, kb, cb

  void configure() {
    const Type type = halogen::Precision(dtype, get_target()).compute;
    x.set_type(type);
    w.set_type(type);
    y.set_type(type);
  }

  void generate() {
    t = halogen::tap_sum(x, w, step, dilation);
    y(p, c, u, kb, cb) = t.sum(p + y.dim(0).extent() * c, u, kb, cb);
  }

  void schedule() {
    halogen::conv_buffers(x, w, y);
    const halogen::ConvOutput out = {y, y, p, c, u, kb, cb};
    halogen::ConvTuned wanted = {};
    wanted.rows_positions = positions;
    wanted.rows_slice = slice;
    halogen::schedule_rows(t, out, get_target(), halogen::tiles_of(get_target(), w.type(), wanted), step,
                           w.dim(1).extent());
  }

 private:
  Var p{"p"}, c{"c"}, u{"u"}, kb{"kb"}, cb{"cb"};
  halogen::TapSum t;
};

HALIDE_REGISTER_GENERATOR(ConvRows, conv_rows)
