// Transposed convolution: the part of a tensor that a task reads, with zeros around it, by channel and phase.
//   y(i, r, c) = f(x(t, c)), t = i*step + r*spread - left, where 0 <= t < L, else 0
// Forward, x is the input:
//   activation 0: f = leaky_relu(v, slope); a slope of 1: v itself
// Backward, x is the gradient of the output, and `result` the output:
//   activation 1: the gradient of leaky_relu, by its result
//   activation 2: the gradient of tanh, by its result
// With `pairs`, forward, of bfloat16 where conv_pairs is: y(i, r, c) is the word of channels 2c and 2c + 1 (0 beyond the last), f rounded.
#include "algorithms/activations.h"
#include "algorithms/conv.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class ConvPad : public halogen::Kernel<ConvPad> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 2>> x{"x"}, result{"result"};  // t, c; any strides
  Input<int> left{"left"}, step{"step"}, spread{"spread"};
  Input<int> activation{"activation"};
  Input<double> slope{"slope"};
  Input<bool> pairs{"pairs"};
  Output<Buffer<void, 3>> y{"y"};  // i, r, c; i to a multiple of a vector

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    x.set_type(precision.storage);
    result.set_type(precision.storage);
    y.set_type(precision.compute);
    takes_pairs = halogen::takes_pairs(dtype, get_target());
  }

  void generate() {
    const Expr length = x.dim(0).extent(), t = i * step + r * spread - left;
    // Beyond the tensor nothing is read, whatever it would be.
    const Expr at = clamp(likely(t), 0, length - 1), factor = cast(precision.compute, slope);
    const Expr v = precision.decode(x(at, c)), inside = likely(t >= 0) && likely(t < length);
    const Expr value = select(activation == 0, halogen::leaky_relu(v, factor),
                              halogen::activation_gradient(v, precision.decode(result(at, c)), activation, factor));
    const Expr padded = select(inside, value, cast(precision.compute, 0));
    if (!takes_pairs) {
      y(i, r, c) = padded;
      return;
    }
    const auto stored = [&](const Expr &channel) {
      const Expr last = x.dim(1).extent() - 1, from = x(at, min(channel, last));
      const Expr rounded = precision.encode(halogen::leaky_relu(precision.decode(from), factor));
      return select(inside && channel <= last, select(slope == 1, from, rounded), cast<uint16_t>(0));
    };
    y(i, r, c) = select(pairs, halogen::bfloat16_pair(stored(2 * c), stored(2 * c + 1)), padded);
  }

  void schedule() {
    for (OutputImageParam buffer : std::vector<OutputImageParam>{x, result}) {
      halogen::any_strides(buffer);
      buffer.dim(1).set_stride(Expr());
    }
    result.dim(0).set_extent(x.dim(0).extent());
    halogen::start_at_zero(y);
    const Expr channels = x.dim(1).extent();
    y.dim(2).set_bounds(0, takes_pairs ? select(pairs, (channels + 1) / 2, channels) : channels);
    Func out = y;
    const int vector = get_target().natural_vector_size(y.type());
    // y has whole vectors: a masked end would cost as much as the rest of a short row.
    const Expr dense = x.dim(0).stride() == 1, both = dense && result.dim(0).stride() == 1;
    if (takes_pairs) {
      Stage words = out.specialize(pairs);
      words.specialize(dense && step == 1 && slope == 1).vectorize(i, vector, TailStrategy::RoundUp);
      words.specialize(dense && step == 1).vectorize(i, vector, TailStrategy::RoundUp);
    }
    const Expr copies = dense && activation == 0 && slope == 1;
    for (const Expr &fits :
         {copies && step == 1, copies && step == 2, copies && step == 4, copies, dense && activation == 0 && step == 1,
          both && step == 1, both && step == 2, both && step == 4, both}) {
      out.specialize(fits).vectorize(i, vector, TailStrategy::RoundUp);
    }
  }

 private:
  halogen::Precision precision;
  bool takes_pairs = false;
  Var i{"i"}, r{"r"}, c{"c"};
};

HALIDE_REGISTER_GENERATOR(ConvPad, conv_pad)
