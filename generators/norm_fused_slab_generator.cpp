// Batch normalisation by the input's own statistics for many short rows; lanes run along i = j*S + s, across the channels j of
// slab t.
//   mean_hi, mean_lo, var (j, t): statistics of x(j*S .. j*S + S-1, :, t)
//   y(i, r, t) = (x - mean(j, t)) / sqrt(var(j, t) + eps) * weight(j, t) + bias(j, t)
// See algorithms/slab_statistics.h and algorithms/normalize.h for the formulas.
#include "algorithms/normalize.h"
#include "algorithms/slab_statistics.h"
#include "schedules/buffers.h"
#include "schedules/slab_schedule.h"

using namespace Halide;

class NormFusedSlab : public Generator<NormFusedSlab> {
 public:
  Input<Buffer<float, 3>> x{"x"};                          // i, r, t
  Input<Buffer<float, 2>> weight{"weight"}, bias{"bias"};  // j, t
  Input<bool> has_weight{"has_weight"}, has_bias{"has_bias"};
  Input<double> eps{"eps"};
  Input<int> S{"S"}, block_r{"block_r"};
  Output<Func> statistic{"statistic", {Float(32), Float(32), Float(32)}, 2};  // j, t
  Output<Buffer<float, 3>> y{"y"};                                            // i, r, t; may be x itself

  void generate() {
    vector = get_target().natural_vector_size<float>();
    slab = x.dim(0).extent() / S;
    slabs = halogen::slab_statistics(x, slab, S, x.dim(1).extent(), block_r, vector);
    const FuncRef st = slabs.statistic(j, t);
    statistic(j, t) = Tuple(st[0], st[1], st[2]);
    const halogen::Affine a = halogen::affine(st[1], st[2], eps, has_weight, weight(j, t), has_bias, bias(j, t));
    expanded = halogen::expand_affine(st[0], a, j, t, slab, S);
    y(i, r, t) = halogen::normalize(x(i, r, t), expanded.all(i, t)[0], expanded.all(i, t)[1], expanded.all(i, t)[2]);
  }

  void schedule() {
    halogen::start_at_zero(x);
    halogen::same_shape(y, x);
    halogen::any_strides(weight);
    halogen::any_strides(bias);
    const OutputImageParam first = Func(statistic).output_buffers()[0];
    first.dim(0).set_bounds(0, slab);
    first.dim(1).set_bounds(0, x.dim(2).extent());

    // A task is a slab: about half an L2 of data over all rows, and sums that stay in L1.
    // In place works: a value is read only where it is written (GuardWithIf, never shifted inwards).
    Func out = y, out_statistic = statistic;
    out.parallel(t).vectorize(i, vector, TailStrategy::GuardWithIf).never_partition(r, t);
    out_statistic.parallel(t).never_partition_all();
    out_statistic.compute_with(out, t);
    halogen::schedule_slab_statistics(slabs, out, t, vector);
    halogen::schedule_expanded(expanded, out, t, vector);
  }

 private:
  Var i{"i"}, r{"r"}, t{"t"}, j{"j"};
  int vector = 1;
  Expr slab;
  halogen::SlabStatistics slabs;
  halogen::ExpandedAffine expanded;
};

HALIDE_REGISTER_GENERATOR(NormFusedSlab, norm_fused_slab)
