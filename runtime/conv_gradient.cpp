#include "conv_gradient.h"

#include <algorithm>

#include "conv_gradient_columns.h"
#include "conv_gradient_work.h"
#include "parallel.h"
#include "scratch.h"

namespace halogen {
namespace {

/// A piece of the problem.
struct Piece {
  int64_t group, groups, sample, samples, strip, strips;
  bool adds;  ///< to the weights' gradient of the pieces before
  bool ends;  ///< it: no piece follows
};

/// Gradients by pieces.
class Pieces : public ConvGradientWork {
 public:
  explicit Pieces(const ConvGradientWork &work) : ConvGradientWork(work), rows_(plan_.path == HALOGEN_CONV_PATH_ROWS) {}

  int run() const {
    fill_table();
    int code = 0;
    for (int64_t g = 0; g < plan_.groups.count() && code == 0; ++g) {
      for (int64_t n = 0; n < plan_.samples.count() && code == 0; ++n) {
        for (int64_t i = 0; i < plan_.strips.count() && code == 0; ++i) code = piece(piece_of(g, n, i));
      }
    }
    return code;
  }

 private:
  Piece piece_of(int64_t g, int64_t n, int64_t i) const {
    return {plan_.groups.first(g),
            plan_.groups.size(g),
            plan_.samples.first(n),
            plan_.samples.size(n),
            plan_.strips.first(i),
            plan_.strips.size(i),
            n + i > 0,
            n + 1 == plan_.samples.count() && i + 1 == plan_.strips.count()};
  }

  ConvUnit unit_of(const Piece &piece, int64_t index) const {
    const int64_t first = (piece.strip + index / piece.samples) * plan_.strip;
    return {piece.sample + index % piece.samples, first, std::min(plan_.strip, p_.L - first)};
  }

  void fill_table() const {
    auto *table = static_cast<int32_t *>(part(layout_.table).address());
    for (int64_t co = 0; co < w_.group_out(); ++co) {
      for (int64_t k = 0; k < w_.K; ++k) {
        const int64_t t = k * w_.dilation, phase = t % w_.stride / plan_.spread;
        *table++ = static_cast<int32_t>(co * plan_.channel + phase * plan_.row + t / w_.stride);
      }
    }
  }

  int piece(const Piece &piece) const {
    const int64_t units = piece.samples * piece.strips;
    const ConvCut channels = {piece.groups * w_.group_out(), std::max<int64_t>(1, kConvCopyElements / plan_.channel)};
    const int64_t rows = rows_ ? plan_.blocks * piece.groups : piece.groups * w_.group_in();
    const ConvCut inputs = {plan_.weight_pieces ? rows : 0,
                            std::max<int64_t>(1, kConvCopyElements / plan_.x_row / (rows_ ? plan_.block : 1))};
    const int64_t gradients = units * channels.count();
    int code = parallel_for(call_, gradients + units * inputs.count(), [&](int64_t i) {
      if (i < gradients) return gradient_by_phases(piece, i / channels.count(), channels, i % channels.count());
      const int64_t unit = (i - gradients) / inputs.count(), index = (i - gradients) % inputs.count();
      return rows_ ? turn_input(piece, unit, inputs, index) : input_rows(piece, unit, inputs, index);
    });
    if (code != 0) return code;

    const ConvCut groups = {piece.groups, plan_.task_groups.part}, parts = {units, plan_.task_units};
    const int64_t channel_tasks = plan_.task_channels.count(), each = parts.count() * channel_tasks;
    const int64_t weight_tasks = plan_.task_blocks.count() * plan_.task_taps.count();
    const int64_t of_input = plan_.input_pieces ? groups.count() * each : 0;
    const int64_t of_weight = plan_.weight_pieces ? groups.count() * weight_tasks : 0;
    code = parallel_for(call_, of_input + of_weight, [&](int64_t i) {
      if (i < of_input) {
        return sum_input(piece, groups, i / each, parts, i / channel_tasks % parts.count(), i % channel_tasks);
      }
      return sum_weight(piece, groups, (i - of_input) / weight_tasks, (i - of_input) % weight_tasks);
    });
    if (code != 0 || !plan_.weight_pieces || !piece.ends) return code;
    const int64_t blocks = rows_ ? plan_.blocks : 1;
    return parallel_for(call_, piece.groups * blocks, [&](int64_t i) {
      return rows_ ? turn_weight(piece, i / blocks, i % blocks)
                   : finish_weight(part(layout_.weight_gradient, i * plan_.weight_group), plan_.stored_taps,
                                   (piece.group + i) * w_.group_in(), w_.group_in(), 0, plan_.taps);
    });
  }

