// Normalisation by the input's own statistics while a statistic set is in the cache; lanes run along s.
//   mean_hi, mean_lo, var (g, b): statistics of x(:, :, g, b)
//   y(s, r, g, b) = (x - mean) / sqrt(var + eps) * weight + bias        weight, bias: (r, g), g wraps around
// See algorithms/statistics.h and algorithms/normalize.h for the formulas.
#include "algorithms/normalize.h"
#include "algorithms/statistics.h"
#include "schedules/buffers.h"
#include "schedules/statistics_schedule.h"

using namespace Halide;

class NormFusedRow : public Generator<NormFusedRow> {
 public:
  Input<Buffer<float, 4>> x{"x"};                          // s, r, g, b
  Input<Buffer<float, 2>> weight{"weight"}, bias{"bias"};  // r, g
  Input<bool> has_weight{"has_weight"}, has_bias{"has_bias"};
  Input<double> eps{"eps"};
  Input<bool> in_place{"in_place"};  // y is x itself; otherwise they have no memory in common
  Input<int> block_s{"block_s"}, block_r{"block_r"};
  Input<int> grain{"grain"};                                                  // g's in a task
  Output<Func> statistic{"statistic", {Float(32), Float(32), Float(32)}, 2};  // g, b
  Output<Buffer<float, 4>> y{"y"};                                            // s, r, g, b

  void generate() {
    machine = halogen::machine_of(get_target());
    const halogen::BlockShape shape{x.dim(0).extent(), x.dim(1).extent(), block_s, block_r};
    blocks = halogen::block_statistics(x, shape, machine.lanes);
    auto block = [&](int i) {
      return [this, i](const Expr &ks, const Expr &kr, const Expr &g, const Expr &b) {
        return blocks.block(ks, kr, g, b)[i];
      };
    };
    merged = halogen::merge_blocks(block(0), block(1), shape);
    const FuncRef own = merged.statistic(g, b);
    const Expr gw = g % weight.dim(1).extent();
    const halogen::Affine a = halogen::affine(own[1], own[2], eps, has_weight, weight(r, gw), has_bias, bias(r, gw));
    affine(r, g, b) = Tuple(a.scale, a.shift);

    // The last task may be smaller than the others; bounds inference needs to be told.
    const Expr in_task = min(g, x.dim(2).extent() - 1);
    const FuncRef st = merged.statistic(in_task, b);
    statistic(g, b) = Tuple(st[0], st[1], st[2]);
    // Where rows share parameters, the vectors have one row: nothing is computed twice.
    const FuncRef of_row = affine(min(r, weight.dim(0).extent() - 1), in_task, b);
    y(s, r, g, b) = halogen::normalize(x(s, r, g, b), st[0], of_row[0], of_row[1]);
  }

  void schedule() {
    halogen::start_at_zero(x);
    halogen::same_shape(y, x);
    halogen::any_strides(weight);
    halogen::any_strides(bias);
    const OutputImageParam first = Func(statistic).output_buffers()[0];
    first.dim(0).set_bounds(0, x.dim(2).extent());
    first.dim(1).set_bounds(0, x.dim(3).extent());

    // A task takes `grain` neighbouring sets, about half an L2 of data: first the statistics of all, then y from the cache.
    // Sets go by few at a time, so that what is kept per set has a fixed size and needs no heap.
    constexpr int kSets = 32;
    Var outer("outer"), some("some"), inner("inner");
    Func out = y, out_statistic = statistic;
    for (Func f : {out, out_statistic}) {
      f.split(g, outer, inner, grain, TailStrategy::GuardWithIf)
          .split(inner, some, inner, kSets, TailStrategy::GuardWithIf);
      f.parallel(b).parallel(outer).never_partition(inner, some, outer, b);
    }
    out.reorder(s, inner, r, some, outer, b).never_partition(r);
    // A row's last vector overlaps the one before, which would read what was written if y is x.
    out.specialize(!in_place && x.dim(0).extent() >= machine.vector)
        .vectorize(s, machine.vector, TailStrategy::ShiftInwards);
    out.vectorize(s, machine.vector, TailStrategy::GuardWithIf);
    out_statistic.compute_with(out, some);
    for (Func f : {affine, merged.statistic, merged.mean, merged.sum, merged.m2, blocks.block}) {
      f.compute_at(out, some).never_partition_all();
    }
    for (Func f : {merged.statistic, merged.mean, merged.sum, merged.m2}) {
      f.bound_storage(merged.g, kSets);
    }
    blocks.block.bound_storage(blocks.g, kSets);
    halogen::bound_sets(blocks, kSets);
    merged.sum.update().unscheduled();
    merged.m2.update().unscheduled();
    halogen::schedule_block_statistics(blocks, machine);
  }

 private:
  Var s{"s"}, r{"r"}, g{"g"}, b{"b"};
  halogen::Machine machine;
  halogen::BlockStatistics blocks;
  halogen::MergedStatistics merged;
  Func affine{"affine"};
};

HALIDE_REGISTER_GENERATOR(NormFusedRow, norm_fused_row)
