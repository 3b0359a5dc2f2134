#include "norm_plan.h"

#include <algorithm>
#include <numeric>

#include "integers.h"
#include "norm_tiles.h"

namespace halogen {
namespace {

// Values in a block: their f32 sums keep their digits (docs/numerics.md), and a block fits in L1.
constexpr int64_t kBlockValues = 4096;
// Rows in a block, so that no f32 sum is of many more than a hundred values: a slab's lane takes one value of a row, the first lane
// of a row schedule up to four.
constexpr int64_t kBlockRowsSlab = 128;
constexpr int64_t kBlockRowsRow = 32;
// Rows that kernels read side by side, one stream of memory each.
constexpr int64_t kRowsAtOnce = 4;
// Pieces of rows begin a multiple of so many values apart: a cache line of any type.
constexpr int64_t kLine = 32;
// Data in a task: large enough that starting it costs nothing, small enough to be shared out and to stay in an L2.
constexpr int64_t kTaskBytes = 128 * 1024;
// With own statistics up to this, as half an L2 allows: the more channels, the longer the pieces of a sample that are read at once.
// 2026-11: Zen 3, 256 KiB a tenth faster than 128 at 196 values a row; Zen 4, 512 KiB a twentieth faster than 256.
constexpr int64_t kMaxTaskBytes = 512 * 1024;
// Rows shorter than this are better taken many at once, by lanes across channels. Zen 3, 2026-11: at 49 values row is ahead of
// slab by a fifth in training, by half in evaluation.
constexpr int64_t kShortRow = 32;
// Width of a slab: its sums and parameters stay in L1.
constexpr int64_t kSlabValues = 2048;
// A slab of some channels is a piece of every row. Shorter pieces waste lines, and the beginning and end of a loop; they meet in few sets
// of a cache, and their ends are lines that prefetchers take from the thread that has the next slab. Zen 4, 2026-11, 1568 rows of 512
// channels by 64, training: 190 us, by blocks of all channels 215; two threads 120 to 900 us, and 155.
constexpr int64_t kPieceBytes = 512;
// Rows in a task of given statistics, at least: its vectors are made once.
constexpr int64_t kSlabRows = 16;
// GPU: a chunk is eight threads' work for every channel. As many rows as keep f32 sums short, as few as make so many thread blocks,
// of so many channels each, that a large device is busy.
constexpr int64_t kGpuChunkRows[] = {32, 8 * kBlockRowsSlab};
constexpr int64_t kGpuBlocks = 1024;
constexpr int64_t kGpuLanes = 32;
// What a grid takes beyond its first dimension, in which samples are not.
constexpr int64_t kGpuSamples = 65535;
// A set of rows up to this part of the last-level cache, whose cores share it, is read again from there: Zen 4, 2026-11, 1.6 MB a channel
// (32x64x112x112), training a fifth faster than by blocks of all sets, backward a third; 1 MB (2x64x64x64x64), backward 1.6 times.
constexpr int64_t kLastLevelParts = 8;
// Only a handful of large sets: split them, so that threads can share one.
constexpr int64_t kFewSets = 4;
#if defined(__x86_64__)
// A line that is stored whole through the cache is read first.
constexpr bool kStreamingSaves = true;
#else
// Cores notice by themselves.
constexpr bool kStreamingSaves = false;
#endif

int32_t at_least_one(int64_t value, int64_t most) {
  return static_cast<int32_t>(std::max<int64_t>(1, std::min(value, most)));
}

bool refuse(NormPlan *plan, const char *reason) {
  plan->reason = reason;
  return false;
}

/// Values that are summed up together, of the whole problem.
int64_t set_values(const NormProblem &p) { return p.channels_per_sum() * p.S * (p.per_channel() ? p.N : 1); }

/// Bytes that are read for a value: x and, backward, the gradient of y and what it is masked by.
int64_t read_bytes(const NormProblem &p) { return dtype_bytes(p.dtype) * (!p.backward ? 1 : p.masked ? 3 : 2); }

/// Samples that kernels can take at once; 0: not one.
int64_t addressable_samples(const NormProblem &p) {
  int64_t samples = p.N;
  p.every([&](const NormStrides &t) {
    samples = std::min(samples, norm_at_once(p.N, t.n, (p.C - 1) * t.c + (p.S - 1) * t.s));
    return samples > 0;
  });
  return p.gpu ? gpu_part(samples, p.N) : samples;
}

/// Whether samples follow each other as the sets, or rows, of one do.
bool samples_follow(const NormProblem &p, int64_t count, int64_t NormStrides::*axis) {
  return p.every([&](const NormStrides &t) { return t.n == count * (t.*axis); });
}

/// Backward, what is summed up are channels: sets of several are put together before dx.
constexpr const char *kGroups = "backward of groups: sums of channels, put together, then applied";
bool fusable(const NormProblem &p) { return !p.backward || p.channels_per_set() == 1; }

// Values of a row whose parameters are its own: what norm_backward_each adds up at once, and blocks that a row keeps without a heap.
constexpr int64_t kEachFrom = 32, kEachTo = 16 * kBlockValues;
// Rows whose sums for the parameters' gradients are of one task.
constexpr int64_t kChunkRows = 64;

/// Sets that are rows without gaps, of values with parameters of their own: layer norm over the last dimension. Backward, x is read
/// again when a part of dx is there.
bool rows_are_sets(const NormProblem &p) {
  const int64_t width = p.channels_per_set();
  const bool dense = p.S == 1 && p.every([](const NormStrides &t) { return t.c == 1; });
  return !p.gpu && p.scope == HALOGEN_NORM_SCOPE_GROUP && p.own_statistics && dense && width >= kEachFrom &&
         width <= kEachTo && !(p.backward && p.in_place);
}

halogen_norm_path choose(const NormProblem &p, bool each, bool across, bool slab_fits, bool row_fits,
                         const char **reason) {
  if (p.gpu) {
    *reason = p.reduces() ? "GPU: sums by blocks, merged, then applied" : "GPU: one pass";
    if (p.reduces()) return HALOGEN_NORM_PATH_SPLIT;
    return across ? HALOGEN_NORM_PATH_SLAB : HALOGEN_NORM_PATH_ROW;
  }
  if (each) {
    *reason = "a row is a statistic set, and fits in the cache";
    return HALOGEN_NORM_PATH_ROW;
  }
  if (!fusable(p)) {
    *reason = kGroups;
    return HALOGEN_NORM_PATH_SPLIT;
  }
  if (across) {
    if (p.reduces() && !slab_fits) {
      *reason = "a slab of channels is larger than the cache";
      return HALOGEN_NORM_PATH_SPLIT;
    }
    *reason = p.channel_last ? "channel-last: lanes run across channels" : "short rows: lanes run across channels";
    return HALOGEN_NORM_PATH_SLAB;
  }
  if (!p.reduces()) {
    *reason = "given statistics: one pass, row by row";
    return HALOGEN_NORM_PATH_ROW;
  }
  if (row_fits && !(p.N * p.C * p.S < kFewSets * set_values(p) && set_values(p) * read_bytes(p) > kTaskBytes)) {
    *reason = "a statistic set fits in the cache";
    return HALOGEN_NORM_PATH_ROW;
  }
  *reason = row_fits ? "few large statistic sets: shared between threads" : "a statistic set is larger than the cache";
  return HALOGEN_NORM_PATH_SPLIT;
}

const char *unsuitable(const NormProblem &p, halogen_norm_path forced, bool each, bool slab_possible, bool slab_whole,
                       bool whole) {
  if (p.gpu) return "GPU: there is one path only";
  if (each && forced == HALOGEN_NORM_PATH_ROW) return nullptr;
  if (forced != HALOGEN_NORM_PATH_SPLIT && !fusable(p)) return kGroups;
  const bool batch = p.over_samples();
  switch (forced) {
    case HALOGEN_NORM_PATH_ROW:
      if (p.channel_last) return "row: the data are channel-last";
      return batch && !whole ? "row: the tensor has more than 2^31 - 1 elements" : nullptr;
    case HALOGEN_NORM_PATH_SLAB:
      if (!slab_possible) return "slab: the channels of a sample do not follow each other";
      if (batch && !whole) return "slab: the tensor has more than 2^31 - 1 elements";
      return batch && !slab_whole ? "slab: the samples do not follow each other" : nullptr;
    default:
      return p.reduces() ? nullptr : "split: statistics are given";
  }
}

void plan_each(const NormProblem &p, NormPlan *plan) {
  const int64_t width = p.channels_per_set(), bytes = read_bytes(p);
  plan->block_s = at_least_one(kBlockValues, width);
  plan->block_r = 1;
  plan->chunk_rows = at_least_one(kMaxTaskBytes / (width * bytes), std::min(kChunkRows, p.N));
  // Passes begin at a chunk.
  if (plan->samples < p.N) plan->samples = std::max<int64_t>(1, plan->samples / plan->chunk_rows * plan->chunk_rows);
  plan->chunk_rows = at_least_one(plan->chunk_rows, plan->samples);
}

/// Blocks of S x rows: of long rows a piece of kRowsAtOnce, of short ones a multiple of it, so that a kernel takes them evenly.
void plan_blocks(const NormProblem &p, NormPlan *plan) {
  const int64_t rows = p.over_samples() ? p.N : p.channels_per_sum(),
                together = rows < kRowsAtOnce || p.gpu ? 1 : kRowsAtOnce;
  const int64_t longest = kBlockValues / together, pieces = ceil_div(p.S, longest);
  plan->block_s = at_least_one(together > 1 && pieces > 1 ? round_up(ceil_div(p.S, pieces), kLine) : longest, p.S);
  const int64_t fitting = std::min({kBlockRowsRow, kBlockValues / plan->block_s, rows});
  plan->block_r = p.reduces() ? at_least_one(fitting / together * together, rows) : 1;
}

void plan_rows(const NormProblem &p, const Caches &caches, NormPlan *plan) {
  const int64_t bytes = read_bytes(p);
  const bool batch = p.over_samples();
  plan_blocks(p, plan);
  if (batch && plan->samples < p.N && !norm_across(*plan)) {
    // Passes begin at a block.
    plan->samples = std::max<int64_t>(1, plan->samples / plan->block_r * plan->block_r);
    plan->block_r = at_least_one(plan->block_r, plan->samples);
  }
  if (plan->each) plan_each(p, plan);
  const RowView sets = plan->each ? norm_each_view(p, plan->samples) : norm_sets_view(p, plan->samples),
                order = norm_order_view(p, plan->samples);
  const int64_t task_bytes = std::clamp(caches.l2 / 2, kTaskBytes, kMaxTaskBytes);
  plan->sets_per_task = at_least_one(task_bytes / (sets.s * sets.r * bytes), sets.g);
  const int64_t block_bytes = int64_t{plan->block_s} * plan->block_r * bytes;
  plan->blocks_per_task = at_least_one(kTaskBytes / block_bytes, ceil_div(sets.s, plan->block_s));
  plan->block_sets =
      at_least_one(kTaskBytes / (block_bytes * plan->blocks_per_task), std::min<int64_t>(kSetsAtOnce, sets.g));
  plan->apply_sets = at_least_one(kTaskBytes / (order.s * order.r * bytes), order.g);
  plan->apply_samples = plan->apply_sets < order.g ? 1 : at_least_one(kTaskBytes / (p.C * p.S * bytes), order.b);
}

/// Whether what writes y or dx has a twin with streaming stores: rows of channels, one by one or, where lanes run across them, applied to
/// by a kernel of its own and cut at cache lines; forward, rows that are sets.
bool can_stream(const NormProblem &p, const NormPlan &plan) {
  constexpr int64_t line_bytes = 64;
  if (p.gpu || p.in_place || !p.whole_lines || p.dtype == Dtype::f64) return false;
  if (plan.each) return !p.backward;
  if (!norm_across(plan)) return p.S > 1;
  const bool applied = plan.path == HALOGEN_NORM_PATH_SPLIT || !p.reduces();
  const bool cut_at_lines = plan.slab == p.C || plan.slab * dtype_bytes(p.dtype) % line_bytes == 0;
  return p.channel_last && applied && cut_at_lines;
}

/// Channels of slabs that are cut at cache lines, as evenly as that goes, where `most` fit in a cache. Zen 4, 2026-11, 784 rows of 1024
/// channels, training: 167 of them 320 us, 160 of them 230.
int64_t even_slab(const NormProblem &p, const SlabView &view, int64_t most) {
  const int64_t step = kLine / std::gcd(kLine, view.S);
  if (most >= p.C || most < step || p.channels_per_set() > 1) return most;
  return round_up(ceil_div(p.C, ceil_div(p.C, most / step * step)), step);
}

void plan_slabs(const NormProblem &p, int64_t slab, NormPlan *plan) {
  const int64_t bytes = read_bytes(p), per_set = p.channels_per_set();
  plan->slab = at_least_one(p.gpu ? p.C : slab / per_set * per_set, p.C);
  if (plan->slab < per_set) plan->slab = static_cast<int32_t>(per_set);
  const SlabView view = norm_slab_view(p, plan->samples);
  if (p.gpu && view.b > kGpuSamples) plan->samples = gpu_part(kGpuSamples, view.b);
  const int64_t row_bytes = int64_t{plan->slab} * view.S * bytes;
  plan->slab_block_r = at_least_one(kBlockRowsSlab, view.r);
  int64_t rows = ceil_div(std::max(kBlockRowsSlab, kTaskBytes / row_bytes), kBlockRowsSlab) * kBlockRowsSlab;
  if (p.gpu) {
    const int64_t tiles = ceil_div(p.C * view.S, kGpuLanes) * view.b, all = view.r * tiles;
    rows =
        std::clamp(ceil_div(all / kGpuBlocks, kGpuChunkRows[0]) * kGpuChunkRows[0], kGpuChunkRows[0], kGpuChunkRows[1]);
  }
  plan->chunk_r = at_least_one(rows, view.r);
  if (p.over_samples() && plan->across && plan->samples < p.N && !p.channel_last) {
    // Passes begin at a chunk.
    plan->chunk_r = at_least_one(plan->chunk_r, plan->samples);
    plan->samples = plan->samples / plan->chunk_r * plan->chunk_r;
  }
  plan->rows_per_task = at_least_one(std::max(kTaskBytes / row_bytes, kSlabRows), view.r);
}

}  // namespace

int64_t norm_sets(const NormProblem &p) {
  return p.own_statistics ? p.C / p.channels_per_set() * (p.per_channel() ? 1 : p.N) : p.C;
}

RowView norm_order_view(const NormProblem &p, int64_t samples) {
  const int64_t rows = p.channels_per_set();
  return {p.S, rows, p.C / rows, samples, false, p.C / rows, rows, p.per_channel() ? 1 : samples};
}

RowView norm_sets_view(const NormProblem &p, int64_t samples) {
  if (p.over_samples()) return {p.S, samples, p.C, 1, true, p.C, 1, 1};
  const int64_t rows = p.channels_per_sum();
  RowView view = {p.S, rows, p.C / rows, samples, false, p.C / rows, rows, samples};
  if (samples_follow(p, p.C, &NormStrides::c)) {
    view.g *= samples;
    view.b = view.statistics_b = 1;
  }
  return view;
}

RowView norm_each_view(const NormProblem &p, int64_t samples) {
  const int64_t width = p.channels_per_set(), sets = p.C / width;
  RowView view = {width, 1, sets, samples, false, sets, width, samples};
  if (!p.backward && samples_follow(p, p.C, &NormStrides::c)) {
    view.g *= samples;
    view.b = view.statistics_b = 1;
  }
  return view;
}

int64_t norm_chunks(const NormProblem &p, const NormPlan &plan) { return ceil_div(p.N, plan.chunk_rows); }

SlabView norm_slab_view(const NormProblem &p, int64_t samples) {
  const int64_t width = p.channels_per_sum();
  if (!p.channel_last) {
    return p.per_channel() ? SlabView{p.S, p.S, samples, 1, true} : SlabView{p.S, p.S * width, 1, samples, false};
  }
  const bool one_pass = addressable_samples(p) >= p.N;
  if (p.per_channel() && (samples == 1 || (one_pass && samples_follow(p, p.S, &NormStrides::s)))) {
    return {1, 1, p.S * samples, 1, true};
  }
  return {1, width, p.S, samples, p.per_channel()};
}

SlabView::Strides strides_of(const NormProblem &p, const SlabView &view, const NormStrides &t) {
  return {p.channel_last ? t.s : t.n, t.c, view.b == 1 ? 0 : t.n};
}

NormBlocks norm_blocks(const NormProblem &p, const NormPlan &plan) {
  // The blocks of all passes are merged together where statistics are per channel.
  const int64_t samples = p.per_channel() ? p.N : plan.samples;
  if (!plan.across) {
    const RowView view = norm_sets_view(p, samples);
    return {ceil_div(view.s, plan.block_s), ceil_div(view.r, plan.block_r), view.g, view.b};
  }
  const SlabView view = norm_slab_view(p, samples);
  return {view.width / norm_chunk_width(p, view), ceil_div(view.r, plan.chunk_r), p.C / p.channels_per_sum(), view.b};
}

int64_t norm_workspace_bytes(const NormProblem &p, const NormPlan &plan) {
  if (!p.own_statistics) return 0;
  const int64_t statistics = 3 * norm_padded(norm_sets(p) * dtype_bytes(compute_dtype(p.dtype)));
  if (plan.path != HALOGEN_NORM_PATH_SPLIT) return statistics;
  return statistics + 2 * norm_padded(norm_blocks(p, plan).count() * static_cast<int64_t>(sizeof(double)));
}

int64_t norm_task_bytes(const NormProblem &p, const NormPlan &plan) {
  const int64_t compute = dtype_bytes(compute_dtype(p.dtype)), doubles = sizeof(double);
  if (norm_across(plan)) {
    // Per value of the slab's width: three vectors of the type that is computed in (a block's sums and centre, then mean, scale and
    // shift), and with own statistics the sums of each block, of all, and the mean.
    const SlabView view = norm_slab_view(p, plan.samples);
    const int64_t width = int64_t{plan.slab} * view.S;
    if (!p.reduces()) return 3 * width * compute;
    const int64_t rows = plan.across ? plan.chunk_r : view.r;
    return width * (3 * compute + 2 * doubles * (1 + ceil_div(rows, plan.slab_block_r)));
  }
  if (plan.path != HALOGEN_NORM_PATH_ROW || !p.reduces()) return 0;
  // Backward, a row's are on the stack.
  if (plan.each && p.backward) return 0;
  const RowView view = plan.each ? norm_each_view(p, plan.samples) : norm_sets_view(p, plan.samples);
  return 2 * doubles * ceil_div(view.s, plan.block_s) * ceil_div(view.r, plan.block_r) * plan.sets_per_task;
}

int64_t norm_at_once(int64_t count, int64_t stride, int64_t reach) {
  const int64_t left = kMaxElements - 1 - reach;
  if (left < 0) return 0;
  if (count == 1 || stride <= 0) return count;
  // Halide counts the gap that follows the last, too.
  return std::min({count, left / stride + 1, std::max<int64_t>(1, kMaxElements / stride)});
}

bool norm_plan(const NormProblem &p, halogen_norm_path forced, const Caches &caches, halogen_stores stores,
               NormPlan *plan) {
  *plan = {};
  plan->samples = addressable_samples(p);
  if (plan->samples == 0) {
    plan->too_large = true;
    return refuse(plan, "one sample reaches over more than 2^31 - 1 elements");
  }
  const bool batch = p.over_samples(), whole = plan->samples == p.N;
  const bool slab_possible = p.channel_last || p.every([&](const NormStrides &t) { return t.c == p.S; });

  const int64_t cache = std::max(caches.l2, caches.last_level / kLastLevelParts);
  // The rows of a slab are read twice: with own statistics it must fit in half the L2, one set of channels at least.
  const SlabView view = norm_slab_view(p, plan->samples);
  const int64_t slab_rows = p.reduces() ? view.r : 1;
  const int64_t widest = kSlabValues / view.S, row_bytes = slab_rows * view.S * read_bytes(p);
  // A whole sample, as it lies in memory, is read again from a level further out. Zen 4, 2026-11: 20x100x35x45 1.9 times as fast as by
  // blocks of all sets; pieces of rows that are as large all in all, 0.3 times.
  const bool sample_fits = p.C <= widest && p.C * row_bytes <= cache && view.b >= kFewSets;
  const int64_t slab = sample_fits ? p.C : even_slab(p, view, std::min(widest, caches.l2 / 2 / row_bytes));
  const int64_t set_channels = p.channels_per_set(), whole_sets = slab / set_channels * set_channels;
  const bool slab_whole = !view.merged || view.b == 1;
  const int64_t shortest = std::min(kPieceBytes / dtype_bytes(p.dtype), p.C * view.S);
  const bool slab_fits =
      whole_sets >= set_channels && whole_sets * view.S >= shortest && (!batch || (whole && slab_whole));
  const bool row_fits = set_values(p) * read_bytes(p) <= cache && (!batch || whole);
  // A GPU has sums of every i: too many where a sample is one row of them.
  const bool short_rows = p.S < kShortRow && (!p.gpu || p.per_channel());
  const bool across = slab_possible && (p.channel_last || short_rows);

  const bool each = rows_are_sets(p) && row_fits;
  plan->path = choose(p, each, across, slab_fits, row_fits, &plan->reason);
  if (forced != HALOGEN_NORM_PATH_AUTO && forced != plan->path) {
    const char *why = unsuitable(p, forced, each, slab_possible, slab_whole, whole);
    if (why != nullptr) return refuse(plan, why);
    plan->path = forced;
    plan->reason = "path asked for";
  }
  plan->each = each && plan->path == HALOGEN_NORM_PATH_ROW;
  plan->across = plan->path == HALOGEN_NORM_PATH_SPLIT && across;
  if (plan->across && p.over_samples() && p.N > kMaxElements) {
    plan->too_large = true;
    return refuse(plan, "more than 2^31 - 1 samples, and lanes run across channels");
  }

  plan_rows(p, caches, plan);
  plan_slabs(p, plan->path == HALOGEN_NORM_PATH_SLAB ? slab : kSlabValues / view.S, plan);
  // Neither x nor y will be in a cache when the call returns: y need not go through one. In place, its lines are there already.
  // With own statistics x is read from L2 while y is written, so that y's lines are waited for, and streaming pays earlier. Zen 3,
  // 2026-11, 25.7 MB of 32: training 36 -> 57 % of the copy, evaluation on two threads 91 -> 65 %.
  const int64_t cached = p.reduces() ? caches.last_level / 4 * 3 : caches.last_level;
  const bool large = p.C * p.S * p.N >= cached / (read_bytes(p) + dtype_bytes(p.dtype));
  const bool wanted = stores == HALOGEN_STORES_STREAMING || (stores == HALOGEN_STORES_AUTO && kStreamingSaves && large);
  plan->stream = wanted && can_stream(p, *plan);
  return true;
}

}  // namespace halogen
