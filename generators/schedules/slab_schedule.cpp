#include "slab_schedule.h"

namespace halogen {

using namespace Halide;

void schedule_set_sum(SetSum &sum, const SlabVars &vars, Func out, const Var &at, int vector, const Expr &width) {
  sum.folds.compute_at(sum.total, vars.q).vectorize(sum.lane, vector).never_partition_all();
  sum.folds.update().reorder(sum.lane, sum.vectors).vectorize(sum.lane, vector).never_partition_all();
  sum.total.compute_at(out, at).vectorize(vars.q, vector, TailStrategy::GuardWithIf).never_partition_all();
  sum.total.update(0).unroll(sum.lanes).never_partition_all();
  sum.total.update(1).never_partition_all();
  // Channel-last: a set is one i, and lanes run across sets.
  sum.total.update(1)
      .specialize(width == 1)
      .reorder(vars.q, sum.singles)
      .vectorize(vars.q, vector, TailStrategy::GuardWithIf);
}

void schedule_row_sums(RowSums &sum, const SlabVars &vars, Func out, const Var &at, int vector) {
  const TailStrategy guarded = TailStrategy::GuardWithIf;
  sum.sums.compute_at(out, at).vectorize(vars.i, vector, guarded).never_partition_all();
  sum.sums.update(0)
      .reorder(sum.quads.x, vars.i, sum.quads.y)
      .unroll(sum.quads.x)
      .vectorize(vars.i, vector, guarded)
      .never_partition(sum.quads.y);
  sum.sums.update(1).reorder(vars.i, sum.singles).vectorize(vars.i, vector, guarded).never_partition_all();
}

void schedule_slab_sums(SlabSums &sums, const SlabVars &vars, Func out, const Var &at, const Machine &machine,
                        int vector, const Expr &width) {
  schedule_row_sums(sums.rows, vars, out, at, machine.vector);
  sums.by_row.compute_at(out, at).vectorize(vars.i, machine.vector, TailStrategy::GuardWithIf).never_partition_all();
  sums.by_row.update()
      .reorder(vars.i, sums.blocks)
      .vectorize(vars.i, machine.vector, TailStrategy::GuardWithIf)
      .never_partition_all();
  schedule_set_sum(sums.first, vars, out, at, vector, width);
  schedule_set_sum(sums.second, vars, out, at, vector, width);
}

void schedule_slab_statistics(SlabStatistics &st, Func out, const Var &at, const Machine &machine, int vector,
                              const Expr &width) {
  // x ends with the slab, which need not be a whole vector.
  const TailStrategy guarded = TailStrategy::GuardWithIf;
  const Var &i = st.vars.i;
  for (Func f : {st.moments, st.mean}) {
    f.compute_at(out, at).vectorize(st.vars.q, vector, guarded).never_partition_all();
  }
  schedule_set_sum(st.mean_sum, st.vars, out, at, vector, width);
  schedule_set_sum(st.m2_sum, st.vars, out, at, vector, width);
  for (Func f : {st.row_sum, st.row_mean, st.row_m2}) {
    f.compute_at(out, at).vectorize(i, machine.vector, guarded).never_partition_all();
  }
  for (Func f : {st.row_sum, st.row_m2}) {
    f.update().reorder(i, st.blocks).vectorize(i, machine.vector, guarded).never_partition_all();
  }
  st.block.compute_at(out, at).reorder(i, st.vars.kr).vectorize(i, machine.vector, guarded).never_partition_all();
  st.centre.compute_at(st.block, st.vars.kr).vectorize(i, machine.vector, guarded).never_partition_all();
  schedule_row_sums(st.sample, st.vars, st.block, st.vars.kr, machine.vector);
  schedule_row_sums(st.deviation, st.vars, st.block, st.vars.kr, machine.vector);
}

SlabShape gpu_slab_shape(const Expr &rows, const Expr &chunk_rows) {
  return {1, rows, chunk_rows, (chunk_rows + kSlabWarps - 1) / kSlabWarps, kSlabWarps};
}

Var schedule_slab_threads(Func out, Func block, const SlabVars &vars) {
  Var tile("tile"), lane("lane"), task("task");
  // Tiles of a row side by side, as in memory. Only a grid's first dimension may exceed 65535.
  out.split(vars.q, tile, lane, kSlabLanes, TailStrategy::GuardWithIf).reorder(lane, tile, vars.k, vars.b, vars.t);
  out.fuse(tile, vars.k, task).gpu_blocks(task, vars.b, vars.t).gpu_threads(lane);
  block.compute_at(out, task).store_in(MemoryType::GPUShared).reorder(vars.i, vars.kr).gpu_threads(vars.i, vars.kr);
  block.bound_storage(vars.i, kSlabLanes);
  return lane;
}

static void schedule_thread_row_sums(RowSums &sum, Func block, const Var &i) {
  sum.sums.compute_at(block, i);
  sum.sums.update(0).reorder(sum.quads.x, sum.quads.y).unroll(sum.quads.x);
  sum.sums.update(1).unscheduled();
}

void schedule_slab_threads(SlabSums &sums, const SlabVars &vars, Func out, Expanded &means) {
  Func block = sums.rows.sums.in(sums.by_row);
  const Var lane = schedule_slab_threads(out, block, vars);
  means.all.compute_at(block, vars.i);
  schedule_thread_row_sums(sums.rows, block, vars.i);
  sums.by_row.compute_at(out, lane).update().unscheduled();
}

void schedule_slab_threads(SlabStatistics &st, Func out) {
  const Var lane = schedule_slab_threads(out, st.block, st.vars);
  st.centre.compute_at(st.block, st.vars.i);
  schedule_thread_row_sums(st.sample, st.block, st.vars.i);
  schedule_thread_row_sums(st.deviation, st.block, st.vars.i);
  for (Func f : {st.row_sum, st.row_mean, st.row_m2}) {
    f.compute_at(out, lane);
  }
  st.row_sum.update().unscheduled();
  st.row_m2.update().unscheduled();
}

void schedule_rows_at_once(Func out, const Var &i, const Var &r, const Expr &rows, const Machine &machine) {
  constexpr int kRows = 4;
  const TailStrategy guarded = TailStrategy::GuardWithIf;
  Var quarter("quarter"), quad("quad"), one("one"), all("all");
  const Expr fourth = (rows + kRows - 1) / kRows;
  // `one` has a constant extent, `all` one iteration.
  out.split(r, quarter, quad, select(rows >= kManyRows, fourth | 1, fourth), guarded);
  out.split(quarter, all, one, kRows, TailStrategy::RoundUp);
  out.reorder(one, i, quad, all).unroll(one).never_partition(all);
  out.vectorize(i, machine.stored, guarded);
}

Var schedule_slab_rows(Func out, const SlabRowVars &vars, const Expr &grain, bool rows_at_once,
                       const Machine &machine) {
  const auto &[i, r, t, b] = vars;
  Var rows("rows"), row("row"), set("set"), task("task");
  if (machine.gpu) {
    constexpr int kItems = 4;
    Var tile("tile"), lane("lane"), item("item"), warp("warp");
    out.split(i, tile, lane, kSlabLanes, TailStrategy::GuardWithIf)
        .split(r, rows, row, kItems * kSlabWarps, TailStrategy::GuardWithIf)
        .split(row, item, warp, kSlabWarps)
        .reorder(item, lane, warp, tile, rows, b, t);
    out.fuse(tile, rows, task).gpu_blocks(task, b, t).gpu_threads(lane, warp);
    return task;
  }
  out.split(r, rows, row, grain, TailStrategy::GuardWithIf).reorder(i, row, rows, t, b);
  out.fuse(t, b, set).fuse(rows, set, task).parallel(task).never_partition(task);
  if (rows_at_once) {
    schedule_rows_at_once(out, i, row, grain, machine);
  } else {
    out.vectorize(i, machine.stored, TailStrategy::GuardWithIf).never_partition(row);
  }
  return task;
}

void schedule_expanded(Expanded &expanded, Func out, const Var &at, const Expr &S, const Expr &per_set,
                       const Machine &machine) {
  if (machine.gpu) {
    expanded.all.compute_at(out, at).store_in(MemoryType::GPUShared).gpu_threads(expanded.i);
    expanded.all.bound_storage(expanded.i, kSlabLanes);
    return;
  }
  RVar vectors("vectors"), lane("lane");
  expanded.of_channel.compute_at(out, at).never_partition_all();
  // Every (channel, set) writes a j of its own, which Halide cannot see.
  Stage sets = expanded.of_channel.update().allow_race_conditions().never_partition_all();
  // Most often a channel has a statistic of its own, and lanes run across sets.
  const bool one = Internal::is_const_one(per_set);
  Stage lone = one ? sets : sets.specialize(per_set == 1);
  lone.split(expanded.sets.y, vectors, lane, machine.vector, TailStrategy::GuardWithIf).vectorize(lane);
  if (!one) sets.split(expanded.sets.x, vectors, lane, machine.vector, TailStrategy::GuardWithIf).vectorize(lane);
  expanded.all.compute_at(out, at).never_partition_all();
  // Whole vectors, then single values: no masked stores, which some CPUs are slow at.
  Stage copies = expanded.all.update();
  copies.allow_race_conditions().never_partition_all();  // every (s, j) writes an i of its own, which Halide cannot see
  // Channel-last: a channel is one i, and lanes run across channels.
  copies.specialize(S == 1)
      .split(expanded.channels.y, vectors, lane, machine.vector, TailStrategy::GuardWithIf)
      .vectorize(lane);
  copies.split(expanded.channels.x, vectors, lane, machine.vector, TailStrategy::GuardWithIf).vectorize(lane);
}

}  // namespace halogen
