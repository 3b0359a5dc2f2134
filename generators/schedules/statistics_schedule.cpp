#include "statistics_schedule.h"

namespace halogen {

using namespace Halide;

namespace {

// Registers hold both sums of all lanes (half of an AVX2 register file), so the loop over values loads each once and stores
// nothing; what a row adds up to goes to memory once. Loops have no guards to split off: never_partition keeps the code small.
void schedule_sums_cpu(LaneSums &sums, const BlockStatistics &st, int vector) {
  sums.folds.compute_at(st.block, st.ks).vectorize(sums.fold);
  sums.folds.update()
      .reorder(sums.fold, sums.rows.x, st.g, sums.rows.y, st.ks, st.kr, st.b)
      .vectorize(sums.fold)
      .unroll(sums.rows.x);
  Func lanes = sums.lanes;
  lanes.compute_at(sums.folds, st.g).vectorize(sums.lane, vector).unroll(sums.lane);
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
  sums.total.compute_at(st.block, st.ks).never_partition_all();
  sums.total.update().atomic().vectorize(sums.fold_total).never_partition_all();
}

// One thread per lane; neighbours read neighbouring values.
void schedule_sums_gpu(LaneSums &sums, const BlockStatistics &st) {
  Func lanes = sums.lanes, folds = sums.folds;
  lanes.compute_at(st.block, st.ks).store_in(MemoryType::GPUShared).gpu_threads(sums.lane);
  lanes.update(0).reorder(sums.groups.x, sums.groups.y, sums.lane).gpu_threads(sums.lane);
  // Every thread adds to a lane of its own, which Halide cannot see.
  lanes.update(1).allow_race_conditions().reorder(sums.vectors.x, sums.vectors.z, sums.vectors.y);
  lanes.update(1).gpu_threads(sums.vectors.y);
  folds.compute_at(st.block, st.ks).store_in(MemoryType::GPUShared).gpu_threads(sums.fold);
  folds.update().reorder(sums.rows.x, sums.rows.y, sums.fold).gpu_threads(sums.fold);
  sums.total.compute_at(st.block, st.ks).store_in(MemoryType::GPUShared);
  sums.total.update().unscheduled();
}

}  // namespace

void schedule_block_statistics(BlockStatistics &st, const Machine &machine) {
  // Sets go innermost: a block's rows of neighbouring sets are neighbours in memory.
  st.block.reorder(st.g, st.ks, st.kr, st.b);
  for (LaneSums *sums : {&st.sample, &st.deviation}) {
    if (machine.gpu) {
      schedule_sums_gpu(*sums, st);
    } else {
      schedule_sums_cpu(*sums, st, machine.lanes.vector);
    }
  }
  st.centre.compute_at(st.block, st.ks).never_partition_all();
  if (machine.gpu) st.centre.store_in(MemoryType::GPUShared);
}

void bound_sets(BlockStatistics &st, int sets) {
  for (const LaneSums *sums : {&st.sample, &st.deviation}) {
    Func(sums->folds).bound_storage(st.g, sets);
    Func(sums->total).bound_storage(st.g, sets);
  }
  st.centre.bound_storage(st.g, sets);
}

}  // namespace halogen
