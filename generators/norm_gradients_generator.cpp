// Gradients of the parameters from the sums of channels, added up over n.
//   dbias(j)   = sum over n of s1
//   dweight(j) = sum over n of (s2 - mean_lo s1) * rstd
// See algorithms/gradients.h.
#include "algorithms/gradients.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormGradients : public halogen::Kernel<NormGradients> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};  // of the gradients
  Input<Buffer<double, 2>> s1{"s1"}, s2{"s2"};                                          // j, n
  Input<Buffer<void, 2>> mean_lo{"mean_lo"}, spread{"spread"};  // set, n; spread: var, or rstd if is_rstd
  Input<bool> has_lo{"has_lo"}, is_rstd{"is_rstd"};
  Input<double> eps{"eps"};
  Input<int> per_set{"per_set"};
  Output<Func> gradients{"gradients", 1};  // j: dweight, dbias

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    // By integers: f64 to f32 to f16 would become one instruction, that is, a call of the compiler's own library.
    precision.native_f16 = false;
    for (auto *statistic : {&mean_lo, &spread}) statistic->set_type(precision.compute);
    gradients.set_type({precision.storage, precision.storage});
  }

  void generate() {
    const RDom samples(0, s1.dim(1).extent(), "samples");
    const Expr set = j / per_set, zero = cast(precision.compute, 0);
    const Expr lo = cast<double>(select(has_lo, mean_lo(set, samples), zero));
    const Expr rstd = halogen::rstd_of(spread(set, samples), is_rstd, eps);
    total(j) = Tuple(cast<double>(0), cast<double>(0));
    total(j) = Tuple(total(j)[0] + (s2(j, samples) - lo * s1(j, samples)) * rstd, total(j)[1] + s1(j, samples));
    gradients(j) = Tuple(precision.encode(cast(precision.compute, total(j)[0])),
                         precision.encode(cast(precision.compute, total(j)[1])));
  }

  void schedule() {
    for (OutputImageParam vector :
         {OutputImageParam(s1), OutputImageParam(s2), OutputImageParam(mean_lo), OutputImageParam(spread)}) {
      halogen::any_strides(vector);
    }
    Func(gradients).output_buffers()[0].dim(0).set_bounds(0, s1.dim(0).extent());
    Func out = gradients;
    if (get_target().has_gpu_feature()) {
      Var outer("outer"), inner("inner");
      out.gpu_tile(j, outer, inner, 32, TailStrategy::GuardWithIf);
      total.compute_at(out, inner);
    } else {
      total.compute_at(out, j);
    }
    total.update().unscheduled();
  }

 private:
  Var j{"j"};
  halogen::Precision precision;
  Func total{"total"};
};

HALIDE_REGISTER_GENERATOR(NormGradients, norm_gradients)
