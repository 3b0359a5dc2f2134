#include "conv_plan.h"

#include <algorithm>

#include "conv_tiles.h"
#include "integers.h"

namespace halogen {
namespace {

// A task's input and sums: with a block's weights beside them they stay in an L2. Zen 3, 2026-11: 64 to 256 KiB are within 2 %.
constexpr int64_t kInputBytes = 128 * 1024;
constexpr int64_t kSumBytes = 128 * 1024;
// Weights of a task. Where they are more, they come from memory for every task, which then needs many positions to pay for it: a
// position takes as many cycles as a block has lines.
constexpr int64_t kWeightBytes = 512 * 1024;
constexpr int64_t kLeastPositions = 24;
constexpr int64_t kLeastPositionsFromMemory = 96;
// Weights of a task that has some of a channel's phases, and the positions up to which it may: each is finished by itself.
constexpr int64_t kPhaseBytes = 256 * 1024;
constexpr int64_t kFewPositions = 16;
// Rows of a group in a block, phases and channels, that length's kernels for few rows have.
constexpr int64_t kFewRows = 2;
// Rows (phases and channels) of a task, so that copying its input and output is a small part of the work.
constexpr int64_t kLeastRows = 64;

bool refuse(ConvPlan *plan, const char *reason) {
  plan->reason = reason;
  return false;
}

/// Bytes of what is computed in.
int64_t size_of(const ConvProblem &p) { return dtype_bytes(compute_dtype(p.shape.dtype)); }

/// Positions of a path's tile. With few rows, the most of its kernels' tiles, of which the others are divisors.
int64_t tile_of(halogen_conv_path path, const ConvProblem &p, const ConvLayout &layout, halogen_isa isa,
                bool few_rows) {
  const ConvVectors v = conv_vectors(isa);
  const ConvTuned tiles = conv_tiles(v.bytes, v.registers);
  if (path == HALOGEN_CONV_PATH_ROWS) return layout.pairs ? tiles.pairs_positions : tiles.rows_positions;
  int vectors = few_rows ? 1 : tiles.length_vectors;
  for (int32_t i = 0; few_rows && i < layout.count; ++i) {
    vectors = std::max(vectors, conv_length_vectors(tiles, layout.runs[i].width * p.shape.group_out()));
  }
  return vectors * v.bytes / size_of(p);
}

int64_t widest_run(const ConvLayout &layout) {
  int64_t widest = 1;
  for (int32_t i = 0; i < layout.count; ++i) widest = std::max(widest, layout.runs[i].width);
  return widest;
}

/// The levels with AVX512-BF16.
bool has_pairs(halogen_isa isa) { return isa == HALOGEN_ISA_V4_SPR || isa == HALOGEN_ISA_V4_ZEN4; }

bool choose(const ConvProblem &p, const ConvLayout &layout, halogen_conv_path forced, halogen_isa isa, ConvPlan *plan) {
  const int64_t widest = widest_run(layout), count = plan->last - plan->first + plan->before;
  const bool length_fits = widest <= 2 && p.finite && !layout.pairs;
  // Lanes along one or two rows would be idle.
  const bool few_rows = length_fits && widest * p.shape.group_out() <= kFewRows;
  if (layout.pairs && !has_pairs(isa)) return refuse(plan, "weights packed in pairs by v4_spr or v4_zen4");
  if (forced == HALOGEN_CONV_PATH_LENGTH && !length_fits) {
    return refuse(plan, widest > 2     ? "length: more than three phases with as many taps"
                        : layout.pairs ? "length: weights packed in pairs"
                                       : "length: weights that are not finite");
  }
  const bool many = count >= 2 * tile_of(HALOGEN_CONV_PATH_LENGTH, p, layout, isa, false);
  // One run of all phases is stored as one run of memory; several are scattered, and rows scatter less. Zen 3, 2026-11: 256->256
  // k 3 s 2 67 -> 77 GFLOP/s.
  const bool together = layout.count == 1 && !layout.gaps;
  const bool chosen = few_rows || (length_fits && many && together);
  plan->path = forced != HALOGEN_CONV_PATH_AUTO ? forced : chosen ? HALOGEN_CONV_PATH_LENGTH : HALOGEN_CONV_PATH_ROWS;
  plan->few_rows = few_rows && plan->path == HALOGEN_CONV_PATH_LENGTH;
  for (int32_t i = 0; plan->few_rows && i < layout.count; ++i) {
    plan->rows_of_runs |= static_cast<int32_t>(layout.runs[i].width * p.shape.group_out());
  }
  plan->tile = tile_of(plan->path, p, layout, isa, plan->few_rows);
  if (plan->path == HALOGEN_CONV_PATH_ROWS) plan->tile = conv_rows_tile(static_cast<int>(plan->tile), count);
  plan->reason = forced != HALOGEN_CONV_PATH_AUTO ? "path asked for"
                 : few_rows                       ? "one or two rows a group: lanes run along positions"
                 : layout.pairs                   ? "pairs of bfloat16: lanes run along phases and channels"
                 : chosen                         ? "few phases, many positions: lanes run along positions"
                 : length_fits ? "few positions, or phases with different taps: lanes run along channels"
                               : "lanes run along phases and channels";
  return true;
}

}  // namespace

ConvVectors conv_vectors(halogen_isa isa) {
  switch (isa) {
    case HALOGEN_ISA_V4:
    case HALOGEN_ISA_V4_SPR:
    case HALOGEN_ISA_V4_ZEN4:
      return {64, 32};
    case HALOGEN_ISA_V3:
      return {32, 16};
    case HALOGEN_ISA_NEON:
      return {16, 32};
    default:
      return {16, 16};
  }
}

bool conv_packs_pairs(const ConvWeightShape &shape, halogen_isa isa) {
  if (shape.dtype != Dtype::bf16 || !has_pairs(isa) || shape.group_in() < 2) return false;
  return widest_run(conv_layout(shape, false)) * shape.group_out() > kFewRows;
}

bool conv_plan(const ConvProblem &p, const ConvLayout &layout, halogen_conv_path forced, const Caches &caches,
               halogen_isa isa, ConvPlan *plan) {
  *plan = {};
  const ConvWeightShape &w = p.shape;
  if (p.input.span(w.C_in, p.L) > kMaxElements || p.output.span(w.C_out, p.L_out) > kMaxElements ||
      p.pad_left > kMaxElements || p.pad_left < -kMaxElements) {
    plan->too_large = true;
    return refuse(plan, "one sample has more than 2^31 - 1 elements");
  }
  const ConvPhases phases = conv_phases(w);
  plan->first = floor_div(p.pad_left, w.stride);
  plan->last = floor_div(p.pad_left + p.L_out - 1, w.stride) + 1;
  plan->before = w.dilation * (phases.phases - 1) / w.stride;
  if (!choose(p, layout, forced, isa, plan)) return false;

  const int64_t size = size_of(p);
  const int64_t all = w.group_out(), step = conv_channel_step(layout);
  const int64_t rows = std::min(phases.phases, w.K);
  const int64_t channel_bytes = layout.depth * w.K * size;
  const int64_t by_weights = kWeightBytes / channel_bytes / step * step;
  plan->channels = std::min(all, std::max({by_weights, round_up(ceil_div(kLeastRows, rows), step), step}));
  plan->channel_tasks = ceil_div(all, plan->channels);

  const int64_t stored = plan->few_rows ? plan->channels : conv_stored_channels(layout, plan->channels);
  const int64_t reach = (layout.most_taps - 1) * phases.spacing;
  const int64_t input_bytes = std::min(kInputBytes, caches.l2 / 4), sum_bytes = std::min(kSumBytes, caches.l2 / 4);
  const int64_t fitting = std::min(input_bytes / (layout.depth * size), sum_bytes / (stored * w.stride * size));
  const bool from_memory = all * channel_bytes > caches.l2;
  const int64_t least = std::max(from_memory ? kLeastPositionsFromMemory : kLeastPositions, plan->tile);
  const int64_t most = std::max(fitting, least) / plan->tile * plan->tile;
  const int64_t count = plan->last - plan->first;
  // Equal parts, so that the last is not a small one.
  const int64_t part = ceil_div(count, ceil_div(count, most));
  plan->positions = round_up(part + plan->before, plan->tile) - plan->before;
  plan->position_tasks = ceil_div(count, plan->positions);

  // Groups with few rows go together, as far as their sums fit.
  const int64_t group_bytes = stored * w.stride * plan->positions * size;
  plan->groups = plan->few_rows ? std::clamp(sum_bytes / group_bytes, int64_t{1}, w.groups) : 1;
  plan->group_tasks = ceil_div(w.groups, plan->groups);

  // One channel of many phases at few positions, as an inverse short-time Fourier transform's frames: its weights are shared by phases.
  const int64_t blocks = layout.runs[0].blocks;
  const bool many_phases = plan->path == HALOGEN_CONV_PATH_ROWS && layout.count == 1 && !layout.gaps &&
                           w.dilation == 1 && count <= kFewPositions && plan->channel_tasks == 1;
  plan->blocks = many_phases ? std::clamp(kPhaseBytes * blocks / (all * channel_bytes), int64_t{1}, blocks) : blocks;
  plan->block_tasks = ceil_div(blocks, plan->blocks);

  // Where ends are computed apart, a last tile may begin at the last position.
  const int64_t slack = p.finite ? 0 : plan->tile;
  const int64_t computed = plan->positions + plan->before + slack;
  // Whole vectors of conv_pad's; one where that is enough: padding a short input is much of the work.
  const int64_t vector = conv_vectors(isa).bytes / size, row = computed + reach;
  plan->padded_row = row <= vector ? vector : round_up(row, layout.block);
  const int64_t spread = std::max(w.stride, w.dilation * (phases.phases - 1) + 1);
  plan->sums_row = round_up(w.stride * (computed - 1) + spread, layout.block);
  plan->padded_elements = plan->padded_row * layout.depth * plan->groups;
  plan->sums_elements = plan->sums_row * stored * plan->groups;
  const int64_t values = layout.pairs ? 2 : 1;
  if (plan->padded_elements > kMaxElements / values || plan->sums_elements > kMaxElements ||
      plan->tasks(p) > kMaxElements || plan->inputs(p) > (kMaxElements << 20) / plan->padded_elements) {
    plan->too_large = true;
    return refuse(plan, "a task has more than 2^31 - 1 elements");
  }
  return true;
}

}  // namespace halogen
