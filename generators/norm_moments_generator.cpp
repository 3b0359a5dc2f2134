// Moments of channels from those of their blocks, for a batch that is shared out: as norm_merge, but {count, mean, M2} themselves.
//   moments (g, 0), (g, 1), (g, 2): count, mean, sum of squared deviations, f64
#include "algorithms/statistics.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormMoments : public halogen::Kernel<NormMoments> {
 public:
  Input<Buffer<double, 4>> mean{"mean"}, m2{"m2"};    // ks, kr, g, b: of one b
  GeneratorParam<std::string> dtype{"dtype", "f64"};  // as every kernel has; there is one
  Input<int> S{"S"}, R{"R"}, block_s{"block_s"}, block_r{"block_r"};
  Output<Buffer<double, 2>> moments{"moments"};  // g, moment

  void generate() {
    auto of = [](const Func &blocks) {
      return [blocks](const Expr &ks, const Expr &kr, const Expr &g, const Expr &b) -> Expr {
        return blocks(ks, kr, g, b);
      };
    };
    merged = halogen::merge_blocks(of(mean), of(m2), {S, R, block_s, block_r}, Float(64));
    moments(g, moment) = mux(moment, {cast<double>(S) * cast<double>(R), merged.mean(g, 0), merged.m2(g, 0)});
  }

  void schedule() {
    halogen::any_strides(mean);
    halogen::any_strides(m2);
    halogen::start_at_zero(moments);
    Func out = moments;
    out.bound(moment, 0, 3).reorder(moment, g).unroll(moment);
    Var at = g;
    if (get_target().has_gpu_feature()) {
      Var outer("outer"), inner("inner");
      out.gpu_tile(g, outer, inner, 32, TailStrategy::GuardWithIf);
      at = inner;
    }
    for (Func f : {merged.sum, merged.mean, merged.m2}) f.compute_at(out, at);
    merged.sum.update().unscheduled();
    merged.m2.update().unscheduled();
  }

 private:
  Var g{"g"}, moment{"moment"};
  halogen::MergedStatistics merged;
};

HALIDE_REGISTER_GENERATOR(NormMoments, norm_moments)
