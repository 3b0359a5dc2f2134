#include "conv_gradient_work.h"

#include <algorithm>

#include "parallel.h"
#include "strided_copy.h"

namespace halogen {

int ConvGradientWork::begin(const Memory &memory) {
  memory_ = memory;
  const int code = p_.wants_bias ? bias() : 0;
  return code == 0 && p_.wants_input ? prepare_weights() : code;
}

/// Weights as rows of values that are computed in.
int ConvGradientWork::prepare_weights() {
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

Buffer ConvGradientWork::rows_of(const Memory &tensor, const ConvStrides &s, const ConvUnit &unit, int64_t channel,
                                 int64_t channels) const {
  return Buffer(tensor.at(unit.sample * s.n + channel * s.c + unit.first * s.l, bytes_), storage_,
                {dim(unit.positions, s.l), dim(channels, s.c)});
}

Buffer ConvGradientWork::result_of(const ConvUnit &unit, int64_t channel, int64_t channels) const {
  return scalars_.activation != 0 ? rows_of(t_.output, p_.output, unit, channel, channels)
                                  : rows_of(t_.grad_output, p_.grad_output, unit, channel, channels);
}

int ConvGradientWork::pad_gradient(int64_t sample, int64_t channel, int64_t count, int64_t left, int64_t step,
                                   int64_t spread, halide_buffer_t *to) const {
  const ConvUnit all = {sample, 0, p_.L_out};
  Buffer x = rows_of(t_.grad_output, p_.grad_output, all, channel, count);
  Buffer result = result_of(all, channel, count);
  return find_kernel<ConvRole::pad>(dtype_, variant_)
      .function(call_, x, result, static_cast<int32_t>(left), static_cast<int32_t>(step), static_cast<int32_t>(spread),
                scalars_.activation, scalars_.slope, false, to);
}

int ConvGradientWork::pad_input(const ConvUnit &unit, int64_t channel, int64_t count, halide_buffer_t *to) const {
  Buffer x = rows_of(t_.input, p_.input, unit, channel, count);
  return find_kernel<ConvRole::pad>(dtype_, variant_)
      .function(call_, x, x, 0, 1, 1, 0, scalars_.input_slope, false, to);
}

int ConvGradientWork::finish_input(const Memory &sums, int64_t row, const ConvUnit &unit, int64_t channel,
                                   int64_t channels) const {
  Buffer z(sums, compute_, {dim(unit.positions, 1), dim(channels, row)});
  Buffer y = rows_of(t_.grad_input, p_.grad_input, unit, channel, channels);
  if (scalars_.input_slope == 1) return finish(z, y, channels);
  Buffer x = rows_of(t_.input, p_.input, unit, channel, channels);
  Buffer none(sums, storage_, {dim(channels, 0)});
  return find_kernel<ConvRole::finish>(dtype_, variant_).function(call_, z, none, false, x, 2, scalars_.input_slope, y);
}

/// Sums as they are, in the tensor's dtype.
int ConvGradientWork::finish(halide_buffer_t *z, halide_buffer_t *y, int64_t channels) const {
  Buffer none(part(0), storage_, {dim(channels, 0)});
  return find_kernel<ConvRole::finish>(dtype_, variant_).function(call_, z, none, false, y, 0, 1.0, y);
}

int ConvGradientWork::finish_weight(const Memory &from, int64_t row, int64_t channel, int64_t channels, int64_t first,
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

int ConvGradientWork::bias() const {
  const ConvCut &cut = plan_.bias_positions;
  const ConvCut channels = {w_.C_out, std::max<int64_t>(1, kConvCopyElements / cut.part)};
  auto *parts = static_cast<double *>(memory_.at(layout_.bias_parts, 1).address());
  int code = parallel_for(call_, p_.N * cut.count() * channels.count(), [&](int64_t i) {
    const int64_t c = channels.first(i % channels.count()), at = i / channels.count();
    return sum_bias({at / cut.count(), cut.first(at % cut.count()), cut.size(at % cut.count())}, c,
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

int ConvGradientWork::sum_bias(const ConvUnit &unit, int64_t channel, int64_t channels, double *to) const {
  Buffer dy = rows_of(t_.grad_output, p_.grad_output, unit, channel, channels);
  Buffer result = result_of(unit, channel, channels);
  Buffer y(Memory{kCpu, to, 0}, halide_type_t(halide_type_float, 64), {dim(channels, 1)});
  return find_kernel<ConvRole::bias_sums>(dtype_, variant_)
      .function(call_, dy, result, scalars_.activation, scalars_.slope, y);
}

}  // namespace halogen
