#include "conv_gradient.h"

#include <algorithm>

#include "conv_kernels.h"
#include "integers.h"
#include "parallel.h"
#include "scratch.h"
#include "strided_copy.h"

namespace halogen {
namespace {

constexpr DLDevice kCpu = {kDLCPU, 0};

/// A piece of the problem.
struct Piece {
  int64_t group, groups, sample, samples, strip, strips;
  bool adds;  ///< to the weights' gradient of the pieces before
  bool ends;  ///< it: no piece follows
};

class Gradient {
 public:
  Gradient(Call *call, const ConvGradientProblem &problem, const ConvGradientPlan &plan,
           const ConvGradientTensors &tensors, const ConvGradientScalars &scalars)
      : call_(call),
        p_(problem),
        w_(problem.shape),
        plan_(plan),
        t_(tensors),
        scalars_(scalars),
        layout_(conv_gradient_layout(problem, plan, tensors)),
        variant_(variant_of(call->context->options.isa)),
        dtype_(problem.shape.dtype),
        compute_dtype_(compute_dtype(problem.shape.dtype)),
        storage_(type_of(dtype_)),
        compute_(type_of(compute_dtype_)),
        bytes_(dtype_bytes(dtype_)),
        size_(dtype_bytes(compute_dtype_)),
        rows_(plan.path == HALOGEN_CONV_PATH_ROWS) {}

  int run() {
    Scratch scratch(call_, kCpu);
    if (!scratch.acquire(layout_.end)) return halide_error_code_out_of_memory;
    memory_ = scratch.memory();
    int code = p_.wants_bias ? bias() : 0;
    if (!p_.wants_input && !p_.wants_weight) return code;
    fill_table();
    if (code == 0 && p_.wants_input) code = prepare_weights();
    for (int64_t g = 0; g < plan_.groups.count() && code == 0; ++g) {
      for (int64_t n = 0; n < plan_.samples.count() && code == 0; ++n) {
        for (int64_t i = 0; i < plan_.strips.count() && code == 0; ++i) code = piece(piece_of(g, n, i));
      }
    }
    return code;
  }

 private:
  Memory part(int64_t offset, int64_t elements = 0) const { return memory_.at(offset + elements * size_, 1); }

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

