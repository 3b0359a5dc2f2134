// Transposed convolution, the sums of bfloat16: as conv_rows, by pairs of input channels, whose products a lane adds at once.
//   y(p, c, u, kb, cb) = sum over pair, j, r of w(r, p + P*c, j, pair, kb, cb) * x(r, u*step + (J - 1 - j)*dilation, pair)
// For CPUs with AVX512-BF16 (VDPBF16PS): docs/numerics.md says how it rounds.
#include "algorithms/conv.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/conv_schedule.h"

using namespace Halide;

class ConvPairs : public halogen::Kernel<ConvPairs> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::bf16, {{"bf16", halogen::Dtype::bf16}}};
  GeneratorParam<int> positions{"positions", 0}, slice{"slice", 0};  // of a tile; 0: as measured
  Input<Buffer<uint16_t, 3>> x{"x"};                                 // r, i, pair
  Input<Buffer<uint16_t, 6>> w{"w"};                                 // r, lane, j, pair, kb, cb
  Input<int> step{"step"}, dilation{"dilation"};
  Output<Buffer<float, 5>> y{"y"};  // p, c, u, kb, cb

  void generate() {
    t = halogen::pair_sum(x, w, step, dilation);
    y(p, c, u, kb, cb) = t.sum(p + y.dim(0).extent() * c, u, kb, cb);
  }

  void schedule() {
    halogen::conv_buffers(x, w, y);
    const halogen::ConvOutput out = {y, y, p, c, u, kb, cb};
    halogen::ConvTuned wanted = {};
    wanted.pairs_positions = positions;
    wanted.pairs_slice = slice;
    halogen::schedule_rows(t, out, get_target(), halogen::tiles_of(get_target(), Float(32), wanted), step,
                           w.dim(2).extent());
  }

 private:
  Var p{"p"}, c{"c"}, u{"u"}, kb{"kb"}, cb{"cb"};
  halogen::TapSum t;
};

HALIDE_REGISTER_GENERATOR(ConvPairs, conv_pairs)
