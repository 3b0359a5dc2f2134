#include "norm_plan.h"

#include <algorithm>

namespace halogen {
namespace {

// Values in a block: their f32 sums keep their digits (docs/numerics.md), and a block fits in L1.
constexpr int64_t kBlockValues = 4096;
// Rows in a block, so that no f32 sum is of many more than a hundred values: a slab's lane takes one value of a row, the first lane
// of a row schedule up to four.
constexpr int64_t kBlockRowsSlab = 128;
constexpr int64_t kBlockRowsRow = 32;
// Data in a task: large enough that starting it costs nothing, small enough to be shared out and to stay in an L2.
constexpr int64_t kTaskBytes = 128 * 1024;
// With own statistics up to this, as half an L2 allows: the more channels, the longer the pieces of a sample that are read at once.
// Zen 3, 2026-11: a tenth faster than 128 KiB at 196 values a row.
constexpr int64_t kMaxTaskBytes = 256 * 1024;
// Rows shorter than this are better taken many at once, by lanes across channels. Zen 3, 2026-11: at 49 values row is ahead of
// slab by a fifth in training, by half in evaluation.
constexpr int64_t kShortRow = 32;
// Width of a slab: its sums and parameters stay in L1.
constexpr int64_t kSlabValues = 2048;
constexpr int64_t kFewSlabs = 8;
// Kernels count elements in 31 bits.
constexpr int64_t kMaxElements = (int64_t{1} << 31) - 1;
// Only a handful of large sets: split them, so that threads can share one.
constexpr int64_t kFewSets = 4;
#if defined(__x86_64__)
// A line that is stored whole through the cache is read first.
constexpr bool kStreamingSaves = true;
#else
// Cores notice by themselves.
constexpr bool kStreamingSaves = false;
#endif

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int32_t at_least_one(int64_t value, int64_t most) {
  return static_cast<int32_t>(std::max<int64_t>(1, std::min(value, most)));
}

bool refuse(NormPlan *plan, const char *reason) {
  plan->reason = reason;
  return false;
}

/// Values in a statistic set of the whole problem.
int64_t set_values(const NormProblem &p) {
  return p.scope == HALOGEN_NORM_SCOPE_BATCH   ? p.S * p.N
         : p.scope == HALOGEN_NORM_SCOPE_GROUP ? p.S * (p.C / p.groups)
                                               : p.S;
}

halogen_norm_path choose(const NormProblem &p, bool slab_fits, bool row_fits, int64_t sets, const char **reason) {
  if (p.gpu) {
    *reason = p.own_statistics ? "GPU: statistics by blocks, merged, then applied" : "GPU: one pass";
    return p.own_statistics ? HALOGEN_NORM_PATH_SPLIT : HALOGEN_NORM_PATH_ROW;
  }
  if (slab_fits && p.S < kShortRow) {
    *reason = "short rows: lanes run across channels";
    return HALOGEN_NORM_PATH_SLAB;
  }
  if (!p.own_statistics) {
    *reason = "given statistics: one pass, row by row";
    return HALOGEN_NORM_PATH_ROW;
  }
  if (row_fits && !(sets < kFewSets && set_values(p) * 4 > kTaskBytes)) {
    *reason = "a statistic set fits in the cache";
    return HALOGEN_NORM_PATH_ROW;
  }
  *reason = row_fits ? "few large statistic sets: shared between threads" : "a statistic set is larger than the cache";
  return HALOGEN_NORM_PATH_SPLIT;
}

}  // namespace

NormView norm_view(const NormProblem &p, int64_t samples) {
  if (p.own_statistics && p.scope == HALOGEN_NORM_SCOPE_BATCH) {
    return {p.S, samples, p.C, p.C * p.S, p.S, p.C, 1};
  }
  if (p.own_statistics && p.scope == HALOGEN_NORM_SCOPE_GROUP) {
    const int64_t rows = p.C / p.groups;
    return {p.S, rows, samples * p.groups, p.S, rows * p.S, p.groups, rows};
  }
  return {p.S, 1, samples * p.C, p.S, p.S, p.C, 1};
}

NormOrder norm_order(const NormProblem &p, int64_t samples) {
  if (p.own_statistics && p.scope == HALOGEN_NORM_SCOPE_GROUP) {
    const int64_t rows = p.C / p.groups;
    return {p.S, rows, p.groups, samples, samples};
  }
  const bool per_sample = p.own_statistics && p.scope == HALOGEN_NORM_SCOPE_INSTANCE;
  return {p.S, 1, p.C, samples, per_sample ? samples : 1};
}

NormBlocks norm_blocks(const NormPlan &plan, const NormView &view) {
  return {ceil_div(view.s, plan.block_s), ceil_div(view.r, plan.block_r)};
}

int64_t norm_workspace_bytes(const NormProblem &p, const NormPlan &plan) {
  if (!p.own_statistics) return 0;
  const NormView whole = norm_view(p, p.N);
  const int64_t statistics = 3 * norm_padded(whole.g * static_cast<int64_t>(sizeof(float)));
  if (plan.path != HALOGEN_NORM_PATH_SPLIT) return statistics;
  const NormView merged = norm_view(p, p.scope == HALOGEN_NORM_SCOPE_BATCH ? p.N : plan.samples);
  const NormBlocks blocks = norm_blocks(plan, merged);
  return statistics + 2 * norm_padded(blocks.s * blocks.r * merged.g * static_cast<int64_t>(sizeof(double)));
}

int64_t norm_task_bytes(const NormProblem &p, const NormPlan &plan) {
  if (plan.path == HALOGEN_NORM_PATH_SLAB) {
    // Per value of the slab's width: mean, scale and shift; before, with own statistics, the centre and three sums.
    return (p.own_statistics ? 4 : 3) * int64_t{plan.slab} * p.S * static_cast<int64_t>(sizeof(float));
  }
  if (plan.path != HALOGEN_NORM_PATH_ROW || !p.own_statistics) return 0;
  const NormBlocks blocks = norm_blocks(plan, plan.view);
  return 2 * blocks.s * blocks.r * plan.sets_per_task * static_cast<int64_t>(sizeof(double));
}

bool norm_plan(const NormProblem &p, halogen_norm_path forced, const Caches &caches, halogen_stores stores,
               NormPlan *plan) {
  *plan = {};
  const int64_t sample = p.C * p.S;
  if (sample > kMaxElements) {
    plan->too_large = true;
    return refuse(plan, "one sample has more than 2^31 - 1 elements");
  }
  const bool batch = p.scope == HALOGEN_NORM_SCOPE_BATCH;
  const int64_t set_bytes = set_values(p) * static_cast<int64_t>(sizeof(float));
  const bool whole = p.N <= kMaxElements / sample;

  // A slab of one channel must fit in half the L2, for the rows are read twice.
  const int64_t slab_rows = p.own_statistics ? p.N : 1;
  const int64_t slab = std::min(kSlabValues, caches.l2 / 2 / (slab_rows * 4)) / p.S;
  const bool slab_possible = p.own_statistics ? batch : true;
  const bool slab_fits = slab_possible && whole && slab >= 1;
  const int64_t sets = p.own_statistics ? (batch                                 ? p.C
                                           : p.scope == HALOGEN_NORM_SCOPE_GROUP ? p.N * p.groups
                                                                                 : p.N * p.C)
                                        : 1;
  const bool row_fits = set_bytes <= caches.l2 && (!batch || !p.own_statistics || whole);

  plan->path = choose(p, slab_fits, row_fits, sets, &plan->reason);
  if (forced != HALOGEN_NORM_PATH_AUTO && forced != plan->path) {
    if (p.gpu) return refuse(plan, "GPU: there is one path only");
    if (forced == HALOGEN_NORM_PATH_SPLIT && !p.own_statistics) return refuse(plan, "split: statistics are given");
    if (forced == HALOGEN_NORM_PATH_SLAB && !slab_possible) return refuse(plan, "slab: the scope is not batch");
    if ((forced == HALOGEN_NORM_PATH_SLAB || (batch && p.own_statistics && forced == HALOGEN_NORM_PATH_ROW)) &&
        !whole) {
      return refuse(plan, "slab, row: the tensor has more than 2^31 - 1 elements");
    }
    plan->path = forced;
    plan->reason = "path asked for";
  }

  plan->samples = whole ? p.N : kMaxElements / sample;
  plan->block_s = at_least_one(kBlockValues, p.S);
  const int64_t rows = batch ? p.N : p.scope == HALOGEN_NORM_SCOPE_GROUP ? p.C / p.groups : 1;
  const int64_t most_rows = plan->path == HALOGEN_NORM_PATH_SLAB ? kBlockRowsSlab : kBlockRowsRow;
  plan->block_r = p.own_statistics ? at_least_one(std::min(most_rows, kBlockValues / plan->block_s), rows) : 1;
  if (p.own_statistics && batch && !whole) {
    // Passes begin at a block.
    plan->samples = std::max<int64_t>(1, plan->samples / plan->block_r * plan->block_r);
    plan->block_r = at_least_one(plan->block_r, plan->samples);
  }
  plan->view = norm_view(p, plan->samples);
  const int64_t task_bytes = std::clamp(caches.l2 / 2, kTaskBytes, kMaxTaskBytes);
  plan->sets_per_task = at_least_one(task_bytes / (plan->view.s * plan->view.r * 4), plan->view.g);
  plan->blocks_per_task =
      at_least_one(kTaskBytes / (int64_t{plan->block_s} * plan->block_r * 4), ceil_div(p.S, plan->block_s));
  // Neither x nor y will be in a cache when the call returns: y need not go through one. In place, its lines are there already.
  // With own statistics x is read from L2 while y is written, so that y's lines are waited for, and streaming pays earlier. Zen 3,
  // 2026-11, 25.7 MB of 32: training 36 -> 57 % of the copy, evaluation on two threads 91 -> 65 %.
  const int64_t cached = p.own_statistics ? caches.last_level / 4 * 3 : caches.last_level;
  const bool large = 2 * sample * p.N >= cached / static_cast<int64_t>(sizeof(float));
  const bool wanted = stores == HALOGEN_STORES_STREAMING || (stores == HALOGEN_STORES_AUTO && kStreamingSaves && large);
  plan->stream = wanted && !p.gpu && !p.in_place && p.whole_lines && plan->path != HALOGEN_NORM_PATH_SLAB;
  const NormOrder order = norm_order(p, plan->samples);
  plan->apply_sets = at_least_one(kTaskBytes / (order.s * order.r * 4), order.g);
  plan->apply_samples = plan->apply_sets < order.g ? 1 : at_least_one(kTaskBytes / (sample * 4), order.b);
  plan->slab = at_least_one(slab, p.C);
  // Slabs are shared out; rows only where slabs are few.
  const bool few_slabs = ceil_div(p.C, plan->slab) < kFewSlabs;
  plan->rows_per_task = at_least_one(few_slabs ? kTaskBytes / (int64_t{plan->slab} * p.S * 4) : p.N, p.N);
  return true;
}

}  // namespace halogen
