// Statistics of sets from those of their blocks: the second part after norm_partial.
//   mean_hi, mean_lo, var (g, b): var is the biased variance, mean_hi + mean_lo the mean
#include "algorithms/precision.h"
#include "algorithms/statistics.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormMerge : public halogen::Kernel<NormMerge> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<double, 4>> mean{"mean"}, m2{"m2"};  // ks, kr, g, b
  Input<int> S{"S"}, R{"R"}, block_s{"block_s"}, block_r{"block_r"};
  Output<Func> statistic{"statistic", 2};  // g, b

  void configure() {
    const Type compute = halogen::Precision(dtype, get_target()).compute;
    statistic.set_type({compute, compute, compute});
  }

  void generate() {
    auto of = [](const Func &blocks) {
      return [blocks](const Expr &ks, const Expr &kr, const Expr &g, const Expr &b) -> Expr {
        return blocks(ks, kr, g, b);
      };
    };
    merged = halogen::merge_blocks(of(mean), of(m2), {S, R, block_s, block_r},
                                   halogen::Precision(dtype, get_target()).compute);
    statistic(merged.g, merged.b) = merged.statistic(merged.g, merged.b);
  }

  void schedule() {
    halogen::any_strides(mean);
    halogen::any_strides(m2);
    const OutputImageParam first = Func(statistic).output_buffers()[0];
    first.dim(0).set_bounds(0, mean.dim(2).extent());
    first.dim(1).set_bounds(0, mean.dim(3).extent());
    Func out = statistic;
    if (get_target().has_gpu_feature()) {
      // One thread a set: there are at most a few hundred blocks to a set.
      Var outer("outer"), inner("inner");
      out.gpu_tile(merged.g, outer, inner, 32, TailStrategy::GuardWithIf);
      for (Func f : {merged.sum, merged.mean, merged.m2}) {
        f.compute_at(out, inner);
      }
    } else {
      for (Func f : {merged.sum, merged.mean, merged.m2}) {
        f.compute_at(out, merged.g);
      }
    }
    merged.sum.update().unscheduled();
    merged.m2.update().unscheduled();
  }

 private:
  halogen::MergedStatistics merged;
};

HALIDE_REGISTER_GENERATOR(NormMerge, norm_merge)
