// Which kernels normalise a tensor, and in what pieces: a pure function of shape and cache size. The number of threads is not
// among its arguments, so that the results do not depend on it.
#pragma once

#include <halogen/ops.h>

#include <cstdint>

#include "machine.h"

namespace halogen {

/// A contiguous tensor seen as (N, C, S), and what is asked for.
struct NormProblem {
  int64_t N, C, S;
  halogen_norm_scope scope;
  int64_t groups;       ///< scope group: number of groups, else 1
  bool own_statistics;  ///< else mean and var are given
  bool gpu;
  bool in_place;     ///< y is x
  bool whole_lines;  ///< rows of y begin and end with a cache line
};

/// The view x(s, r, g) that statistics are taken on: over (s, r), sets g are `set_stride` apart. Elements, not bytes. Parameters
/// of set g and row r are at (g % parameter_sets) * parameter_rows + min(r, parameter_rows - 1).
struct NormView {
  int64_t s, r, g;
  int64_t row_stride, set_stride;
  int64_t parameter_sets, parameter_rows;
};

/// The view y(s, r, g, b) that is written, in memory order. Parameters are indexed by (r, g), statistics by (g, b), the latter
/// the same for all b if `statistics` is 1.
struct NormOrder {
  int64_t s, r, g, b;
  int64_t statistics;
};

struct NormPlan {
  halogen_norm_path path;    ///< ROW, SLAB or SPLIT; with given statistics ROW or SLAB
  const char *reason;        ///< a sentence, static
  bool too_large;            ///< with a refusal: the tensor is beyond what any path can address
  int64_t samples;           ///< N of one pass of kernels: less than N where offsets would exceed 31 bits
  NormView view;             ///< of one pass
  int32_t block_s, block_r;  ///< blocks of statistics
  int32_t sets_per_task;     ///< ROW: sets in a task
  int32_t blocks_per_task;   ///< SPLIT: neighbouring blocks of a row in a task
  int32_t apply_sets;        ///< ROW with given statistics, SPLIT: g's of a NormOrder in a task,
  int32_t apply_samples;     ///< and b's
  int32_t slab;              ///< SLAB: channels side by side
  int32_t rows_per_task;     ///< SLAB with given statistics
  bool stream;               ///< ROW, SPLIT: y goes around the caches
};

/// The views of `samples` samples.
NormView norm_view(const NormProblem &problem, int64_t samples);
NormOrder norm_order(const NormProblem &problem, int64_t samples);

/// Plans a problem without empty dimensions. `forced` other than AUTO is taken or refused. On refusal returns false and
/// `plan->reason` says why.
bool norm_plan(const NormProblem &problem, halogen_norm_path forced, const Caches &caches, halogen_stores stores,
               NormPlan *plan);

/// Bytes that the plan takes for statistics and, with SPLIT, for those of blocks.
int64_t norm_workspace_bytes(const NormProblem &problem, const NormPlan &plan);

/// Blocks of a view, along s and r.
struct NormBlocks {
  int64_t s, r;
};
NormBlocks norm_blocks(const NormPlan &plan, const NormView &view);

/// Bytes of temporaries that a task has while it runs, about.
int64_t norm_task_bytes(const NormProblem &problem, const NormPlan &plan);

/// Bytes of a workspace vector, rounded up so that several share one allocation (OpenCL devices want parts aligned, to 512 at
/// most).
constexpr int64_t norm_padded(int64_t bytes) { return (bytes + 511) / 512 * 512; }

}  // namespace halogen
