// Transposed convolution: the part of the input that a task reads, with zeros around it, by channel.
//   y(i, ci) = leaky_relu(x(i - left, ci), slope) where 0 <= i - left < L, else 0            a slope of 1: x itself
#include "algorithms/conv.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class ConvPad : public halogen::Kernel<ConvPad> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 2>> x{"x"};  // l, ci; any strides
  Input<int> left{"left"};
  Input<double> slope{"slope"};
  Output<Buffer<void, 2>> y{"y"};  // i, ci; i to a multiple of a block of packed weights

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    x.set_type(precision.storage);
    y.set_type(precision.compute);
  }

  void generate() {
    const Expr length = x.dim(0).extent(), l = i - left;
    // Beyond the input nothing is read, whatever x would be.
    const Expr value =
        halogen::leaky_relu(precision.decode(x(clamp(likely(l), 0, length - 1), ci)), cast(precision.compute, slope));
    y(i, ci) = select(likely(l >= 0) && likely(l < length), value, cast(precision.compute, 0));
  }

  void schedule() {
    halogen::any_strides(x);
    x.dim(1).set_stride(Expr());
    halogen::start_at_zero(y);
    y.dim(1).set_bounds(0, x.dim(1).extent());
    Func out = y;
    const int vector = get_target().natural_vector_size(y.type());
    // y has whole vectors: a masked end would cost as much as the rest of a short row.
    const Expr dense = x.dim(0).stride() == 1;
    out.specialize(dense && slope == 1).vectorize(i, vector, TailStrategy::RoundUp);
    out.specialize(dense).vectorize(i, vector, TailStrategy::RoundUp);
  }

 private:
  halogen::Precision precision;
  Var i{"i"}, ci{"ci"};
};

HALIDE_REGISTER_GENERATOR(ConvPad, conv_pad)