  /// A strip of a sample.
  struct Unit {
    int64_t sample, first, positions;
  };
  Unit unit_of(const Piece &piece, int64_t index) const {
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

  /// Weights as rows of values that are computed in.
  int prepare_weights() {
    weight_ = t_.weight.memory;
    weight_row_ = t_.weight.ci;
    const int64_t out = w_.group_out();
    if (layout_.copies) {
      const Strided from = {weight_, 3, {w_.C_in, out, w_.K}, {t_.weight.ci, t_.weight.co, t_.weight.k}};
      const Strided to = {part(layout_.dense), 3, {w_.C_in, out, w_.K}, {plan_.taps, w_.K, 1}};
      const int code = strided_copy(call_, dtype_, variant_, from, to);
      if (code != 0) return code;
      weight_ = to.memory;
      weight_row_ = plan_.taps;
    }
    if (!layout_.widens) return 0;
    const ConvCut channels = {w_.C_in, std::max<int64_t>(1, kConvCopyElements / plan_.taps)};
    const Memory from = weight_, to = part(layout_.weights);
    const int code = parallel_for(call_, channels.count(), [&](int64_t i) {
      const int64_t first = channels.first(i), count = channels.size(i);
      Buffer x(from.at(first * weight_row_, bytes_), storage_, {dim(plan_.taps, 1), dim(count, weight_row_)});
      Buffer y(to.at(first * layout_.weights_row, size_), compute_,
               {dim(layout_.weights_row, 1), dim(1, 0), dim(count, layout_.weights_row)});
      return find_kernel<ConvRole::pad>(dtype_, variant_).function(call_, x, x, 0, 1, 1, 0, 1.0, false, y);
    });
    weight_ = to;
    weight_row_ = layout_.weights_row;
    return code;
  }

  int piece(const Piece &piece) const {
    const int64_t units = piece.samples * piece.strips;
    const ConvCut channels = {piece.groups * w_.group_out(), std::max<int64_t>(1, kConvCopyElements / plan_.channel)};
    const int64_t rows = rows_ ? plan_.blocks * piece.groups : piece.groups * w_.group_in();
    const ConvCut inputs = {p_.wants_weight ? rows : 0,
                            std::max<int64_t>(1, kConvCopyElements / plan_.x_row / (rows_ ? plan_.block : 1))};
    const int64_t gradients = units * channels.count();
    int code = parallel_for(call_, gradients + units * inputs.count(), [&](int64_t i) {
      if (i < gradients) return pad_gradient(piece, i / channels.count(), channels, i % channels.count());
      const int64_t unit = (i - gradients) / inputs.count(), index = (i - gradients) % inputs.count();
      return rows_ ? turn_input(piece, unit, inputs, index) : pad_input(piece, unit, inputs, index);
    });
    if (code != 0) return code;

    const ConvCut groups = {piece.groups, plan_.task_groups.part}, parts = {units, plan_.task_units};
    const int64_t channel_tasks = plan_.task_channels.count(), each = parts.count() * channel_tasks;
    const int64_t weight_tasks = plan_.task_blocks.count() * plan_.task_taps.count();
    const int64_t of_input = p_.wants_input ? groups.count() * each : 0;
    const int64_t of_weight = p_.wants_weight ? groups.count() * weight_tasks : 0;
    code = parallel_for(call_, of_input + of_weight, [&](int64_t i) {
      if (i < of_input) {
        return sum_input(piece, groups, i / each, parts, i / channel_tasks % parts.count(), i % channel_tasks);
      }
      return sum_weight(piece, groups, (i - of_input) / weight_tasks, (i - of_input) % weight_tasks);
    });
    if (code != 0 || !p_.wants_weight || !piece.ends) return code;
    const int64_t blocks = rows_ ? plan_.blocks : 1;
    return parallel_for(call_, piece.groups * blocks, [&](int64_t i) {
      return rows_ ? turn_weight(piece, i / blocks, i % blocks)
                   : finish_weight(part(layout_.weight_gradient, i * plan_.weight_group), plan_.stored_taps,
                                   (piece.group + i) * w_.group_in(), w_.group_in(), 0, plan_.taps);
    });
  }

  /// The gradient of the output behind the activation, by phases.
  int pad_gradient(const Piece &piece, int64_t index, const ConvCut &channels, int64_t task) const {
    const Unit unit = unit_of(piece, index);
    const int64_t first = channels.first(task), count = channels.size(task);
    const int64_t channel = piece.group * w_.group_out() + first;
    const ConvStrides &s = p_.grad_output, &o = p_.output;
    Buffer x(t_.grad_output.at(unit.sample * s.n + channel * s.c, bytes_), storage_,
             {dim(p_.L_out, s.l), dim(count, s.c)});
    const bool activates = scalars_.activation != 0;
    Buffer result(activates ? t_.output.at(unit.sample * o.n + channel * o.c, bytes_) : t_.grad_output, storage_,
                  {dim(p_.L_out, activates ? o.l : s.l), dim(count, activates ? o.c : s.c)});
    Buffer y(part(layout_.gradient, index * plan_.unit + first * plan_.channel), compute_,
             {dim(plan_.row, 1), dim(plan_.phases, plan_.row), dim(count, plan_.channel)});
    return find_kernel<ConvRole::pad>(dtype_, variant_)
        .function(call_, x, result, static_cast<int32_t>(p_.pad_left - unit.first * w_.stride),
                  static_cast<int32_t>(w_.stride), static_cast<int32_t>(plan_.spread), scalars_.activation,
                  scalars_.slope, false, y);
  }

  int pad_input(const Piece &piece, int64_t index, const ConvCut &channels, int64_t task) const {
    const int64_t first = channels.first(task);
    return pad_rows(unit_of(piece, index), piece.group * w_.group_in() + first, channels.size(task),
                    part(layout_.input, index * plan_.x_unit + first * plan_.x_row));
  }

  /// Rows of the input behind its activation.
  int pad_rows(const Unit &unit, int64_t channel, int64_t count, const Memory &to) const {
    const ConvStrides &s = p_.input;
    Buffer x(t_.input.at(unit.sample * s.n + channel * s.c + unit.first * s.l, bytes_), storage_,
             {dim(unit.positions, s.l), dim(count, s.c)});
    Buffer y(to, compute_, {dim(plan_.x_row, 1), dim(1, 0), dim(count, plan_.x_row)});
    return find_kernel<ConvRole::pad>(dtype_, variant_)
        .function(call_, x, x, 0, 1, 1, 0, scalars_.input_slope, false, y);
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

  int finish_input(const Memory &sums, int64_t row, const Unit &unit, int64_t channel, int64_t channels) const {
    const ConvStrides &s = p_.grad_input, &i = p_.input;
    Buffer z(sums, compute_, {dim(unit.positions, 1), dim(channels, row)});
    Buffer y(t_.grad_input.at(unit.sample * s.n + channel * s.c + unit.first * s.l, bytes_), storage_,
             {dim(unit.positions, s.l), dim(channels, s.c)});
    if (scalars_.input_slope == 1) return finish(z, y, channels);
    Buffer x(t_.input.at(unit.sample * i.n + channel * i.c + unit.first * i.l, bytes_), storage_,
             {dim(unit.positions, i.l), dim(channels, i.c)});
    Buffer none(sums, storage_, {dim(channels, 0)});
    return find_kernel<ConvRole::finish>(dtype_, variant_)
        .function(call_, z, none, false, x, 2, scalars_.input_slope, y);
  }

  /// Sums as they are, in the tensor's dtype.
  int finish(halide_buffer_t *z, halide_buffer_t *y, int64_t channels) const {
    Buffer none(part(0), storage_, {dim(channels, 0)});
    return find_kernel<ConvRole::finish>(dtype_, variant_).function(call_, z, none, false, y, 0, 1.0, y);
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

  /// Taps [first, first + taps) of some channels, in rows.
  int finish_weight(const Memory &from, int64_t row, int64_t channel, int64_t channels, int64_t first,
                    int64_t taps) const {
    const ConvWeights &to = t_.grad_weight;
    // Dense rows are one.
    const bool dense = conv_rows_are_dense(w_, to);
    int code = 0;
    for (int64_t m = first, count = 0; m < first + taps && code == 0; m += count) {
      count = dense ? taps : std::min(w_.K - m % w_.K, first + taps - m);
      Buffer z(from.at(m - first, size_), compute_, {dim(count, 1), dim(channels, row)});
      Buffer y(to.memory.at(channel * to.ci + m / w_.K * to.co + m % w_.K * to.k, bytes_), storage_,
               {dim(count, to.k), dim(channels, to.ci)});
      code = finish(z, y, channels);
    }
    return code;
  }

  int bias() const {
    const ConvCut &cut = plan_.bias_positions;
    const ConvCut channels = {w_.C_out, std::max<int64_t>(1, kConvCopyElements / cut.part)};
    auto *parts = static_cast<double *>(memory_.at(layout_.bias_parts, 1).address());
    int code = parallel_for(call_, p_.N * cut.count() * channels.count(), [&](int64_t i) {
      const int64_t c = channels.first(i % channels.count()), at = i / channels.count();
      return sum_bias(at / cut.count(), cut.first(at % cut.count()), cut.size(at % cut.count()), c,
                      channels.size(i % channels.count()), parts + at * w_.C_out + c);
    });
    for (int64_t i = 1; i < p_.N * cut.count(); ++i) {
      for (int64_t c = 0; c < w_.C_out; ++c) parts[c] += parts[i * w_.C_out + c];
    }
    const Memory total = part(layout_.bias);
    for (int64_t c = 0; c < w_.C_out; ++c) {
      if (size_ == 8) {
        static_cast<double *>(total.address())[c] = parts[c];
      } else {
        static_cast<float *>(total.address())[c] = static_cast<float>(parts[c]);
      }
    }
    if (code != 0) return code;
    Buffer z(total, compute_, {dim(w_.C_out, 1), dim(1, 0)});
    Buffer y(t_.grad_bias, storage_, {dim(w_.C_out, t_.grad_bias_stride), dim(1, 0)});
    return finish(z, y, 1);
  }

  int sum_bias(int64_t n, int64_t first, int64_t positions, int64_t channel, int64_t channels, double *to) const {
    const ConvStrides &s = p_.grad_output, &o = p_.output;
    const bool activates = scalars_.activation != 0;
    const Memory from = t_.grad_output.at(n * s.n + channel * s.c + first * s.l, bytes_);
    Buffer dy(from, storage_, {dim(positions, s.l), dim(channels, s.c)});
    Buffer result(activates ? t_.output.at(n * o.n + channel * o.c + first * o.l, bytes_) : from, storage_,
                  {dim(positions, activates ? o.l : s.l), dim(channels, activates ? o.c : s.c)});
    Buffer y(Memory{kCpu, to, 0}, halide_type_t(halide_type_float, 64), {dim(channels, 1)});
    return find_kernel<ConvRole::bias_sums>(dtype_, variant_)
        .function(call_, dy, result, scalars_.activation, scalars_.slope, y);
  }

  Call *call_;
  const ConvGradientProblem &p_;
  const ConvWeightShape &w_;
  const ConvGradientPlan &plan_;
  const ConvGradientTensors &t_;
  const ConvGradientScalars &scalars_;
  ConvGradientLayout layout_;
  Variant variant_;
  Dtype dtype_, compute_dtype_;
  halide_type_t storage_, compute_;
  int64_t bytes_, size_;  ///< of an element: stored, computed in
  bool rows_;
  Memory memory_ = {};
  Memory weight_ = {};  ///< dense rows in what is computed in
  int64_t weight_row_ = 0;
};

}  // namespace

int conv_gradient_run(Call *call, const ConvGradientProblem &problem, const ConvGradientPlan &plan,
                      const ConvGradientTensors &tensors, const ConvGradientScalars &scalars) {
  return Gradient(call, problem, plan, tensors, scalars).run();
}

}  // namespace halogen
