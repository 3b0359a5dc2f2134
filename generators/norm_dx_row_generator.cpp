// dx(s, r, g, b) = a dy + b (x - mean_hi) + c with coefficients that are there; lanes run along s.
// a: (r, g, b); mean_hi, b, c: (g, b). Vectors of one b serve all of them. See algorithms/gradients.h.
#include "algorithms/gradients.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/machine.h"
#include "schedules/rows_schedule.h"

using namespace Halide;

class NormDxRow : public halogen::Kernel<NormDxRow> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"}, dy{"dy"}, y{"y"};                              // s, r, g, b
  Input<Buffer<void, 3>> scale{"scale"};                                        // a: r, g, b
  Input<Buffer<void, 2>> mean_hi{"mean_hi"}, slope{"slope"}, offset{"offset"};  // mean_hi, b, c: g, b
  Input<bool> masked{"masked"};                                                 // dy is of an activation's result, y
  Input<double> negative_slope{"negative_slope"};
  Input<bool> in_place{"in_place"};  // dx is x or dy itself; otherwise it has no memory in common with them
  Input<int> grain_g{"grain_g"}, grain_b{"grain_b"};  // of a task
  Output<Buffer<void, 4>> dx{"dx"};                   // s, r, g, b

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&x, &dy, &y}) data->set_type(precision.storage);
    scale.set_type(precision.compute);
    for (auto *vector : {&mean_hi, &slope, &offset}) vector->set_type(precision.compute);
    dx.set_type(precision.storage);
  }

  void generate() {
    const halogen::OutputGradient gradient{precision, dy, y, masked, negative_slope};
    const Expr bs = min(b, mean_hi.dim(1).extent() - 1);
    const Expr value = halogen::input_gradient(
        get_target(), Expr(true), precision.operand(scale(min(r, scale.dim(0).extent() - 1), g, bs)),
        gradient(s, r, g, b), precision.operand(slope(g, bs)), precision.decode(x(s, r, g, b)),
        precision.operand(mean_hi(g, bs)), precision.operand(offset(g, bs)));
    dx(s, r, g, b) = precision.encode_result(value);
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
      halogen::any_strides(vector);
    }
    halogen::schedule_rows(dx, {s, r, g, b}, x, in_place, grain_g, grain_b, machine);
  }

 private:
  Var s{"s"}, r{"r"}, g{"g"}, b{"b"};
  halogen::Precision precision;
};

HALIDE_REGISTER_GENERATOR(NormDxRow, norm_dx_row)
