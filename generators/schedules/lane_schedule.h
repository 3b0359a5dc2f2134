// Schedule of algorithms/lane_sums.h. CPU: lanes are registers. GPU: lanes are threads; sums are in shared memory, so that it runs on
// devices without warp shuffles (OpenCL).
#ifndef HALOGEN_GENERATORS_LANE_SCHEDULE_H
#define HALOGEN_GENERATORS_LANE_SCHEDULE_H

#include "../../runtime/norm_tiles.h"
#include "../algorithms/lane_sums.h"
#include "machine.h"
#include "rows_schedule.h"

namespace halogen {

/// Computes the sums inside `block`'s loop over ks.
void schedule_lane_sums(LaneSums &sums, Func block, const BlockVars &at, const Machine &machine);

/// Blocks as results of a kernel: `grain` neighbouring blocks of a row, of `sets` neighbouring g's, at most kSetsAtOnce, are a task; on a
/// GPU each has a thread block.
void schedule_blocks(Func results, Func block, const BlockVars &at, const Expr &grain, const Expr &sets,
                     const Machine &machine);

/// Sets of (s, r), all of whose values are read before `out` is computed from them. `of_sets` is a result of each, (g, b). A task takes
/// `grain` neighbouring sets, about half an L2 of data: first the sums of all, then `out` from the cache. Sets go by at most
/// kSetsAtOnce at a time, so that what is kept of each has a fixed size and needs no heap; returns their loop in `out`. in_place:
/// `out` is one of the tensors it is computed from, of which `x` is one. rows_at_once: `out` is computed by four rows at a time where there
/// are as many, which is faster where their lines come from beyond the second-level cache (Zen 3, 2026-11, training: by a fifth).
/// Streaming stores are slower so, by three times.
Var schedule_sets(Func out, Func of_sets, const RowVars &vars, const Halide::OutputImageParam &x, const Expr &in_place,
                  const Expr &grain, bool rows_at_once, const Machine &machine);

/// At most `sets` g's are computed at a time: their sums need no heap.
void bound_sets(const LaneSums &sums, const Var &g, int sets);

}  // namespace halogen
#endif
