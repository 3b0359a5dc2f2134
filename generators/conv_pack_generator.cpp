// Transposed convolution: weights as blocks of rows side by side, in the order in which the sums read them.
//   y(lane, j, ci, kb, cb) = w(first + kb*P + lane % P + j*spread, cb*C + lane / P, ci)       0 beyond the last channel
// P phases and C channels are in a block; `spread` is the number of phases altogether.
// With `pairs`, of bfloat16 where conv_pairs is: y(lane, j, ci, kb, cb) is the word of input channels 2*ci and 2*ci + 1, 0 beyond the last.
#include "../runtime/conv_tiles.h"
#include "algorithms/conv.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class ConvPack : public halogen::Kernel<ConvPack> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 3>> w{"w"};  // k, co, ci; any strides
  Input<int> first{"first"}, phases{"phases"}, spread{"spread"};
  Input<bool> pairs{"pairs"};
  Output<Buffer<void, 5>> y{"y"};  // lane, j, ci, kb, cb

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    w.set_type(precision.storage);
    y.set_type(precision.compute);
    takes_pairs = halogen::takes_pairs(dtype, get_target());
  }

  void generate() {
    const int block = halogen::kConvBlockBytes / y.type().bytes();
    const Expr co = cb * (block / phases) + lane / phases, last = w.dim(1).extent() - 1;
    const Expr k = first + kb * phases + lane % phases + j * spread;
    const Expr tap = clamp(k, 0, w.dim(0).extent() - 1), channel = min(co, last), last_in = w.dim(2).extent() - 1;
    const Expr single = select(co <= last, precision.decode(w(tap, channel, ci)), cast(y.type(), 0));
    if (!takes_pairs) {
      y(lane, j, ci, kb, cb) = single;
      return;
    }
    const auto stored = [&](const Expr &in) {
      return select(co <= last && in <= last_in, w(tap, channel, min(in, last_in)), cast<uint16_t>(0));
    };
    y(lane, j, ci, kb, cb) = select(pairs, halogen::bfloat16_pair(stored(2 * ci), stored(2 * ci + 1)), single);
  }

  void schedule() {
    const int block = halogen::kConvBlockBytes / y.type().bytes();
    halogen::start_at_zero(w);
    w.dim(0).set_stride(Expr());
    halogen::start_at_zero(y);
    y.dim(0).set_bounds(0, block);
    Func out = y;
    Var channel("channel"), phase("phase");
    const int vector = get_target().natural_vector_size(y.type());
    const auto by_phases = [&](Stage stage) {
      for (int n = block; n >= 1; n /= 2) {
        Stage s = stage.specialize(phases == n && w.dim(0).stride() == 1);
        s.split(lane, channel, phase, n).unroll(channel);
        if (n >= 4) s.vectorize(phase, std::min(n, vector));
        if (n < 4) s.unroll(phase);
      }
    };
    if (takes_pairs) by_phases(out.specialize(pairs));
    by_phases(out);
  }

 private:
  halogen::Precision precision;
  bool takes_pairs = false;
  Var lane{"lane"}, j{"j"}, ci{"ci"}, kb{"kb"}, cb{"cb"};
};

HALIDE_REGISTER_GENERATOR(ConvPack, conv_pack)
