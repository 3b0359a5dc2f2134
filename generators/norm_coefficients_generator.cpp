// The coefficients of dx = a dy + b (x - mean_hi) + c from the sums of channels.
//   a (j, n) = weight(j) * rstd      rstd (set, n): for what else is computed from it
//   b, c (set, n): see algorithms/gradients.h; a set of `per_set` neighbouring channels, over `count` values, or where they are
//   counted elsewhere counts(set)
#include "algorithms/gradients.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"

using namespace Halide;

class NormCoefficients : public halogen::Kernel<NormCoefficients> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<double, 2>> s1{"s1"}, s2{"s2"};                  // j, n
  Input<Buffer<void, 2>> mean_lo{"mean_lo"}, spread{"spread"};  // set, n; spread: var, or rstd if is_rstd
  Input<Buffer<void, 1>> weight{"weight"};                      // j
  Input<Buffer<double, 1>> counts{"counts"};                    // set
  Input<bool> has_lo{"has_lo"}, is_rstd{"is_rstd"}, has_weight{"has_weight"}, has_counts{"has_counts"};
  Input<bool> own{"own"};  // the statistics are the input's
  Input<double> eps{"eps"}, count{"count"};
  Input<int> per_set{"per_set"};
  Output<Buffer<void, 2>> a{"a"};            // j, n
  Output<Func> correction{"correction", 2};  // set, n: b, c, rstd

  void configure() {
    compute = halogen::Precision(dtype, get_target()).compute;
    for (auto *statistic : {&mean_lo, &spread}) statistic->set_type(compute);
    weight.set_type(compute);
    a.set_type(compute);
    correction.set_type({compute, compute, compute});
  }

  void generate() {
    rstd(set, n) = halogen::rstd_of(spread(set, n), is_rstd, eps);
    const auto scale = [&](const Expr &channel, const Expr &of) {
      return cast(compute, cast<double>(select(has_weight, weight(channel), cast(compute, 1))) * rstd(of, n));
    };
    if (get_target().has_gpu_feature()) {
      a(j, n) = scale(j, j / per_set);
    } else {
      // By sets: a root and a division for each.
      sets = RDom(0, per_set, 0, a.dim(0).extent() / per_set, "sets");
      a(j, n) = undef(compute);
      a(sets.y * per_set + sets.x, n) = scale(sets.y * per_set + sets.x, sets.y);
    }
    const RDom channels(0, per_set, "channels");
    const Expr channel = set * per_set + channels;
    const Expr channel_weight = cast<double>(select(has_weight, weight(channel), cast(compute, 1)));
    total(set, n) = Tuple(cast<double>(0), cast<double>(0));
    total(set, n) =
        Tuple(total(set, n)[0] + channel_weight * s1(channel, n), total(set, n)[1] + channel_weight * s2(channel, n));
    const Expr of_set = halogen::rstd_of(spread(set, n), is_rstd, eps);
    const Tuple of =
        halogen::correction(own, total(set, n)[0], total(set, n)[1], select(has_lo, mean_lo(set, n), cast(compute, 0)),
                            of_set, select(has_counts, counts(set), count));
    correction(set, n) = Tuple(cast(compute, of[0]), cast(compute, of[1]), cast(compute, of_set));
  }

  void schedule() {
    for (OutputImageParam vector : {OutputImageParam(s1), OutputImageParam(s2), OutputImageParam(mean_lo),
                                    OutputImageParam(spread), OutputImageParam(weight), OutputImageParam(counts)}) {
      halogen::any_strides(vector);
    }
    halogen::start_at_zero(a);
    const OutputImageParam first = Func(correction).output_buffers()[0];
    first.dim(0).set_bounds(0, a.dim(0).extent() / per_set);
    first.dim(1).set_bounds(0, a.dim(1).extent());
    Func of_channels = a, of_sets = correction;
    if (get_target().has_gpu_feature()) {
      Var outer("outer"), inner("inner");
      of_channels.gpu_tile(j, outer, inner, 32, TailStrategy::GuardWithIf);
      of_sets.gpu_tile(set, outer, inner, 32, TailStrategy::GuardWithIf);
      total.compute_at(of_sets, inner);
    } else {
      total.compute_at(of_sets, set);
      rstd.compute_at(of_channels, sets.y);
      of_channels.update().never_partition_all();
    }
    total.update().unscheduled();
  }

 private:
  Var j{"j"}, n{"n"}, set{"set"};
  Type compute;
  RDom sets;  // channel of a set, set
  Func total{"total"}, rstd{"rstd"};
};

HALIDE_REGISTER_GENERATOR(NormCoefficients, norm_coefficients)
