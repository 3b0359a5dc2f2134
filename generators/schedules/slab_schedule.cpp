#include "slab_schedule.h"

namespace halogen {

using namespace Halide;

namespace {

void schedule_set_sum(SetSum &sum, const SlabStatistics &st, Func out, const Var &at, int vector, const Expr &width) {
  sum.folds.compute_at(sum.total, st.q).vectorize(st.lane, vector).never_partition_all();
  sum.folds.update().reorder(st.lane, sum.vectors).vectorize(st.lane, vector).never_partition_all();
  sum.total.compute_at(out, at).never_partition_all();
  sum.total.update(0).unroll(sum.lanes).never_partition_all();
  sum.total.update(1).never_partition_all();
  // Channel-last: a set is one i, and lanes run across sets.
  sum.total.update(1)
      .specialize(width == 1)
      .reorder(st.q, sum.singles)
      .vectorize(st.q, vector, TailStrategy::GuardWithIf);
}

}  // namespace

void schedule_slab_statistics(SlabStatistics &st, Func out, const Var &at, const Machine &machine, int vector,
                              const Expr &width) {
  // x ends with the slab, which need not be a whole vector.
  const TailStrategy guarded = TailStrategy::GuardWithIf;
  st.moments.compute_at(out, at).never_partition_all();
  st.mean.compute_at(out, at).never_partition_all();
  schedule_set_sum(st.mean_sum, st, out, at, vector, width);
  schedule_set_sum(st.m2_sum, st, out, at, vector, width);

  for (Func f : {st.row_sum, st.row_mean, st.row_m2}) {
    f.compute_at(out, at).vectorize(st.i, machine.vector, guarded).never_partition_all();
  }
  for (Func f : {st.row_sum, st.row_m2}) {
    f.update().reorder(st.i, st.blocks).vectorize(st.i, machine.vector, guarded).never_partition_all();
  }
  st.block.compute_at(out, at).reorder(st.i, st.kr).vectorize(st.i, machine.vector, guarded).never_partition_all();
  for (Func f : {st.sample, st.centre, st.deviation}) {
    f.compute_at(st.block, st.kr).vectorize(st.i, machine.vector, guarded).never_partition_all();
  }
  st.sample.update().reorder(st.i, st.sample_rows).vectorize(st.i, machine.vector, guarded).never_partition_all();
  st.deviation.update(0)
      .reorder(st.row_quads.x, st.i, st.row_quads.y)
      .unroll(st.row_quads.x)
      .vectorize(st.i, machine.vector, guarded)
      .never_partition_all();
  st.deviation.update(1).reorder(st.i, st.row_singles).vectorize(st.i, machine.vector, guarded).never_partition_all();
}

void schedule_expanded(ExpandedAffine &expanded, Func out, const Var &at, const Machine &machine) {
  expanded.of_channel.compute_at(out, at).never_partition_all();
  expanded.all.compute_at(out, at).never_partition_all();
  // Whole vectors, then single values: no masked stores, which some CPUs are slow at.
  RVar vectors("vectors"), lane("lane");
  expanded.all.update()
      .allow_race_conditions()  // every (s, j) writes an i of its own, which Halide cannot see
      .split(expanded.channels.x, vectors, lane, machine.vector, TailStrategy::GuardWithIf)
      .vectorize(lane)
      .never_partition_all();
}

}  // namespace halogen
