#include "conv_gradient_columns.h"

#include <algorithm>

#include "parallel.h"
#include "scratch.h"

namespace halogen {
namespace {

class Columns : public ConvGradientWork {
 public:
  explicit Columns(const ConvGradientWork &work) : ConvGradientWork(work), c_(plan_.columns) {}

  int run() const {
    auto *table = static_cast<int32_t *>(part(layout_.column_table).address());
    for (int64_t i = 0; i < c_.count; ++i) table[i] = static_cast<int32_t>(i * c_.row);

    const ConvCut inputs = {w_.C_in, std::max<int64_t>(1, kConvCopyElements / c_.x_row)};
    const int64_t prepared = plan_.weight_columns ? inputs.count() : 0;
    int code = parallel_for(call_, prepared + c_.count, [&](int64_t i) {
      return i < prepared ? input_rows(inputs.first(i), inputs.size(i)) : column(i - prepared);
    });
    if (code != 0) return code;

    const int64_t channel_tasks = c_.input_channels.count();
    const int64_t taps_tasks = c_.weight_taps.count(), each = c_.weight_channels.count() * taps_tasks;
    const int64_t of_input = plan_.input_columns ? w_.groups * channel_tasks : 0;
    const int64_t of_weight = plan_.weight_columns ? w_.groups * each : 0;
    return parallel_for(call_, of_input + of_weight, [&](int64_t i) {
      if (i < of_input) return sum_input(i / channel_tasks, i % channel_tasks);
      const int64_t task = i - of_input;
      return sum_weight(task / each, task % each / taps_tasks, task % taps_tasks);
    });
  }

 private:
  /// Taps of all output channels that position index % L of sample index / L reaches. Channels follow each other, and what conv_pad
  /// writes beyond the last tap of one, a vector being full, is written again by the next.
  int column(int64_t index) const {
    Buffer y(part(layout_.columns, index * c_.row), compute_,
             {dim(round_up(w_.K, c_.lanes), 1), dim(1, 0), dim(w_.C_out, w_.K)});
    return pad_gradient(index / p_.L, 0, w_.C_out, p_.pad_left - index % p_.L * w_.stride, w_.dilation, 1, y);
  }

  /// Rows of the input, samples side by side; each is written over the last vector of the one before.
  int input_rows(int64_t channel, int64_t channels) const {
    int code = 0;
    for (int64_t n = 0; n < p_.N && code == 0; ++n) {
      Buffer y(part(layout_.column_input, channel * c_.x_row + n * p_.L), compute_,
               {dim(round_up(p_.L, c_.lanes), 1), dim(1, 0), dim(channels, c_.x_row)});
      code = pad_input({n, 0, p_.L}, channel, channels, y);
    }
    return code;
  }

  Memory columns_at(int64_t group, int64_t tap) const { return part(layout_.columns, group * plan_.taps + tap); }

  /// y(column, channel) = sum over taps of w(tap, channel) * x(tap, column): the kernel of the weights' gradient, whose positions are taps
  /// here, its taps columns, and its input the weights.
  int sum_input(int64_t group, int64_t task) const {
    Scratch scratch(call_, kCpu);
    if (!scratch.acquire(c_.sums_elements() * size_)) return halide_error_code_out_of_memory;
    const int64_t channels = c_.input_channels.size(task);
    const int64_t channel = group * w_.group_in() + c_.input_channels.first(task), taps = plan_.taps;
    Buffer w(weight_.at(channel * weight_row_, size_), compute_,
             {dim(taps, 1), dim(channels, weight_row_), dim(1, 0), dim(1, 0)});
    Buffer x(columns_at(group, 0), compute_, {dim((c_.count - 1) * c_.row + taps, 1), dim(1, 0), dim(1, 0)});
    Buffer at(part(layout_.column_table), halide_type_t(halide_type_int, 32), {dim(c_.count, 1)});
    Buffer y(scratch.memory(), compute_, {dim(c_.stored, 1), dim(channels, c_.stored), dim(1, 0)});
    int code =
        find_kernel<ConvRole::grad_weight_length>(compute_dtype_, variant_).function(call_, w, x, at, y, false, y);
    for (int64_t n = 0; n < p_.N && code == 0; ++n) {
      code = finish_input(scratch.memory().at(n * p_.L, size_), c_.stored, {n, 0, p_.L}, channel, channels);
    }
    return code;
  }

  /// y(tap, channel) = sum over columns of input(column, channel) * x(tap, column): the kernel of the input's gradient, whose positions are
  /// taps here, its taps columns, and its weights the input.
  int sum_weight(int64_t group, int64_t task, int64_t tap_task) const {
    Scratch scratch(call_, kCpu);
    if (!scratch.acquire(c_.sums_elements() * size_)) return halide_error_code_out_of_memory;
    const int64_t channels = c_.weight_channels.size(task);
    const int64_t channel = group * w_.group_in() + c_.weight_channels.first(task);
    const int64_t first = c_.weight_taps.first(tap_task), taps = c_.weight_taps.size(tap_task);
    const int64_t row = round_up(taps, c_.tap_tile);
    Buffer x(columns_at(group, first), compute_, {dim((c_.count - 1) * c_.row + row, 1), dim(1, 0), dim(1, 0)});
    Buffer w(part(layout_.column_input, channel * c_.x_row), compute_,
             {dim(c_.count, 1), dim(channels, c_.x_row), dim(1, 0)});
    Buffer at(part(layout_.column_table), halide_type_t(halide_type_int, 32), {dim(c_.count, 1)});
    Buffer y(scratch.memory(), compute_,
             {dim(row, 1), dim(1, 0), dim(round_up(channels, c_.row_tile), row), dim(1, 0)});
    const int code = find_kernel<ConvRole::grad_input>(compute_dtype_, variant_).function(call_, x, w, at, y);
    return code != 0 ? code : finish_weight(scratch.memory(), row, channel, channels, first, taps);
  }

  const ConvColumns &c_;
};

}  // namespace

int conv_gradient_columns(const ConvGradientWork &work) { return Columns(work).run(); }

}  // namespace halogen
