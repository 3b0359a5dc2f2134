#include "conv_gradient_plan.h"

#include <algorithm>

#include "conv_tiles.h"
#include "integers.h"

namespace halogen {
namespace {

// Gradient and input of a piece. Large weights come from memory for every piece, which then needs more to pay for it.
constexpr int64_t kPieceBytes = 2 * 1024 * 1024;
constexpr int64_t kMostPieceBytes = 16 * 1024 * 1024;
// Of a strip: its rows are a kilobyte, so that the rows of a slice of steps lie on some 64 pages; half as many more where that saves tiles.
constexpr int64_t kStripPositions = 256;
constexpr int64_t kMostStripPositions = 384;
// A task of the weights' gradient: a slice of its operands stays in an L2.
constexpr int64_t kTaskTaps = 384;
constexpr int64_t kTaskChannels = 128;
// Positions of a task of the input's gradient, more where its rows are few, and its sums. Positions come from afar for every task, in short
// pieces, and many rows must pay for them. Zen 4, 2026-11, 768 positions by 60 rows to 352 by 180: 768->384 8/4 57 -> 87 GFLOP/s.
constexpr int64_t kTaskPositions = 384;
constexpr int64_t kSumBytes = 256 * 1024;
// Positions of all samples up to which the gradients are computed by columns, which must also be small beside the weights; least taps of
// a column; weights of such a task, which are read or written once, and its sums.
constexpr int64_t kInputColumns = 8;
constexpr int64_t kWeightColumns = 128;
constexpr int64_t kLeastColumnTaps = 64;
constexpr int64_t kColumnTaskBytes = 64 * 1024;
constexpr int64_t kColumnSumBytes = 128 * 1024;
// Multiplications of a task, at least, where there are enough, and tasks of a piece that are enough for many threads.
constexpr int64_t kTaskWork = 1024 * 1024;
constexpr int64_t kTasks = 16;
// Positions that are added up in a row: few where neighbours in a channel are far apart, and a line serves several channels.
constexpr int64_t kBiasPositions = 16384;
constexpr int64_t kBiasPositionsApart = 512;

/// Parts of at most `most`, equal but for rounding to `step`.
ConvCut cut(int64_t all, int64_t most, int64_t step) {
  most = std::max(most / step * step, step);
  return {all, std::min(all, round_up(ceil_div(all, ceil_div(all, most)), step))};
}

/// Strips of a row: the number that has the fewest positions in whole tiles, the larger of equals.
ConvCut strips_of(int64_t all, int64_t reach, int64_t tile) {
  const int64_t usual = std::max(reach, kStripPositions), most = std::max(reach, kMostStripPositions);
  ConvCut best = cut(all, usual, tile);
  for (int64_t count = best.count() - 1; count > 0 && ceil_div(all, count) <= most; --count) {
    const ConvCut fewer = cut(all, ceil_div(all, count) + tile - 1, tile);
    if (fewer.count() * round_up(fewer.part, tile) < best.count() * round_up(best.part, tile)) best = fewer;
  }
  return best;
}

/// Columns of a problem whose groups have channels enough.
ConvColumns columns_of(const ConvGradientProblem &p, const ConvTuned &tiles, int64_t lanes, int64_t block) {
  const ConvWeightShape &w = p.shape;
  const int64_t size = dtype_bytes(compute_dtype(w.dtype)), in = w.group_in(), taps = w.group_out() * w.K;
  ConvColumns c = {};
  c.count = p.N * p.L;
  c.lanes = lanes;
  c.tap_tile = tiles.gradient_vectors * lanes;
  c.row_tile = tiles.gradient_rows;
  // Odd numbers of cache lines, as below.
  const auto row_of = [&](int64_t elements) { return (ceil_div(elements, block) | 1) * block; };
  c.row = row_of(w.C_out * w.K + c.tap_tile + lanes);
  c.stored = round_up(c.count, static_cast<int64_t>(tiles.weight_length_taps));
  c.x_row = row_of(c.count + lanes);
  const int64_t tasks = std::clamp(in * taps * size / kColumnTaskBytes, int64_t{1}, kTasks);
  c.input_channels = cut(in, ceil_div(in, tasks), 1);
  c.weight_taps = cut(taps, kTaskTaps, c.tap_tile);
  const int64_t fitting = kColumnSumBytes / size / round_up(c.weight_taps.part, c.tap_tile);
  c.weight_channels = cut(in, std::min(fitting, ceil_div(in, ceil_div(tasks, c.weight_taps.count()))), c.row_tile);
  return c;
}

bool refuse(ConvGradientPlan *plan, const char *reason) {
  plan->reason = reason;
  plan->too_large = true;
  return false;
}

}  // namespace

bool conv_gradient_plan(const ConvGradientProblem &p, halogen_conv_path forced, const Caches &caches, halogen_isa isa,
                        ConvGradientPlan *plan) {
  *plan = {};
  const ConvWeightShape &w = p.shape;
  if (p.input.span(w.C_in, p.L) > kMaxElements || p.grad_input.span(w.C_in, p.L) > kMaxElements ||
      p.grad_output.span(w.C_out, p.L_out) > kMaxElements || p.output.span(w.C_out, p.L_out) > kMaxElements ||
      p.pad_left > kMaxElements || p.pad_left < -kMaxElements) {
    return refuse(plan, "one sample has more than 2^31 - 1 elements");
  }
  const ConvVectors v = conv_vectors(isa);
  const int64_t size = dtype_bytes(compute_dtype(w.dtype)), lanes = v.bytes / size;
  const int64_t in = w.group_in(), out = w.group_out();
  plan->block = kConvBlockBytes / size;
  const ConvTuned tiles = conv_tiles(v.bytes, v.registers);
  plan->single = in == 1;
  const bool narrow = !plan->single && p.L <= lanes;
  plan->row_tile = plan->single ? 1 : narrow ? conv_narrow_rows(tiles) : tiles.gradient_rows;
  const int64_t position_tile = narrow ? lanes : (plan->single ? kConvSingleVectors : tiles.gradient_vectors) * lanes;

  plan->taps = out * w.K;
  const bool few = 2 * in <= plan->block && p.L >= 2 * position_tile;
  // Whatever is wanted: a gradient has the same bits with others and alone.
  const bool suits = 2 * in > plan->block && plan->taps >= kLeastColumnTaps;
  const auto by_columns = [&](int64_t most) {
    return forced == HALOGEN_CONV_PATH_AUTO ? suits && p.N <= most && p.N * p.L <= most
                                            : forced == HALOGEN_CONV_PATH_COLUMNS;
  };
  const bool weight_columns = by_columns(std::min(kWeightColumns, in / 2));
  plan->path = forced != HALOGEN_CONV_PATH_AUTO ? forced
               : few                            ? HALOGEN_CONV_PATH_LENGTH
               : weight_columns                 ? HALOGEN_CONV_PATH_COLUMNS
                                                : HALOGEN_CONV_PATH_ROWS;
  plan->input_columns = p.wants_input && by_columns(kInputColumns);
  plan->weight_columns = p.wants_weight && plan->path == HALOGEN_CONV_PATH_COLUMNS;
  plan->input_pieces = p.wants_input && !plan->input_columns;
  plan->weight_pieces = p.wants_weight && !plan->weight_columns;
  plan->reason = !p.wants_weight
                     ? plan->input_columns ? "few positions: lanes run along taps" : "lanes run along positions"
                 : forced != HALOGEN_CONV_PATH_AUTO ? "path asked for"
                 : few                              ? "weights: few channels in a group, lanes run along positions"
                 : weight_columns                   ? "weights: few positions, lanes run along taps"
                                                    : "weights: lanes run along input channels";
  plan->columns = columns_of(p, tiles, lanes, plan->block);
  if (plan->has_columns() && (p.N > kMaxElements / p.L || plan->columns.count > kMaxElements / plan->columns.row ||
                              plan->columns.x_row > kMaxElements / w.C_in)) {
    return refuse(plan, "columns have more than 2^31 - 1 elements");
  }

  // Phases that no tap has are left out where that is simple.
  const ConvPhases phases = conv_phases(w);
  plan->spread = w.stride / phases.phases;
  plan->phases = w.dilation == plan->spread ? std::min(phases.phases, w.K) : phases.phases;
  const int64_t reach = (w.K - 1) * w.dilation / w.stride;

  const bool rows = plan->path == HALOGEN_CONV_PATH_ROWS;
  const int64_t inputs = plan->weight_pieces ? (rows ? round_up(in, plan->block) : in) : 0;
  const ConvCut strips = strips_of(p.L, reach, position_tile);
  plan->strip = strips.part;
  plan->sums_row = round_up(plan->strip, position_tile);
  // An odd number of cache lines: rows that are read side by side must not fall into few sets of a cache.
  plan->row = (ceil_div(plan->sums_row + reach, plan->block) | 1) * plan->block;
  // Kernels count positions of the full result in 32 bits, those of whole tiles, too.
  if (p.L + plan->row > kMaxElements / w.stride) {
    return refuse(plan, "the full result, in whole tiles, has more than 2^31 - 1 positions");
  }
  plan->channel = plan->phases * plan->row;
  plan->group = out * plan->channel;
  plan->x_row = round_up(plan->strip, plan->block);
  plan->x_group = inputs * plan->x_row;

  // Pieces: whole samples if they fit, else some strips of one.
  const int64_t weight_bytes = in * plan->taps * size;
  const int64_t budget = std::clamp(weight_bytes, kPieceBytes, kMostPieceBytes) / size;
  const int64_t fitting = std::max<int64_t>(1, budget / (plan->group + plan->x_group));
  plan->strips = cut(strips.count(), fitting, 1);
  plan->samples = cut(p.N, std::max<int64_t>(1, fitting / strips.count()), 1);
  const bool whole = plan->strips.count() == 1 && plan->samples.count() == 1;
  plan->groups = cut(w.groups, whole ? std::max<int64_t>(1, fitting / (strips.count() * p.N)) : 1, 1);
  plan->unit = plan->groups.part * plan->group;
  plan->x_unit = plan->groups.part * plan->x_group;

  plan->blocks = rows ? ceil_div(in, plan->block) : in;
  const int64_t tap_tile = rows ? tiles.weight_taps : tiles.weight_length_taps;
  plan->stored_taps = round_up(plan->taps, tap_tile);
  plan->weight_group = plan->blocks * plan->stored_taps * (rows ? plan->block : 1);

  // The input's gradient: what a slice of steps reads of all positions, and the sums, stay in an L2.
  const int64_t slice = tiles.gradient_slice;
  const int64_t slice_rows = std::min(slice, ceil_div(std::min(plan->taps, slice), w.K) * plan->phases);
  const int64_t by_slice = caches.l2 / 2 / (slice_rows * plan->row * size);
  const int64_t sum_bytes = std::min(kSumBytes, caches.l2 / 8 * 3);
  const int64_t all_rows = sum_bytes / (round_up(in, plan->row_tile) * size);
  const int64_t by_positions = std::max(kTaskPositions, all_rows) / plan->sums_row;
  plan->task_units = std::clamp(std::min(by_slice, by_positions), int64_t{1}, plan->units());
  plan->task_units = ceil_div(plan->units(), ceil_div(plan->units(), plan->task_units));
  const int64_t work = in * plan->taps * plan->strip * plan->units();
  const int64_t wanted = std::clamp(work / kTaskWork, int64_t{1}, kTasks);
  const auto shared = [&](int64_t all, int64_t others) { return ceil_div(all, ceil_div(wanted, others)); };
  const int64_t unit_tasks = ceil_div(plan->units(), plan->task_units);
  const int64_t by_sum = sum_bytes / (plan->sums_channel() * size);
  plan->task_channels = cut(in, std::min(by_sum, round_up(shared(in, unit_tasks), plan->row_tile)), plan->row_tile);

  const int64_t most_blocks = rows ? kTaskChannels / plan->block : kTaskChannels;
  const int64_t tap_tasks = ceil_div(plan->taps, kTaskTaps);
  plan->task_blocks = cut(plan->blocks, std::min(most_blocks, shared(plan->blocks, tap_tasks)), 1);
  plan->task_taps = cut(plan->taps, std::min(kTaskTaps, shared(plan->taps, plan->task_blocks.count())), tap_tile);
  const bool whole_groups = plan->task_units == plan->units() && plan->task_channels.count() == 1 &&
                            plan->task_taps.count() == 1 && plan->task_blocks.count() == 1;
  const int64_t together = std::min(kTaskWork / work, kSumBytes / (plan->sums_group() * size));
  plan->task_groups = cut(plan->groups.part, whole_groups ? std::max<int64_t>(1, together) : 1, 1);
  plan->bias_positions = cut(p.L_out, p.grad_output.l == 1 ? kBiasPositions : kBiasPositionsApart, 1);

  if (plan->gradient_elements() > kMaxElements || plan->input_elements() > kMaxElements ||
      plan->weight_elements() > kMaxElements || p.N * w.C_out > kMaxElements / plan->bias_positions.count() ||
      plan->sums_elements() > kMaxElements) {
    return refuse(plan, "a piece has more than 2^31 - 1 elements");
  }
  return true;
}

}  // namespace halogen
