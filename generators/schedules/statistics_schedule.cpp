#include "statistics_schedule.h"

namespace halogen {

using namespace Halide;

namespace {

// Registers hold the sums of all lanes (two per lane in the main pass: half of an AVX2 register file), so the loop over
// values loads each once and stores nothing. Loops have no guards to split off: never_partition keeps the code small.
void schedule_lanes_cpu(Func f, const LaneSweep &sweep, const BlockStatistics &st, int vector) {
  f.compute_at(st.block, st.ks).vectorize(st.lane, vector).unroll(st.lane);
  f.update(0).reorder(st.lane, sweep.groups.x, sweep.groups.y).vectorize(st.lane, vector).unroll(st.lane);
  // Every (x, y) adds to a lane of its own, which Halide cannot see.
  f.update(1).allow_race_conditions().reorder(sweep.vectors.x, sweep.vectors.y, sweep.vectors.z);
  f.update(1).vectorize(sweep.vectors.x, vector);
  f.update(2).reorder(sweep.singles.x, sweep.singles.y);
  f.never_partition_all();
  for (int i = 0; i < 3; i++) {
    f.update(i).never_partition_all();
  }
}

// One thread per lane; neighbours read neighbouring values.
void schedule_lanes_gpu(Func f, const LaneSweep &sweep, const BlockStatistics &st) {
  f.compute_at(st.block, st.ks).store_in(MemoryType::GPUShared).gpu_threads(st.lane);
  f.update(0).reorder(sweep.groups.x, sweep.groups.y, st.lane).gpu_threads(st.lane);
  // As above: a lane of its own.
  f.update(1).allow_race_conditions().reorder(sweep.vectors.x, sweep.vectors.z, sweep.vectors.y);
  f.update(1).gpu_threads(sweep.vectors.y);
}

void schedule_folds(Func folds, Func total, const BlockStatistics &st, const Machine &machine) {
  folds.compute_at(st.block, st.ks);
  total.compute_at(st.block, st.ks);
  if (machine.gpu) {
    folds.store_in(MemoryType::GPUShared).gpu_threads(st.fold);
    folds.update().reorder(st.fold_lanes, st.fold).gpu_threads(st.fold);
    total.store_in(MemoryType::GPUShared);
    total.update().unscheduled();
  } else {
    folds.vectorize(st.fold);
    folds.update().reorder(st.fold, st.fold_lanes).vectorize(st.fold).unroll(st.fold_lanes);
    total.update().unroll(st.fold_total);
  }
}

}  // namespace

void schedule_block_statistics(BlockStatistics &st, const Machine &machine) {
  if (machine.gpu) {
    schedule_lanes_gpu(st.shift_lanes, st.sweep, st);
    schedule_lanes_gpu(st.deviation_lanes, st.sweep, st);
    st.centre.store_in(MemoryType::GPUShared);
  } else {
    schedule_lanes_cpu(st.shift_lanes, st.sweep, st, machine.vector);
    schedule_lanes_cpu(st.deviation_lanes, st.sweep, st, machine.vector);
  }
  schedule_folds(st.shift_folds, st.shift_sum, st, machine);
  schedule_folds(st.deviation_folds, st.deviation_sum, st, machine);
  st.centre.compute_at(st.block, st.ks);
}

}  // namespace halogen