  /// The gradient of the output, by phases.
  int gradient_by_phases(const Piece &piece, int64_t index, const ConvCut &channels, int64_t task) const {
    const ConvUnit unit = unit_of(piece, index);
    const int64_t first = channels.first(task), count = channels.size(task);
    Buffer y(part(layout_.gradient, index * plan_.unit + first * plan_.channel), compute_,
             {dim(plan_.row, 1), dim(plan_.phases, plan_.row), dim(count, plan_.channel)});
    return pad_gradient(unit.sample, piece.group * w_.group_out() + first, count, p_.pad_left - unit.first * w_.stride,
                        w_.stride, plan_.spread, y);
  }

  int input_rows(const Piece &piece, int64_t index, const ConvCut &channels, int64_t task) const {
    const int64_t first = channels.first(task);
    return pad_rows(unit_of(piece, index), piece.group * w_.group_in() + first, channels.size(task),
                    part(layout_.input, index * plan_.x_unit + first * plan_.x_row));
  }

  int pad_rows(const ConvUnit &unit, int64_t channel, int64_t count, const Memory &to) const {
    Buffer y(to, compute_, {dim(plan_.x_row, 1), dim(1, 0), dim(count, plan_.x_row)});
    return pad_input(unit, channel, count, y);
  }

  /// The same, blocks of channels side by side.
  int turn_input(const Piece &piece, int64_t index, const ConvCut &blocks, int64_t task) const {
    Scratch scratch(call_, kCpu);
    const int64_t block = plan_.block, elements = block * plan_.x_row, in = w_.group_in();
    if (!scratch.acquire(elements * size_)) return halide_error_code_out_of_memory;
    int code = 0;
    for (int64_t i = 0; i < blocks.size(task) && code == 0; ++i) {
      const int64_t at = blocks.first(task) + i, first = at % plan_.blocks * block;
      code = pad_rows(unit_of(piece, index), (piece.group + at / plan_.blocks) * in + first,
                      std::min(block, in - first), scratch.memory());
      if (code == 0)
        code = turn(scratch.memory(), plan_.x_row, block, part(layout_.input, index * plan_.x_unit + at * elements),
                    block);
    }
    return code;
  }

  /// `rows` rows of `columns` elements to columns; rows of the result are `to_row` apart.
  int turn(const Memory &from, int64_t columns, int64_t rows, const Memory &to, int64_t to_row) const {
    Buffer x(from, compute_, {dim(columns, 1), dim(rows, columns)});
    Buffer y(to, compute_, {dim(rows, 1), dim(columns, to_row)});
    return find_kernel<ConvRole::turn>(compute_dtype_, variant_).function(call_, x, y);
  }

  int sum_input(const Piece &piece, const ConvCut &groups, int64_t g, const ConvCut &units, int64_t u,
                int64_t c) const {
    Scratch scratch(call_, kCpu);
    if (!scratch.acquire(plan_.sums_elements() * size_)) return halide_error_code_out_of_memory;
    const int64_t in = w_.group_in(), channel = plan_.task_channels.first(c), channels = plan_.task_channels.size(c);
    const int64_t row = plan_.sums_row, group = groups.first(g), count = groups.size(g);
    Buffer x(part(layout_.gradient, units.first(u) * plan_.unit + group * plan_.group), compute_,
             {dim(plan_.group, 1), dim(units.size(u), plan_.unit), dim(count, plan_.group)});
    Buffer w(weight_.at(((piece.group + group) * in + channel) * weight_row_, size_), compute_,
             {dim(plan_.taps, 1), dim(channels, weight_row_), dim(count, count > 1 ? in * weight_row_ : 0)});
    Buffer at(part(layout_.table), halide_type_t(halide_type_int, 32), {dim(plan_.taps, 1)});
    Buffer y(scratch.memory(), compute_,
             {dim(row, 1), dim(units.size(u), row), dim(round_up(channels, plan_.row_tile), plan_.sums_channel()),
              dim(count, plan_.sums_group())});
    int code = plan_.single
                   ? find_kernel<ConvRole::grad_input_single>(compute_dtype_, variant_).function(call_, x, w, at, y)
                   : find_kernel<ConvRole::grad_input>(compute_dtype_, variant_).function(call_, x, w, at, y);
    // Groups of one channel are finished together.
    const bool single = plan_.single;
    for (int64_t i = 0; i < count && code == 0; i += single ? count : 1) {
      for (int64_t j = 0; j < units.size(u) && code == 0; ++j) {
        const Memory sums = scratch.memory().at(i * plan_.sums_group() + j * row, size_);
        code =
            finish_input(sums, single ? plan_.sums_group() : plan_.sums_channel(), unit_of(piece, units.first(u) + j),
                         (piece.group + group + i) * in + channel, single ? count : channels);
      }
    }
    return code;
  }

