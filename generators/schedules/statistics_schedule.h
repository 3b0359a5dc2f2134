// Schedules of algorithms/statistics.h. `at` is where one task's (one thread block's) work is done.
#ifndef HALOGEN_GENERATORS_STATISTICS_SCHEDULE_H
#define HALOGEN_GENERATORS_STATISTICS_SCHEDULE_H

#include "../algorithms/statistics.h"
#include "machine.h"

namespace halogen {

/// Computes every block of `st` inside st.block's loop over ks.
void schedule_block_statistics(BlockStatistics &st, const Machine &machine);

/// At most `sets` g's are computed at a time: their sums need no heap.
void bound_sets(BlockStatistics &st, int sets);

}  // namespace halogen
#endif
