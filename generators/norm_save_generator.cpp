// Statistics for the backward pass: mean (rounded once: mean_hi), rstd = 1 / sqrt(var + eps).
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormSave : public halogen::Kernel<NormSave> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 1>> mean_hi{"mean_hi"}, var{"var"};
  Input<double> eps{"eps"};
  Output<Func> saved{"saved", 1};

  void configure() {
    compute = halogen::Precision(dtype, get_target()).compute;
    mean_hi.set_type(compute);
    var.set_type(compute);
    saved.set_type({compute, compute});
  }

  void generate() {
    saved(set) = Tuple(mean_hi(set), cast(compute, cast<double>(1) / sqrt(cast<double>(var(set)) + eps)));
  }

  void schedule() {
    halogen::start_at_zero(mean_hi);
    halogen::same_shape(var, mean_hi);
    Func(saved).output_buffers()[0].dim(0).set_bounds(0, mean_hi.dim(0).extent());
    if (get_target().has_gpu_feature()) {
      Var outer("outer"), inner("inner");
      Func(saved).gpu_tile(set, outer, inner, 32, TailStrategy::GuardWithIf);
    }
  }

 private:
  Var set{"set"};
  Type compute;
};

HALIDE_REGISTER_GENERATOR(NormSave, norm_save)