  int sum_weight(const Piece &piece, const ConvCut &groups, int64_t g, int64_t task) const {
    const int64_t b = task / plan_.task_taps.count(), m = task % plan_.task_taps.count();
    // Strips of full length first; a sample's last may be shorter.
    const int64_t rest = p_.L - (piece.strip + piece.strips) * plan_.strip;
    const int64_t full = (rest < 0 ? piece.strips - 1 : piece.strips) * piece.samples;
    int code = full > 0 ? sum_units(groups, g, b, m, 0, full, plan_.strip, piece.adds) : 0;
    if (rest < 0 && code == 0) {
      code = sum_units(groups, g, b, m, full, piece.samples, plan_.strip + rest, piece.adds || full > 0);
    }
    return code;
  }

  int sum_units(const ConvCut &groups, int64_t g, int64_t b, int64_t m, int64_t first_unit, int64_t units,
                int64_t length, bool adds) const {
    const int64_t block = plan_.task_blocks.first(b), blocks = plan_.task_blocks.size(b);
    const int64_t first = plan_.task_taps.first(m), taps = plan_.task_taps.size(m);
    const int64_t group = groups.first(g), count = groups.size(g), width = rows_ ? plan_.block : 1;
    const int64_t stored = m + 1 == plan_.task_taps.count() ? plan_.stored_taps - first : taps;
    Buffer dy(part(layout_.gradient, first_unit * plan_.unit + group * plan_.group), compute_,
              {dim(plan_.group, 1), dim(units, plan_.unit), dim(count, plan_.group)});
    Buffer at(memory_.at(layout_.table + first * 4, 1), halide_type_t(halide_type_int, 32), {dim(taps, 1)});
    const Memory to =
        part(layout_.weight_gradient, group * plan_.weight_group + (block * plan_.stored_taps + first) * width);
    const Memory from =
        part(layout_.input, first_unit * plan_.x_unit + group * plan_.x_group + block * plan_.x_row * width);
    const halide_dimension_t n = dim(units, plan_.x_unit), in_groups = dim(count, plan_.x_group);
    if (rows_) {
      Buffer x(from, compute_, {dim(width, 1), dim(length, width), n, dim(blocks, plan_.x_row * width), in_groups});
      Buffer y(
          to, compute_,
          {dim(width, 1), dim(stored, width), dim(blocks, plan_.stored_taps * width), dim(count, plan_.weight_group)});
      return find_kernel<ConvRole::grad_weight_rows>(compute_dtype_, variant_).function(call_, x, dy, at, y, adds, y);
    }
    Buffer x(from, compute_, {dim(length, 1), dim(blocks, plan_.x_row), n, in_groups});
    Buffer y(to, compute_, {dim(stored, 1), dim(blocks, plan_.stored_taps), dim(count, plan_.weight_group)});
    return find_kernel<ConvRole::grad_weight_length>(compute_dtype_, variant_).function(call_, x, dy, at, y, adds, y);
  }

  /// A block's columns to rows, and out.
  int turn_weight(const Piece &piece, int64_t group, int64_t block) const {
    Scratch scratch(call_, kCpu);
    const int64_t width = plan_.block, first = block * width;
    if (!scratch.acquire(width * kConvTurnedTaps * size_)) return halide_error_code_out_of_memory;
    int code = 0;
    for (int64_t m = 0; m < plan_.taps && code == 0; m += kConvTurnedTaps) {
      const int64_t taps = std::min(kConvTurnedTaps, plan_.taps - m);
      code = turn(part(layout_.weight_gradient, group * plan_.weight_group + (block * plan_.stored_taps + m) * width),
                  width, round_up(taps, width), scratch.memory(), kConvTurnedTaps);
      if (code != 0) return code;
      code = finish_weight(scratch.memory(), kConvTurnedTaps, (piece.group + group) * w_.group_in() + first,
                           std::min(width, w_.group_in() - first), m, taps);
    }
    return code;
  }

  bool rows_;
};

}  // namespace

int conv_gradient_run(Call *call, const ConvGradientProblem &problem, const ConvGradientPlan &plan,
                      const ConvGradientTensors &tensors, const ConvGradientScalars &scalars) {
  ConvGradientWork work(call, problem, plan, tensors, scalars);
  Scratch scratch(call, {kDLCPU, 0});
  if (!scratch.acquire(work.bytes())) return halide_error_code_out_of_memory;
  int code = work.begin(scratch.memory());
  if (code == 0 && plan.has_columns()) code = conv_gradient_columns(work);
  if (code == 0 && plan.has_pieces()) code = Pieces(work).run();
  return code;
}

}  // namespace halogen
