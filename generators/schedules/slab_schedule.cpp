#include "slab_schedule.h"

namespace halogen {

using namespace Halide;

namespace {

// A copy of a channel's value for each of its S values: whole vectors, then single values (no masked stores, which some CPUs
// are slow at).
void schedule_expansion(Func f, const RDom &channels, int vector) {
  RVar vectors("vectors"), lane("lane");
  f.never_partition_all();
  f.update()
      .allow_race_conditions()  // every (s, j) writes an i of its own, which Halide cannot see
      .split(channels.x, vectors, lane, vector, TailStrategy::GuardWithIf)
      .vectorize(lane);
}

void schedule_channel_sum(ChannelSum &sum, const SlabStatistics &st, int vector) {
  sum.folds.compute_at(sum.total, st.j).vectorize(st.lane, vector);
  sum.folds.update().reorder(st.lane, sum.vectors).vectorize(st.lane, vector).never_partition_all();
  sum.total.compute_at(st.block, st.kr).never_partition_all();
  sum.total.update(0).unroll(sum.lanes).never_partition_all();
  sum.total.update(1).never_partition_all();
}

}  // namespace

void schedule_slab_statistics(SlabStatistics &st, Func out, const Var &at, int vector) {
  for (Func f : {st.statistic, st.mean, st.sum, st.m2, st.block}) {
    f.compute_at(out, at).never_partition_all();
  }
  st.sum.update().unscheduled();
  st.m2.update().unscheduled();
  st.block.reorder(st.j, st.kr, st.t);
  for (Func f : {st.shift, st.centre, st.centre_i, st.deviation}) {
    f.compute_at(st.block, st.kr).never_partition_all();
  }
  for (ChannelSum *sum : {&st.first_sum, &st.shift_sum, &st.deviation_sum, &st.square_sum}) {
    schedule_channel_sum(*sum, st, vector);
  }
  schedule_expansion(st.centre_i, st.channels, vector);
  // Temporaries of a slab end on a whole vector; x does not, hence the guards.
  for (Func f : {st.shift, st.deviation}) {
    f.vectorize(st.i, vector, TailStrategy::RoundUp);
    f.update(0)
        .reorder(st.row_quads.x, st.i, st.row_quads.y)
        .unroll(st.row_quads.x)
        .vectorize(st.i, vector, TailStrategy::GuardWithIf);
    f.update(1).reorder(st.i, st.row_singles).vectorize(st.i, vector, TailStrategy::GuardWithIf);
  }
}

void schedule_expanded(ExpandedAffine &expanded, Func out, const Var &at, int vector) {
  expanded.of_channel.compute_at(out, at).never_partition_all();
  expanded.all.compute_at(out, at);
  schedule_expansion(expanded.all, expanded.channels, vector);
}

}  // namespace halogen
