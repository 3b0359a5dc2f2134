// Schedules of algorithms/slab_statistics.h and algorithms/expanded.h. CPU: everything of one slab is computed at loop `at` of `out`,
// in L1 and L2. GPU: a warp's threads have neighbouring i's, eight warps their shares of the rows; a set is one i.
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

/// How many threads of a block have a row, and how many rows are read side by side.
constexpr int kSlabLanes = 32, kSlabWarps = 8;

/// A GPU's chunks: an i is a set, and a thread has one of eight blocks.
SlabShape gpu_slab_shape(const Expr &rows, const Expr &chunk_rows);

/// GPU: results by i, of a chunk each, that `block` has of the chunk's blocks: in registers, then in shared memory. Returns the loop
/// over i's of `out`, by whose threads blocks are put together.
Halide::Var schedule_slab_threads(Halide::Func out, Halide::Func block, const SlabVars &vars);

/// The same for the stages of slab_sums() and slab_statistics().
void schedule_slab_threads(SlabSums &sums, const SlabVars &vars, Halide::Func out, Expanded &means);
void schedule_slab_threads(SlabStatistics &st, Halide::Func out);

struct SlabRowVars {
  Halide::Var i, r, t, b;
};

/// What is computed value by value over (i, r, t, b) from vectors that are there. CPU: a task is `grain` rows of a slab: its vectors stay
/// in L1 while rows go by, several at a time (schedule_rows_at_once), or for streaming stores, which want whole lines in memory's order,
/// one. GPU: a thread has four rows of an i. Returns the loop over tasks, or thread blocks.
Halide::Var schedule_slab_rows(Halide::Func out, const SlabRowVars &vars, const Expr &grain, bool rows_at_once,
                               const Machine &machine);

/// CPU: four rows of r's `rows` at a time, so that what belongs to an i is loaded once for four values; they are a quarter of all rows
/// apart, as in row_sums(). In place works: a value is read only where it is written (GuardWithIf, never shifted inwards).
void schedule_rows_at_once(Halide::Func out, const Halide::Var &i, const Halide::Var &r, const Halide::Expr &rows,
                           const Machine &machine);

/// Values once per channel, then a copy for every i of its S, so that the rows need neither divisions nor gathers. `per_set`: channels
/// that share a statistic.
void schedule_expanded(Expanded &expanded, Halide::Func out, const Halide::Var &at, const Halide::Expr &S,
                       const Halide::Expr &per_set, const Machine &machine);

}  // namespace halogen
#endif
