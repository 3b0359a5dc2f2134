// Which kernels normalise a tensor, and in what pieces: a pure function of shape and cache size. The number of threads is not
// among its arguments, so that the results do not depend on it.
#pragma once

#include <halogen/ops.h>

#include <cstdint>

#include "kernel_table.h"
#include "machine.h"

namespace halogen {

/// Strides of a tensor seen as (N, C, S), in elements.
struct NormStrides {
  int64_t n, c, s;
};

/// Tensors seen as (N, C, S), and what is asked for.
struct NormProblem {
  int64_t N, C, S;
  NormStrides x, y, residual;  ///< s dense, or with channel_last c; residual's are x's where there is none
  bool channel_last;
  Dtype dtype;
  halogen_norm_scope scope;
  int64_t groups;       ///< scope group: number of groups, else 1
  bool own_statistics;  ///< else mean and var are given
  bool backward;        ///< y is the gradient of x, residual the one it is computed from
  bool epilogue;
  bool masked;         ///< backward: kernels take the activation's mask where they read the gradient,
  NormStrides result;  ///< from the activation's result
  bool gpu;
  bool in_place;     ///< y is x, or the residual
  bool whole_lines;  ///< rows of y (S = 1: sets) begin and end with a cache line

  /// Statistic sets: neighbouring channels of a sample, or one channel of all.
  int64_t channels_per_set() const { return scope == HALOGEN_NORM_SCOPE_GROUP && own_statistics ? C / groups : 1; }
  bool per_channel() const { return !own_statistics || scope == HALOGEN_NORM_SCOPE_BATCH; }
  /// What is summed up: statistic sets; backward, channels.
  bool reduces() const { return own_statistics || backward; }
  bool over_samples() const { return reduces() && per_channel(); }
  int64_t values() const { return N * C * S; }
  /// Whether the strides of all tensors pass a test.
  template <class Test>
  bool every(const Test &test) const {
    return test(x) && test(y) && test(residual) && (!masked || test(result));
  }
  int64_t channels_per_sum() const { return backward ? 1 : channels_per_set(); }
};

/// Lanes along rows: (s, r, g, b), of which g are taken together and b are not. Sums are over (s, r). Parameters are at (r, g), the
/// latter wrapping around after `parameter_sets`.
struct RowView {
  int64_t s, r, g, b;
  bool over_samples;  ///< r are samples, else channels
  int64_t parameter_sets, parameter_rows;
  int64_t statistics_b;  ///< b's that statistics differ for: b or 1

  struct Strides {
    int64_t r, g, b;
  };
  Strides of(const NormStrides &t) const { return {over_samples ? t.n : t.c, over_samples ? t.c : r * t.c, t.n}; }
};

/// Lanes across channels: (i, r, t, b), i = j * S + s over the channels j of slab t. `width` neighbouring i's are summed up, over all
/// rows r and, if `merged`, all b.
struct SlabView {
  int64_t S, width, r, b;
  bool merged;

  struct Strides {
    int64_t r, channel, b;
  };
};

struct NormPlan {
  halogen_norm_path path;  ///< ROW, SLAB or SPLIT; with given statistics ROW or SLAB
  const char *reason;      ///< a sentence, static
  bool too_large;          ///< with a refusal: the tensor is beyond what any path can address
  bool across;             ///< SPLIT: lanes across channels
  bool each;               ///< ROW: a row is a set, and each value has parameters of its own
  bool stream;             ///< ROW, SPLIT: y goes around the caches
  int64_t samples;         ///< N of one pass of kernels: less than N where offsets would exceed 31 bits
  // Lanes along rows:
  int32_t block_s, block_r;  ///< blocks of statistics
  int32_t sets_per_task;     ///< ROW: sets in a task
  int32_t blocks_per_task;   ///< SPLIT: neighbouring blocks of a row in a task,
  int32_t block_sets;        ///< of neighbouring g's
  int32_t chunk_rows;        ///< each, backward: rows that gradients of parameters are added up over, in a task
  int32_t apply_sets;        ///< ROW with given statistics, SPLIT: g's in a task,
  int32_t apply_samples;     ///< and b's
  // Lanes across channels:
  int32_t slab;           ///< channels side by side
  int32_t slab_block_r;   ///< rows in a block
  int32_t chunk_r;        ///< SPLIT: rows that have statistics of their own
  int32_t rows_per_task;  ///< y from statistics that are there
};

/// The views of `samples` samples: of what is summed up, and of statistic sets in memory order.
RowView norm_sets_view(const NormProblem &problem, int64_t samples);
RowView norm_order_view(const NormProblem &problem, int64_t samples);

/// The view of a plan with `each`: r is 1, and the g's follow each other. Backward, b are samples, of which each may be in another chunk.
RowView norm_each_view(const NormProblem &problem, int64_t samples);

/// Its chunks in all passes.
int64_t norm_chunks(const NormProblem &problem, const NormPlan &plan);

SlabView norm_slab_view(const NormProblem &problem, int64_t samples);
SlabView::Strides strides_of(const NormProblem &problem, const SlabView &view, const NormStrides &strides);

/// Plans a problem without empty dimensions. `forced` other than AUTO is taken or refused. On refusal returns false and
/// `plan->reason` says why.
bool norm_plan(const NormProblem &problem, halogen_norm_path forced, const Caches &caches, halogen_stores stores,
               NormPlan *plan);

/// Of `count` samples or rows that are `stride` apart and each reach over `reach` elements from its first: how many a kernel can address; 0:
/// not one.
int64_t norm_at_once(int64_t count, int64_t stride, int64_t reach);

/// Statistic sets of the whole problem.
int64_t norm_sets(const NormProblem &problem);

/// Whether y is taken by lanes across channels.
inline bool norm_across(const NormPlan &plan) { return plan.path == HALOGEN_NORM_PATH_SLAB || plan.across; }

/// Statistics of blocks, or chunks, that SPLIT keeps: memory order is along, down, set, sample; of chunks along, set, down, sample.
struct NormBlocks {
  int64_t along, down, sets, samples;

  int64_t count() const { return along * down * sets * samples; }
};
NormBlocks norm_blocks(const NormProblem &problem, const NormPlan &plan);

/// Neighbouring i's that a chunk's statistics are of: a set's. On a GPU each i has its own, and is put together with its set's by the merge.
inline int64_t norm_chunk_width(const NormProblem &problem, const SlabView &view) {
  return problem.gpu ? 1 : view.width;
}

/// Bytes that the plan takes for statistics and, with SPLIT, for those of blocks.
int64_t norm_workspace_bytes(const NormProblem &problem, const NormPlan &plan);

/// Bytes of temporaries that a task has while it runs, about.
int64_t norm_task_bytes(const NormProblem &problem, const NormPlan &plan);

/// Bytes of a workspace vector, rounded up so that several share one allocation (OpenCL devices want parts aligned, to 512 at
/// most).
constexpr int64_t norm_padded(int64_t bytes) { return (bytes + 511) / 512 * 512; }

}  // namespace halogen
