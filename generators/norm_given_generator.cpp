// Statistics from moments of a batch that is shared out.
//   mean_hi, mean_lo, var: mean_hi + mean_lo the mean, var = M2 / count
//   running_var: what a running variance is averaged with: M2 / (count - 1) if unbiased; -1 where there were no values
#include "algorithms/precision.h"
#include "algorithms/statistics.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormGiven : public halogen::Kernel<NormGiven> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<double, 2>> moments{"moments"};  // g, moment: count, mean, M2
  Input<bool> unbiased{"unbiased"};
  Output<Func> statistic{"statistic", 1};  // g

  void configure() {
    compute = halogen::Precision(dtype, get_target()).compute;
    statistic.set_type({compute, compute, compute, compute});
  }

  void generate() {
    const Expr count = moments(g, 0), m2 = moments(g, 2);
    const Tuple st = halogen::statistic(compute, moments(g, 1), m2, count);
    const Expr running = select(count > 0, m2 / (count - select(unbiased, cast<double>(1), cast<double>(0))), -1);
    statistic(g) = Tuple(st[0], st[1], st[2], cast(compute, running));
  }

  void schedule() {
    halogen::start_at_zero(moments);
    Func(statistic).output_buffers()[0].dim(0).set_bounds(0, moments.dim(0).extent());
    if (get_target().has_gpu_feature()) {
      Var outer("outer"), inner("inner");
      Func(statistic).gpu_tile(g, outer, inner, 32, TailStrategy::GuardWithIf);
    }
  }

 private:
  Var g{"g"};
  Type compute;
};

HALIDE_REGISTER_GENERATOR(NormGiven, norm_given)
