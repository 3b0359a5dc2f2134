// Running statistics, with f = running_weight:
//   running_mean' = (1 - f) running_mean + f * average over b of mean
//   running_var'  = (1 - f) running_var  + f * average over b of var * correction
// correction is n/(n-1) for the unbiased variance, else 1. A negative var says that there were no values: they stay. In f64; out may
// be in.
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormRunning : public halogen::Kernel<NormRunning> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};  // of the running statistics
  Input<Buffer<void, 2>> mean_hi{"mean_hi"}, mean_lo{"mean_lo"}, var{"var"};            // g, b
  Input<Buffer<void, 1>> running_mean{"running_mean"}, running_var{"running_var"};      // g
  Input<double> running_weight{"running_weight"}, correction{"correction"};
  Output<Func> updated{"updated", 1};  // g

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    // By integers: f64 to f32 to f16 would become one instruction, that is, a call of the compiler's own library.
    precision.native_f16 = false;
    for (auto *statistic : {&mean_hi, &mean_lo, &var}) statistic->set_type(precision.compute);
    for (auto *running : {&running_mean, &running_var}) running->set_type(precision.storage);
    updated.set_type({precision.storage, precision.storage});
  }

  void generate() {
    const RDom sample(0, mean_hi.dim(1).extent(), "sample");
    sum(g) = Tuple(cast<double>(0), cast<double>(0));
    sum(g) = Tuple(sum(g)[0] + cast<double>(mean_hi(g, sample)) + cast<double>(mean_lo(g, sample)),
                   sum(g)[1] + cast<double>(var(g, sample)));
    const Expr samples = cast<double>(mean_hi.dim(1).extent());
    auto moved = [&](const Expr &old, const Expr &now) {
      const Expr before = cast<double>(precision.decode(old));
      const Expr after =
          precision.encode(cast(precision.compute, (1 - running_weight) * before + running_weight * now));
      return select(strict_float(sum(g)[1] < cast<double>(0)), old, after);
    };
    updated(g) =
        Tuple(moved(running_mean(g), sum(g)[0] / samples), moved(running_var(g), sum(g)[1] / samples * correction));
  }

  void schedule() {
    for (OutputImageParam vector : {OutputImageParam(mean_hi), OutputImageParam(mean_lo), OutputImageParam(var)}) {
      halogen::start_at_zero(vector);
    }
    Func(updated).output_buffers()[0].dim(0).set_bounds(0, mean_hi.dim(0).extent());
    Func out = updated;
    if (get_target().has_gpu_feature()) {
      Var outer("outer"), inner("inner");
      out.gpu_tile(g, outer, inner, 32, TailStrategy::GuardWithIf);
      sum.compute_at(out, inner);
    } else {
      sum.compute_at(out, g);
    }
    sum.update().unscheduled();
  }

 private:
  Var g{"g"};
  halogen::Precision precision;
  Func sum{"sum"};
};

HALIDE_REGISTER_GENERATOR(NormRunning, norm_running)
