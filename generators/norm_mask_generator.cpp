// The gradient of an activation from its result y: g(d0, d1, d2, d3) = y > 0 ? dy : slope * dy, or dy where y is NaN.
#include "algorithms/gradients.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/machine.h"
#include "schedules/rows_schedule.h"

using namespace Halide;

class NormMask : public halogen::Kernel<NormMask> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> y{"y"}, dy{"dy"};
  Input<double> slope{"slope"};
  Input<bool> in_place{"in_place"};  // g is y or dy itself; otherwise it has no memory in common with them
  Input<int> grain_2{"grain_2"}, grain_3{"grain_3"};  // d2's and d3's of a task
  Output<Buffer<void, 4>> g{"g"};

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&y, &dy}) data->set_type(precision.storage);
    g.set_type(precision.storage);
  }

  void generate() {
    const halogen::OutputGradient gradient{precision, dy, y, Internal::const_true(), slope};
    g(d0, d1, d2, d3) = precision.encode(gradient(d0, d1, d2, d3));
  }

  void schedule() {
    halogen::start_at_zero(y);
    halogen::same_shape(dy, y);
    halogen::same_shape(g, y);
    halogen::schedule_rows(g, {d0, d1, d2, d3}, y, in_place, grain_2, grain_3,
                           halogen::machine_of(get_target(), precision.compute, precision.storage));
  }

 private:
  Var d0{"d0"}, d1{"d1"}, d2{"d2"}, d3{"d3"};
  halogen::Precision precision;
};

HALIDE_REGISTER_GENERATOR(NormMask, norm_mask)
