// dx(i, r, t, b) = a dy + b (x - mean_hi) + c with coefficients that are there; lanes run along i, across the channels j = i / S of
// slab t. a: (j, t, b); mean_hi, b, c: (set, t, b), a set of `per_set` neighbouring channels. See algorithms/gradients.h.
#include "algorithms/expanded.h"
#include "algorithms/gradients.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/slab_schedule.h"

using namespace Halide;

class NormDxSlab : public halogen::Kernel<NormDxSlab> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  GeneratorParam<bool> rows_at_once{"rows_at_once", true};
  Input<Buffer<void, 4>> x{"x"}, dy{"dy"}, y{"y"};                                              // i, r, t, b
  Input<Buffer<void, 3>> scale{"scale"}, mean_hi{"mean_hi"}, slope{"slope"}, offset{"offset"};  // a, mean_hi, b, c
  Input<bool> masked{"masked"};  // dy is of an activation's result, y
  Input<double> negative_slope{"negative_slope"};
  Input<int> S{"S"}, per_set{"per_set"};
  Input<int> grain{"grain"};         // rows in a task
  Output<Buffer<void, 4>> dx{"dx"};  // i, r, t, b; may be x or dy itself

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&x, &dy, &y}) data->set_type(precision.storage);
    for (auto *vector : {&scale, &mean_hi, &slope, &offset}) vector->set_type(precision.compute);
    dx.set_type(precision.storage);
  }

  void generate() {
    const halogen::OutputGradient gradient{precision, dy, y, masked, negative_slope};
    const Var &et = vectors.t, &eb = vectors.b;
    const auto of_channel = [&](const Expr &j, const Expr &set) {
      std::vector<Expr> values{scale(j, et, eb), mean_hi(set, et, eb), slope(set, et, eb), offset(set, et, eb)};
      for (Expr &value : values) value = precision.operand(value);
      return values;
    };
    halogen::expand(&vectors, of_channel, x.dim(0).extent() / S, S, per_set, !get_target().has_gpu_feature());
    const FuncRef of = vectors.all(i, t, b);
    dx(i, r, t, b) = precision.encode_result(halogen::input_gradient(
        get_target(), Expr(true), of[0], gradient(i, r, t, b), of[2], precision.decode(x(i, r, t, b)), of[1], of[3]));
  }

  void schedule() {
    const halogen::Machine machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    halogen::start_at_zero(x);
    halogen::same_shape(dy, x);
    halogen::same_shape(y, x);
    branch_on(masked);
    halogen::same_shape(dx, x);
    for (OutputImageParam vector :
         {OutputImageParam(scale), OutputImageParam(mean_hi), OutputImageParam(slope), OutputImageParam(offset)}) {
      halogen::channel_vector(vector, get_target());
    }
    const Var task = halogen::schedule_slab_rows(dx, {i, r, t, b}, grain, rows_at_once, machine);
    halogen::schedule_expanded(vectors, dx, task, S, per_set, machine);
  }

 private:
  Var i{"i"}, r{"r"}, t{"t"}, b{"b"};
  halogen::Precision precision;
  halogen::Expanded vectors;
};

HALIDE_REGISTER_GENERATOR(NormDxSlab, norm_dx_slab)
