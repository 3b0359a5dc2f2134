// Transposed convolution, the gradient of the bias: y(co) = sum over t of g(t, co), in float64, g the gradient behind the activation.
#include "algorithms/activations.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class ConvBiasSums : public halogen::Kernel<ConvBiasSums> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 2>> dy{"dy"}, result{"result"};  // t, co; any strides
  Input<int> activation{"activation"};                // as conv_pad's
  Input<double> slope{"slope"};
  Output<Buffer<double, 1>> y{"y"};  // co

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    dy.set_type(precision.storage);
    result.set_type(precision.storage);
  }

  void generate() {
    lanes = 4 * get_target().natural_vector_size(Float(64));
    const Expr count = dy.dim(0).extent(), whole = count / lanes;
    const auto gradient = [&](const Expr &t) {
      const Expr g = precision.decode(dy(t, co)), v = precision.decode(result(t, co));
      return cast(Float(64), halogen::activation_gradient(g, v, activation, cast(precision.compute, slope)));
    };
    rows = RDom(0, whole, "rows");
    in_lane(lane, co) = cast(Float(64), 0);
    in_lane(lane, co) += gradient(rows * lanes + lane);
    const RDom all(0, lanes, "all"), rest(whole * lanes, count - whole * lanes, "rest");
    total(co) = cast(Float(64), 0);
    total(co) += in_lane(all, co);
    total(co) += gradient(rest);
    y(co) = total(co);
  }

  void schedule() {
    for (OutputImageParam buffer : std::vector<OutputImageParam>{dy, result}) {
      halogen::any_strides(buffer);
      buffer.dim(1).set_stride(Expr());
    }
    halogen::start_at_zero(y);
    const int vector = lanes / 4;
    total.compute_at(y, co);
    total.update(0).atomic().vectorize(total.rvars(0)[0]);
    total.update(1).unscheduled();
    in_lane.compute_at(y, co).bound(lane, 0, lanes).vectorize(lane, vector).unroll(lane);
    const Expr dense = dy.dim(0).stride() == 1 && result.dim(0).stride() == 1;
    for (Stage s : {in_lane.update().specialize(dense && activation == 0), in_lane.update().specialize(dense),
                    in_lane.update()}) {
      s.reorder(lane, rows).vectorize(lane, vector).unroll(lane);
    }
  }

 private:
  halogen::Precision precision;
  int lanes = 0;
  Var lane{"lane"}, co{"co"};
  RDom rows;
  Func in_lane{"in_lane"}, total{"total"};
};

HALIDE_REGISTER_GENERATOR(ConvBiasSums, conv_bias_sums)
