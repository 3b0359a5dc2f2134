// Schedules of algorithms/slab_statistics.h and algorithms/expanded_affine.h: everything of one slab is computed at loop `at` of
// `out`, in L1 and L2.
#ifndef HALOGEN_GENERATORS_SLAB_SCHEDULE_H
#define HALOGEN_GENERATORS_SLAB_SCHEDULE_H

#include "../algorithms/expanded_affine.h"
#include "../algorithms/slab_statistics.h"
#include "machine.h"

namespace halogen {

/// `vector`: as slab_statistics() was given.
void schedule_slab_statistics(SlabStatistics &st, Halide::Func out, const Halide::Var &at, const Machine &machine,
                              int vector, const Expr &width);

/// Scale and shift once per channel, then a copy for every i, so that the rows need neither divisions nor gathers.
void schedule_expanded(ExpandedAffine &expanded, Halide::Func out, const Halide::Var &at, const Machine &machine);

}  // namespace halogen
#endif
