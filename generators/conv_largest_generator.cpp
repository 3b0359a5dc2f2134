// Transposed convolution: the largest magnitude among weights, as bits: max over all of (bits of w without the sign). Infinity and
// NaN are above all finite numbers.
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class ConvLargest : public halogen::Kernel<ConvLargest> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 3>> w{"w"};   // k, co, ci
  Output<Buffer<void, 1>> y{"y"};  // one value, of the unsigned type of the size that is computed in

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    w.set_type(precision.storage);
    y.set_type(UInt(precision.compute.bits()));
  }

  void generate() {
    const Type bits = y.type();
    const auto magnitude = [&](const Expr &k, const Expr &co, const Expr &ci) {
      return reinterpret(bits, precision.decode(w(k, co, ci))) & (bits.max() >> 1);
    };
    // Rows that follow each other without a gap come as one.
    lanes = 4 * get_target().natural_vector_size(precision.compute);
    const Expr count = w.dim(0).extent(), whole = count / lanes, co = w.dim(1).extent(), ci = w.dim(2).extent();
    rows = RDom(0, whole, 0, co, 0, ci, "rows");
    in_lane(lane) = cast(bits, 0);
    in_lane(lane) = max(in_lane(lane), magnitude(rows.x * lanes + lane, rows.y, rows.z));
    const RDom all(0, lanes, "all"), rest(whole * lanes, count - whole * lanes, 0, co, 0, ci, "rest");
    largest() = cast(bits, 0);
    largest() = max(largest(), in_lane(all));
    largest() = max(largest(), magnitude(rest.x, rest.y, rest.z));
    y(i) = largest();
  }

  void schedule() {
    halogen::start_at_zero(w);
    w.dim(0).set_stride(Expr());
    y.dim(0).set_bounds(0, 1);
    const int vector = lanes / 4;
    largest.compute_root();
    Func kept = in_lane.in();
    for (Func f : {kept, in_lane}) {
      f.bound(lane, 0, lanes).vectorize(lane, vector).unroll(lane);
    }
    kept.compute_root();
    in_lane.compute_at(kept, Var::outermost());
    const Expr dense = w.dim(0).stride() == 1;
    for (Stage s : {in_lane.update().specialize(dense), in_lane.update()}) {
      s.reorder(lane, rows.x, rows.y, rows.z).vectorize(lane, vector).unroll(lane);
    }
    largest.update(0).unscheduled();
    largest.update(1).unscheduled();
  }

 private:
  halogen::Precision precision;
  int lanes = 0;
  Var lane{"lane"}, i{"i"};
  RDom rows;
  Func in_lane{"in_lane"}, largest{"largest"};
};

HALIDE_REGISTER_GENERATOR(ConvLargest, conv_largest)
