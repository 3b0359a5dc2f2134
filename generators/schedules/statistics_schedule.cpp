#include "statistics_schedule.h"

#include "lane_schedule.h"

namespace halogen {

void schedule_block_statistics(BlockStatistics &st, const Machine &machine) {
  // Sets go innermost: a block's rows of neighbouring sets are neighbours in memory.
  st.block.reorder(st.vars.g, st.vars.ks, st.vars.kr, st.vars.b);
  for (LaneSums *sums : {&st.sample, &st.deviation}) {
    schedule_lane_sums(*sums, st.block, st.vars, machine);
  }
  st.centre.compute_at(st.block, st.vars.ks).never_partition_all();
  if (machine.gpu) st.centre.store_in(Halide::MemoryType::GPUShared);
}

void bound_sets(BlockStatistics &st, int sets) {
  for (const LaneSums *sums : {&st.sample, &st.deviation}) {
    bound_sets(*sums, st.vars.g, sets);
  }
  st.centre.bound_storage(st.vars.g, sets);
}

}  // namespace halogen
