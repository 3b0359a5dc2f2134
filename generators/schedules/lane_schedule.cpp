#include "lane_schedule.h"

namespace halogen {

using namespace Halide;

namespace {

// Registers hold both sums of all streams (half of an AVX2 register file), so the loop over values loads each once and stores
// nothing; what a row adds up to goes to memory once. Loops have no guards to split off: never_partition keeps the code small.
void schedule_cpu(LaneSums &sums, Func block, const BlockVars &at) {
  sums.folds.compute_at(block, at.ks).vectorize(sums.fold);
  sums.folds.update()
      .reorder(sums.fold, sums.rows.x, sums.rows.y, at.g, sums.rows.z, at.ks, at.kr, at.b)
      .vectorize(sums.fold)
      .unroll(sums.rows.x)
      .unroll(sums.rows.y);
  Func lanes = sums.lanes;
  lanes.compute_at(sums.folds, at.g).vectorize(sums.lane).unroll(sums.stream);
  lanes.update(0).reorder(sums.lane, sums.stream, sums.groups.x, sums.groups.y);
  lanes.update(1).reorder(sums.lane, sums.stream, sums.last);
  lanes.update(2).reorder(sums.lane, sums.stream, sums.singles.x);
  for (int i = 0; i < 3; i++) {
    lanes.update(i).vectorize(sums.lane).unroll(sums.stream);
  }
  for (Func f : {sums.folds, sums.lanes}) {
    f.never_partition_all();
    for (int i = 0; i < f.num_update_definitions(); i++) {
      f.update(i).never_partition_all();
    }
  }
  // After all else: it takes a copy. Of a constant, it would be a second one.
  if (!Internal::is_const(sums.by_runs)) sums.folds.update().specialize(sums.by_runs);
  sums.total.compute_at(block, at.ks).never_partition_all();
  for (Func halves : sums.halves) {
    halves.compute_at(sums.total, at.g).vectorize(sums.fold);
  }
}

// One thread per lane; neighbours read neighbouring values.
void schedule_gpu(LaneSums &sums, Func block, const BlockVars &at) {
  Func lanes = sums.lanes, folds = sums.folds;
  lanes.compute_at(block, at.ks).store_in(MemoryType::GPUShared).gpu_threads(sums.lane);
  lanes.update(0).reorder(sums.groups.x, sums.groups.y, sums.lane).gpu_threads(sums.lane);
  // Every thread adds to a lane of its own, which Halide cannot see.
  lanes.update(1).allow_race_conditions().reorder(sums.rest.y, sums.rest.x).gpu_threads(sums.rest.x);
  folds.compute_at(block, at.ks).store_in(MemoryType::GPUShared).gpu_threads(sums.fold);
  folds.update().reorder(sums.rows.x, sums.rows.y, sums.rows.z, sums.fold).gpu_threads(sums.fold);
  sums.total.compute_at(block, at.ks).store_in(MemoryType::GPUShared);
  sums.total.update().unscheduled();
}

constexpr int kRows = 4;

// Four rows at a time, a cache line of each. Loops, from within: the rows, s, `between`, fours of rows.
void schedule_four_rows(Stage out, const Var &s, const Var &between, const Var &r, const Machine &machine) {
  Var four("four"), row("row"), vector("vector"), lane("lane");
  out.split(r, four, row, kRows, TailStrategy::GuardWithIf);
  out.split(s, s, lane, machine.line, TailStrategy::ShiftInwards).split(lane, vector, lane, machine.stored);
  out.reorder(lane, vector, row, s, between, four).vectorize(lane).unroll(vector).unroll(row);
  // A loop of its own for what is less than four: a test in the other would be one for each vector.
  out.partition(four, Partition::Always).never_partition(s, between);
}

}  // namespace

void schedule_lane_sums(LaneSums &sums, Func block, const BlockVars &at, const Machine &machine) {
  if (machine.gpu) {
    schedule_gpu(sums, block, at);
  } else {
    schedule_cpu(sums, block, at);
  }
}

void schedule_blocks(Func results, Func block, const BlockVars &at, const Expr &grain, const Expr &sets,
                     const Machine &machine) {
  Var task("task"), set("set"), outer("outer"), inner("inner"), some("some"), one("one");
  block.reorder(at.g, at.ks, at.kr, at.b);
  if (machine.gpu) {
    // Many even when rows are few and long. Sets go first: only a grid's first dimension may exceed 65535.
    results.fuse(at.ks, at.kr, task).fuse(at.g, at.b, set).reorder(set, task).gpu_blocks(set, task);
    block.compute_at(results, set).store_in(MemoryType::GPUShared);
  } else {
    results.split(at.ks, outer, inner, grain, TailStrategy::GuardWithIf)
        .split(at.g, some, one, sets, TailStrategy::GuardWithIf)
        .reorder(one, inner, outer, at.kr, some, at.b);
    results.fuse(outer, at.kr, task).fuse(task, some, set).parallel(set).parallel(at.b).never_partition_all();
    block.compute_at(results, inner);
  }
}

Var schedule_sets(Func out, Func of_sets, const RowVars &vars, const OutputImageParam &x, const Expr &in_place,
                  const Expr &grain, bool rows_at_once, const Machine &machine) {
  const auto &[s, r, g, b] = vars;
  Var outer("outer"), some("some"), inner("inner");
  for (Func f : {out, of_sets}) {
    f.split(g, outer, inner, grain, TailStrategy::GuardWithIf)
        .split(inner, some, inner, kSetsAtOnce, TailStrategy::GuardWithIf);
    f.parallel(b).parallel(outer).never_partition(inner, some, outer, b);
  }
  out.reorder(s, inner, r, some, outer, b).never_partition(r);
  // A row's last vector overlaps the one before, which would read what was written if out is in place.
  const Expr S = x.dim(0).extent(), four_rows = x.dim(1).extent() >= kRows && S >= machine.line;
  if (rows_at_once) schedule_four_rows(out.specialize(!in_place && four_rows), s, inner, r, machine);
  out.specialize(!in_place && S >= machine.stored).vectorize(s, machine.stored, TailStrategy::ShiftInwards);
  out.vectorize(s, machine.stored, TailStrategy::GuardWithIf);
  of_sets.compute_with(out, some);
  return some;
}

void bound_sets(const LaneSums &sums, const Var &g, int sets) {
  Func(sums.folds).bound_storage(g, sets);
  Func(sums.total).bound_storage(g, sets);
}

}  // namespace halogen
