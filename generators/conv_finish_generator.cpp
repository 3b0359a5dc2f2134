// Transposed convolution, the end: y(t, co) = act(z(t, co) + bias(co)).
//   activation 0: leaky_relu(v, slope); a slope of 1: v itself, of 0: relu
//   activation 1: tanh(v)
//   activation 2: the gradient of leaky_relu(input(t, co), slope) by its argument, times v
#include "algorithms/activations.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class ConvFinish : public halogen::Kernel<ConvFinish> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 2>> z{"z"};        // t, co
  Input<Buffer<void, 1>> bias{"bias"};  // co
  Input<bool> has_bias{"has_bias"};
  Input<Buffer<void, 2>> input{"input"};  // t, co; any strides
  Input<int> activation{"activation"};
  Input<double> slope{"slope"};
  Output<Buffer<void, 2>> y{"y"};  // t, co; any strides

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    z.set_type(precision.compute);
    bias.set_type(precision.storage);
    input.set_type(precision.storage);
    y.set_type(precision.storage);
  }

  void generate() {
    const Type type = precision.compute;
    const Expr v = z(t, co) + select(has_bias, precision.decode(bias(co)), cast(type, 0)), factor = cast(type, slope);
    const Expr gradient = halogen::activation_gradient(v, precision.decode(input(t, co)), 1, factor);
    y(t, co) = precision.encode(select(activation == 0, halogen::leaky_relu(v, factor), activation == 1,
                                       halogen::hyperbolic_tangent(v), gradient));
  }

  void schedule() {
    halogen::start_at_zero(z);
    halogen::any_strides(bias);
    halogen::any_strides(input);
    input.dim(1).set_stride(Expr());
    halogen::same_shape(input, y);
    halogen::start_at_zero(y);
    y.dim(0).set_stride(Expr());
    Func out = y;
    const int vector = get_target().natural_vector_size(z.type());
    const Expr dense = y.dim(0).stride() == 1;
    // The first two are the common ones: tanh costs more than all else.
    for (const Expr &fits : {dense && activation == 0 && slope == 1, dense && activation == 0,
                             dense && activation == 2 && input.dim(0).stride() == 1, dense}) {
      out.specialize(fits).vectorize(t, vector, TailStrategy::GuardWithIf);
    }
    out.specialize(activation == 0).reorder(co, t);
  }

 private:
  halogen::Precision precision;
  Var t{"t"}, co{"co"};
};

HALIDE_REGISTER_GENERATOR(ConvFinish, conv_finish)
