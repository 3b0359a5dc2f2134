// Schedules of algorithms/statistics.h. `at` is where one task's (one thread block's) work is done.
#ifndef HALOGEN_GENERATORS_STATISTICS_SCHEDULE_H
#define HALOGEN_GENERATORS_STATISTICS_SCHEDULE_H

#include "../algorithms/statistics.h"
#include "machine.h"

namespace halogen {

/// Computes every block of `st` inside st.block's loop over ks.
void schedule_block_statistics(BlockStatistics &st, const Machine &machine);

/// CPU: at most `sets` g's are computed at a time, `vector` of them in lanes once their sums are there; the sums need no heap.
void schedule_statistics_of_sets(BlockStatistics &st, int sets, int vector);

}  // namespace halogen
#endif
