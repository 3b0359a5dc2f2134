// Schedules of algorithms/slab_statistics.h and algorithms/expanded.h: everything of one slab is computed at loop `at` of
// `out`, in L1 and L2.
#ifndef HALOGEN_GENERATORS_SLAB_SCHEDULE_H
#define HALOGEN_GENERATORS_SLAB_SCHEDULE_H

#include "../algorithms/expanded.h"
#include "../algorithms/slab_statistics.h"
#include "machine.h"

namespace halogen {

/// A sum over the i's of a set; `vector` and `width` as set_sum() was given.
void schedule_set_sum(SetSum &sum, const SlabVars &vars, Halide::Func out, const Halide::Var &at, int vector,
                      const Expr &width);

void schedule_row_sums(RowSums &sum, const SlabVars &vars, Halide::Func out, const Halide::Var &at, int vector);

/// `vector`: as slab_sums() was given.
void schedule_slab_sums(SlabSums &sums, const SlabVars &vars, Halide::Func out, const Halide::Var &at,
                        const Machine &machine, int vector, const Expr &width);

/// `vector`: as slab_statistics() was given.
void schedule_slab_statistics(SlabStatistics &st, Halide::Func out, const Halide::Var &at, const Machine &machine,
                              int vector, const Expr &width);

struct SlabRowVars {
  Halide::Var i, r, t, b;
};

/// What is computed value by value over (i, r, t, b) from vectors that are there. A task is `grain` rows of a slab: its vectors stay in
/// L1 while rows go by; returns the loop over tasks.
Halide::Var schedule_slab_rows(Halide::Func out, const SlabRowVars &vars, const Expr &grain, const Machine &machine);

/// Values once per channel, then a copy for every i, so that the rows need neither divisions nor gathers.
void schedule_expanded(Expanded &expanded, Halide::Func out, const Halide::Var &at, const Machine &machine);

}  // namespace halogen
#endif
