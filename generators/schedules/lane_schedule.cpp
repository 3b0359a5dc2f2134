#include "lane_schedule.h"

namespace halogen {

using namespace Halide;

namespace {

// Registers hold both sums of all lanes (half of an AVX2 register file), so the loop over values loads each once and stores
// nothing; what a row adds up to goes to memory once. Loops have no guards to split off: never_partition keeps the code small.
void schedule_cpu(LaneSums &sums, Func block, const BlockVars &at, int vector) {
  sums.folds.compute_at(block, at.ks).vectorize(sums.fold);
  sums.folds.update()
      .reorder(sums.fold, sums.rows.x, at.g, sums.rows.y, at.ks, at.kr, at.b)
      .vectorize(sums.fold)
      .unroll(sums.rows.x);
  Func lanes = sums.lanes;
  lanes.compute_at(sums.folds, at.g).vectorize(sums.lane, vector).unroll(sums.lane);
  lanes.update(0).reorder(sums.lane, sums.groups.x, sums.groups.y).vectorize(sums.lane, vector).unroll(sums.lane);
  lanes.update(1).reorder(sums.vectors.x, sums.vectors.y, sums.vectors.z).vectorize(sums.vectors.x, vector);
  lanes.update(2).vectorize(sums.last.x, vector);
  lanes.update(3).reorder(sums.singles.x, sums.singles.y).vectorize(sums.singles.x, vector);
  for (Func f : {sums.folds, sums.lanes}) {
    f.never_partition_all();
    for (int i = 0; i < f.num_update_definitions(); i++) {
      f.update(i).never_partition_all();
    }
  }
  sums.total.compute_at(block, at.ks).never_partition_all();
  sums.total.update().atomic().vectorize(sums.fold_total).never_partition_all();
}

// One thread per lane; neighbours read neighbouring values.
void schedule_gpu(LaneSums &sums, Func block, const BlockVars &at) {
  Func lanes = sums.lanes, folds = sums.folds;
  lanes.compute_at(block, at.ks).store_in(MemoryType::GPUShared).gpu_threads(sums.lane);
  lanes.update(0).reorder(sums.groups.x, sums.groups.y, sums.lane).gpu_threads(sums.lane);
  // Every thread adds to a lane of its own, which Halide cannot see.
  lanes.update(1).allow_race_conditions().reorder(sums.vectors.x, sums.vectors.z, sums.vectors.y);
  lanes.update(1).gpu_threads(sums.vectors.y);
  folds.compute_at(block, at.ks).store_in(MemoryType::GPUShared).gpu_threads(sums.fold);
  folds.update().reorder(sums.rows.x, sums.rows.y, sums.fold).gpu_threads(sums.fold);
  sums.total.compute_at(block, at.ks).store_in(MemoryType::GPUShared);
  sums.total.update().unscheduled();
}

}  // namespace

void schedule_lane_sums(LaneSums &sums, Func block, const BlockVars &at, const Machine &machine) {
  if (machine.gpu) {
    schedule_gpu(sums, block, at);
  } else {
    schedule_cpu(sums, block, at, machine.lanes.vector);
  }
}

void schedule_blocks(Func results, Func block, const BlockVars &at, const Expr &grain, const Machine &machine) {
  Var task("task"), set("set"), outer("outer"), inner("inner");
  block.reorder(at.g, at.ks, at.kr, at.b);
  if (machine.gpu) {
    // Many even when rows are few and long. Sets go first: only a grid's first dimension may exceed 65535.
    results.fuse(at.ks, at.kr, task).fuse(at.g, at.b, set).reorder(set, task).gpu_blocks(set, task);
    block.compute_at(results, set).store_in(MemoryType::GPUShared);
  } else {
    results.reorder(at.ks, at.kr, at.g, at.b).split(at.ks, outer, inner, grain, TailStrategy::GuardWithIf);
    results.fuse(outer, at.kr, task).fuse(task, at.g, set).parallel(set).parallel(at.b).never_partition_all();
    block.compute_at(results, inner);
  }
}

Var schedule_sets(Func out, Func of_sets, const RowVars &vars, const OutputImageParam &x, const Expr &in_place,
                  const Expr &grain, const Machine &machine) {
  const auto &[s, r, g, b] = vars;
  Var outer("outer"), some("some"), inner("inner");
  for (Func f : {out, of_sets}) {
    f.split(g, outer, inner, grain, TailStrategy::GuardWithIf)
        .split(inner, some, inner, kSetsAtOnce, TailStrategy::GuardWithIf);
    f.parallel(b).parallel(outer).never_partition(inner, some, outer, b);
  }
  out.reorder(s, inner, r, some, outer, b).never_partition(r);
  // A row's last vector overlaps the one before, which would read what was written if out is in place.
  out.specialize(!in_place && x.dim(0).extent() >= machine.stored)
      .vectorize(s, machine.stored, TailStrategy::ShiftInwards);
  out.vectorize(s, machine.stored, TailStrategy::GuardWithIf);
  of_sets.compute_with(out, some);
  return some;
}

void bound_sets(const LaneSums &sums, const Var &g, int sets) {
  Func(sums.folds).bound_storage(g, sets);
  Func(sums.total).bound_storage(g, sets);
}

}  // namespace halogen
