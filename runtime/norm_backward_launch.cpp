#include "norm_backward_launch.h"

#include <algorithm>
#include <cstring>

#include "integers.h"

namespace halogen {

NormBackwardLaunch::NormBackwardLaunch(Call *call, const NormProblem &problem, const NormPlan &plan,
                                       const NormBackwardTensors &tensors, const NormBackwardScalars &scalars)
    : NormBuffers(call, problem, plan, tensors.input), t_(tensors), scalars_(scalars) {}

/// Values in a statistic set.
int64_t NormBackwardLaunch::values() const { return p_.channels_per_set() * p_.S * (p_.per_channel() ? p_.N : 1); }

/// What a mask is taken from; any memory of the gradient's shape where kernels take none.
const Memory &NormBackwardLaunch::result(const Memory &dy) const { return p_.masked ? t_.output : dy; }

const NormStrides &NormBackwardLaunch::result_strides() const { return p_.masked ? p_.result : p_.residual; }

/// Of a vector over (C, samples), in f64, the part of a pass.
Memory NormBackwardLaunch::of_channels(const Memory &memory, const Pass &pass) const {
  return p_.per_channel() ? memory : memory.at(pass.first * p_.C, sizeof(double));
}

/// All sums of channels.
Buffer NormBackwardLaunch::pairs(const Memory &memory) const {
  return Buffer(memory, kDoubleType, {dim(p_.C, 1), dim(samples(), p_.C)});
}

/// All statistics; an absent vector is never read, but must be memory.
Buffer NormBackwardLaunch::statistics(const Memory &memory) const { return vector(memory, sets_, samples()); }

int NormBackwardLaunch::convert(Memory *weight, Spreads *st, Scratch *scratch) {
  const int64_t count = norm_sets(p_);
  st->has_lo = false;
  st->is_rstd = scalars_.is_rstd;
  const int code = NormBuffers::convert(
      {{t_.weight, p_.C, weight}, {t_.mean, count, &st->hi}, {t_.spread, count, &st->spread}}, scratch);
  st->lo = st->hi;
  return code;
}

int NormBackwardLaunch::given(const Spreads &to, const Memory &unused) {
  const auto vectors = [&](const Memory &memory) { return Buffer(memory, compute_, {dim(p_.C, 1)}); };
  Buffer all(t_.moments.memory, kDoubleType, {dim(p_.C, 1), dim(3, p_.C)});
  Buffer hi = vectors(to.hi), lo = vectors(to.lo), var = vectors(to.spread), running = vectors(unused);
  return launch<NormRole::given>(compute_dtype(p_.dtype), all, false, hi, lo, var, running);
}

int NormBackwardLaunch::mask(const Memory &to, const NormStrides &strides) {
  // Any view does that has long rows.
  constexpr int64_t kShort = 32, kTaskBytes = 128 * 1024;
  const Memory &result = scalars_.activates ? t_.output : t_.grad_output;
  const NormStrides &result_strides = scalars_.activates ? t_.output_strides : t_.grad_output_strides;
  const double slope = scalars_.activates ? scalars_.slope : 1;
  const NormStrides *all[] = {&result_strides, &t_.grad_output_strides, &strides};
  const auto outer_stride = [&](const NormStrides &t) { return p_.channel_last ? t.s : t.c; };
  const int64_t row = p_.channel_last ? p_.C : p_.S, rows = p_.channel_last ? p_.S : p_.C;
  const bool joined =
      row < kShort && std::all_of(std::begin(all), std::end(all), [&](auto *t) { return outer_stride(*t) == row; });
  const int64_t inner = joined ? row * rows : row, outer = joined ? 1 : rows;
  // The plan's passes do not know all of these tensors.
  int64_t samples = p_.N, at_once = outer;
  for (const NormStrides *t : all) {
    at_once = std::min(at_once, norm_at_once(outer, outer_stride(*t), inner - 1));
    samples = std::min(samples, norm_at_once(p_.N, t->n, inner - 1 + (outer - 1) * outer_stride(*t)));
  }
  samples = std::max<int64_t>(1, samples);
  if (p_.gpu) {
    at_once = gpu_part(at_once, outer);
    samples = gpu_part(samples, p_.N);
  }
  const int64_t grain_2 = std::clamp<int64_t>(kTaskBytes / (inner * bytes_), 1, at_once);
  const int64_t grain_3 =
      grain_2 < at_once ? 1 : std::clamp<int64_t>(kTaskBytes / (inner * at_once * bytes_), 1, samples);
  const auto same = [&](const Memory &memory) { return memory.base == to.base && memory.offset == to.offset; };
  for (int64_t n = 0; n < p_.N; n += samples) {
    for (int64_t first = 0; first < outer; first += at_once) {
      const auto data = [&](const Memory &memory, const NormStrides &t) {
        return Buffer(memory.at(n * t.n + first * outer_stride(t), bytes_), storage_,
                      {dim(inner, 1), dim(1, 1), dim(std::min(at_once, outer - first), outer_stride(t)),
                       dim(std::min(samples, p_.N - n), t.n)});
      };
      Buffer y = data(result, result_strides), dy = data(t_.grad_output, t_.grad_output_strides);
      Buffer g = data(to, strides);
      const int code = launch<NormRole::mask>(p_.dtype, y, dy, slope, same(result) || same(t_.grad_output),
                                              static_cast<int32_t>(grain_2), static_cast<int32_t>(grain_3), g);
      if (code != 0) return code;
    }
  }
  return 0;
}

/// Statistics of the channels of slabs, (j, t, b); a channel is a set, or statistics are per channel.
Buffer NormBackwardLaunch::slab_channels(const Memory &memory, const SlabView &v, const Pass &pass, int64_t channel,
                                         int64_t slab, int64_t count) const {
  return Buffer(of_channels(memory, pass).at(channel, sizeof(double)), kDoubleType,
                {dim(slab, 1), dim(count, slab), dim(v.b, p_.per_channel() ? 0 : p_.C)});
}

int NormBackwardLaunch::sums(const Pass &pass, const Memory &dy, const Memory &mean_hi, const PairMemory &to) {
  const int32_t per_set = static_cast<int32_t>(p_.channels_per_set());
  if (!plan_.across) {
    const RowView v = norm_sets_view(p_, pass.samples);
    Buffer x = rows(t_.input, p_.x, v, pass), g = rows(dy, p_.residual, v, pass);
    Buffer y = rows(result(dy), result_strides(), v, pass);
    Buffer mean = vector(of_sets(mean_hi, pass), v.g / per_set, v.b);
    Buffer s1 = row_blocks(to.first, v, pass), s2 = row_blocks(to.second, v, pass);
    return launch<NormRole::sums_cs_row>(p_.dtype, x, g, y, mean, p_.masked, scalars_.slope, per_set, plan_.block_s,
                                         plan_.block_r, plan_.blocks_per_task, plan_.block_sets, s1, s2);
  }
  const SlabView v = norm_slab_view(p_, pass.samples);
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    Buffer x = slabs(t_.input, p_.x, v, pass, channel, slab, count);
    Buffer g = slabs(dy, p_.residual, v, pass, channel, slab, count);
    Buffer y = slabs(result(dy), result_strides(), v, pass, channel, slab, count);
    Buffer mean = slab_statistic(mean_hi, v, pass, channel, slab, count);
    Buffer s1 = slab_chunks(to.first, v, pass, channel, slab, count);
    Buffer s2 = slab_chunks(to.second, v, pass, channel, slab, count);
    return launch<NormRole::sums_slab>(p_.dtype, x, g, y, mean, p_.masked, scalars_.slope, static_cast<int32_t>(v.S),
                                       per_set, plan_.chunk_r, plan_.slab_block_r, s1, s2);
  });
}

int NormBackwardLaunch::merge(const Pass &pass, const PairMemory &from, const PairMemory &to) {
  const Merge m = merged(pass);
  const auto blocks = [&](const Memory &memory) {
    return Buffer(memory, kDoubleType, {m.dims[0], m.dims[1], m.dims[2], m.dims[3]});
  };
  const auto of = [&](const Memory &memory) {
    return Buffer(of_channels(memory, pass), kDoubleType, {dim(m.sums, 1), dim(m.samples, m.sums)});
  };
  Buffer s1 = blocks(from.first), s2 = blocks(from.second), to_s1 = of(to.first), to_s2 = of(to.second);
  return launch<NormRole::sum_merge>(Dtype::f64, s1, s2, to_s1, to_s2);
}

int NormBackwardLaunch::copy_sums(const Memory &from, int64_t from_row, const Memory &to, int64_t to_row,
                                  const Memory &unused) {
  // As the merge of one block.
  const auto block = [&] { return Buffer(from, kDoubleType, {dim(1, 1), dim(1, 1), dim(p_.C, 1), dim(2, from_row)}); };
  Buffer s1 = block(), s2 = block();
  Buffer copy(to, kDoubleType, {dim(p_.C, 1), dim(2, to_row)}),
      beside(unused, kDoubleType, {dim(p_.C, 1), dim(2, p_.C)});
  return launch<NormRole::sum_merge>(Dtype::f64, s1, s2, copy, beside);
}

int NormBackwardLaunch::no_sums(const PairMemory &to) {
  const auto none = [&] { return Buffer(to.first, kDoubleType, {dim(0, 1), dim(0, 1), dim(p_.C, 1), dim(1, 1)}); };
  Buffer s1 = none(), s2 = none(), to_s1 = pairs(to.first), to_s2 = pairs(to.second);
  return launch<NormRole::sum_merge>(Dtype::f64, s1, s2, to_s1, to_s2);
}

int NormBackwardLaunch::fused(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st,
                              const PairMemory &to) {
  return norm_across(plan_) ? fused_slab(pass, dy, weight, st, to) : fused_row(pass, dy, weight, st, to);
}

int NormBackwardLaunch::fused_row(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st,
                                  const PairMemory &to) {
  const RowView v = norm_sets_view(p_, pass.samples);
  Buffer x = rows(t_.input, p_.x, v, pass), g = rows(dy, p_.residual, v, pass), dx = rows(t_.grad_input, p_.y, v, pass);
  Buffer y = rows(result(dy), result_strides(), v, pass);
  const auto of = [&](const Memory &memory) { return vector(of_sets(memory, pass), v.g, v.b); };
  Buffer hi = of(st.hi), lo = of(st.lo), spread = of(st.spread);
  Buffer w(weight.base != nullptr ? weight : any_, compute_, {dim(p_.C, weight.base != nullptr ? 1 : 0)});
  const auto sum = [&](const Memory &memory) {
    return Buffer(of_channels(memory, pass), kDoubleType, {dim(v.g, 1), dim(v.b, v.g)});
  };
  Buffer s1 = sum(to.first), s2 = sum(to.second);
  const auto launched = [&](auto kernel) {
    return kernel.function(call_, x, g, y, hi, lo, spread, w, st.has_lo, st.is_rstd, weight.base != nullptr, p_.masked,
                           scalars_.slope, p_.own_statistics, scalars_.eps, p_.in_place, plan_.block_s, plan_.block_r,
                           plan_.sets_per_task, s1, s2, dx);
  };
  return plan_.stream ? launched(find_kernel<NormRole::backward_cs_stream>(p_.dtype, variant_))
                      : launched(find_kernel<NormRole::backward_cs_row>(p_.dtype, variant_));
}

int NormBackwardLaunch::fused_each(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st,
                                   bool has_columns, const PairMemory &to) {
  const RowView v = norm_each_view(p_, pass.samples);
  const int64_t chunk = plan_.chunk_rows, first = pass.first / chunk, chunks = ceil_div(pass.samples, chunk);
  const auto data = [&](const Memory &memory, const NormStrides &t) { return row_sets(memory, t, v, pass, false); };
  Buffer x = data(t_.input, p_.x), g = data(dy, p_.residual), dx = data(t_.grad_input, p_.y);
  Buffer y = data(result(dy), result_strides());
  const auto of = [&](const Memory &memory) { return vector(of_sets(memory, pass), v.g, v.b); };
  Buffer hi = of(st.hi), lo = of(st.lo), spread = of(st.spread), w = of_values(weight, v);
  const auto columns = [&](const Memory &memory) {
    return Buffer(memory.at(first * p_.C, sizeof(double)), kDoubleType,
                  {dim(v.s, 1), dim(v.g, v.s), dim(chunks, p_.C)});
  };
  Buffer s1 = columns(to.first), s2 = columns(to.second);
  return launch<NormRole::backward_cs_each>(p_.dtype, x, g, y, hi, lo, spread, w, st.has_lo, st.is_rstd,
                                            weight.base != nullptr, p_.masked, scalars_.slope, has_columns,
                                            scalars_.eps, plan_.block_s, plan_.chunk_rows, s1, s2, dx);
}

int NormBackwardLaunch::merge_columns(const PairMemory &from, const PairMemory &to) {
  const auto columns = [&](const Memory &memory) {
    return Buffer(memory, kDoubleType, {dim(1, 1), dim(norm_chunks(p_, plan_), p_.C), dim(p_.C, 1), dim(1, 1)});
  };
  const auto of = [&](const Memory &memory) { return Buffer(memory, kDoubleType, {dim(p_.C, 1), dim(1, p_.C)}); };
  Buffer s1 = columns(from.first), s2 = columns(from.second), to_s1 = of(to.first), to_s2 = of(to.second);
  return launch<NormRole::sum_merge>(Dtype::f64, s1, s2, to_s1, to_s2);
}

int NormBackwardLaunch::columns_are(const PairMemory &sums, const Vector &weight, const Vector &bias) {
  // They are multiplied with rstd already: here it is 1.
  static constexpr double kOne = 1;
  static constexpr float kOneFloat = 1;
  const bool doubles = compute_bytes_ == static_cast<int64_t>(sizeof(double));
  const void *value = doubles ? static_cast<const void *>(&kOne) : &kOneFloat;
  Buffer one(Memory{weight.memory.device, const_cast<void *>(value), 0}, compute_, {dim(p_.C, 0), dim(1, 0)});
  const auto of = [&](const Memory &memory) { return Buffer(memory, kDoubleType, {dim(p_.C, 1), dim(1, p_.C)}); };
  const auto gradient = [&](const Vector &v) { return Buffer(v.memory, type_of(v.dtype), {dim(p_.C, 1)}); };
  Buffer s1 = of(sums.first), s2 = of(sums.second), dweight = gradient(weight), dbias = gradient(bias);
  return launch<NormRole::gradients>(weight.dtype, s1, s2, one, one, false, true, 0.0, 1, dweight, dbias);
}

int NormBackwardLaunch::fused_slab(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st,
                                   const PairMemory &to) {
  const SlabView v = norm_slab_view(p_, pass.samples);
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    const auto data = [&](const Memory &memory, const NormStrides &strides) {
      return slabs(memory, strides, v, pass, channel, slab, count);
    };
    const auto statistic = [&](const Memory &memory) { return slab_statistic(memory, v, pass, channel, slab, count); };
    Buffer x = data(t_.input, p_.x), g = data(dy, p_.residual), dx = data(t_.grad_input, p_.y);
    Buffer y = data(result(dy), result_strides());
    Buffer hi = statistic(st.hi), lo = statistic(st.lo), spread = statistic(st.spread);
    Buffer w = slab_parameters(weight, channel, slab, count);
    Buffer s1 = slab_channels(to.first, v, pass, channel, slab, count);
    Buffer s2 = slab_channels(to.second, v, pass, channel, slab, count);
    return launch<NormRole::backward_slab>(p_.dtype, x, g, y, hi, lo, spread, w, st.has_lo, st.is_rstd,
                                           weight.base != nullptr, p_.masked, scalars_.slope, p_.own_statistics,
                                           scalars_.eps, static_cast<int32_t>(v.S), plan_.slab_block_r, s1, s2, dx);
  });
}

int NormBackwardLaunch::coefficients(const PairMemory &sums, const Memory &weight, const Spreads &st,
                                     const Coefficients &to) {
  Buffer s1 = pairs(sums.first), s2 = pairs(sums.second), lo = statistics(st.lo), spread = statistics(st.spread);
  Buffer w(weight.base != nullptr ? weight : any_, compute_, {dim(p_.C, weight.base != nullptr ? 1 : 0)});
  // The counts are the first row of moments.
  const bool counted = t_.moments.exists;
  Buffer counts(counted ? t_.moments.memory : sums.first, kDoubleType, {dim(p_.C, counted ? 1 : 0)});
  Buffer scale(to.scale, compute_, {dim(p_.C, 1), dim(samples(), p_.C)});
  Buffer slope = statistics(to.slope), offset = statistics(to.offset), rstd = statistics(to.rstd);
  return launch<NormRole::coefficients>(compute_dtype(p_.dtype), s1, s2, lo, spread, w, counts, st.has_lo, st.is_rstd,
                                        weight.base != nullptr, counted, p_.own_statistics, scalars_.eps,
                                        static_cast<double>(values()), static_cast<int32_t>(p_.channels_per_set()),
                                        scale, slope, offset, rstd);
}

int NormBackwardLaunch::apply(const Pass &pass, const Memory &dy, const Spreads &st, const Coefficients &by) {
  return norm_across(plan_) ? apply_slab(pass, dy, st, by) : apply_row(pass, dy, st, by);
}

int NormBackwardLaunch::apply_row(const Pass &pass, const Memory &dy, const Spreads &st, const Coefficients &by) {
  const RowView v = norm_order_view(p_, pass.samples);
  Buffer x = rows(t_.input, p_.x, v, pass), g = rows(dy, p_.residual, v, pass), dx = rows(t_.grad_input, p_.y, v, pass);
  Buffer y = rows(result(dy), result_strides(), v, pass);
  const auto of = [&](const Memory &memory) { return vector(of_sets(memory, pass), v.g, v.statistics_b); };
  Buffer hi = of(st.hi), slope = of(by.slope), offset = of(by.offset);
  Buffer scale(p_.per_channel() ? by.scale : by.scale.at(pass.first * p_.C, compute_bytes_), compute_,
               {dim(v.r, 1), dim(v.g, v.r), dim(v.statistics_b, p_.C)});
  const auto launched = [&](auto kernel) {
    return kernel.function(call_, x, g, y, scale, hi, slope, offset, p_.masked, scalars_.slope, p_.in_place,
                           plan_.apply_sets, plan_.apply_samples, dx);
  };
  return plan_.stream ? launched(find_kernel<NormRole::dx_cs_stream>(p_.dtype, variant_))
                      : launched(find_kernel<NormRole::dx_cs_row>(p_.dtype, variant_));
}

int NormBackwardLaunch::apply_slab(const Pass &pass, const Memory &dy, const Spreads &st, const Coefficients &by) {
  const SlabView v = norm_slab_view(p_, pass.samples);
  const Memory of_pass = p_.per_channel() ? by.scale : by.scale.at(pass.first * p_.C, compute_bytes_);
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    const auto data = [&](const Memory &memory, const NormStrides &strides) {
      return slabs(memory, strides, v, pass, channel, slab, count);
    };
    const auto statistic = [&](const Memory &memory) { return slab_statistic(memory, v, pass, channel, slab, count); };
    Buffer x = data(t_.input, p_.x), g = data(dy, p_.residual), dx = data(t_.grad_input, p_.y);
    Buffer y = data(result(dy), result_strides());
    Buffer hi = statistic(st.hi), slope = statistic(by.slope), offset = statistic(by.offset);
    Buffer scale(of_pass.at(channel, compute_bytes_), compute_,
                 {dim(slab, 1), dim(count, slab), dim(v.b, p_.per_channel() ? 0 : p_.C)});
    const auto launched = [&](auto kernel) {
      return kernel.function(call_, x, g, y, scale, hi, slope, offset, p_.masked, scalars_.slope,
                             static_cast<int32_t>(v.S), static_cast<int32_t>(p_.channels_per_set()),
                             plan_.rows_per_task, dx);
    };
    return plan_.stream ? launched(find_kernel<NormRole::dx_sc_stream>(p_.dtype, variant_))
                        : launched(find_kernel<NormRole::dx_slab>(p_.dtype, variant_));
  });
}

int NormBackwardLaunch::scale(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st) {
  // The forward pass on dy, with means of 0.
  static constexpr double kZero = 0;
  const Memory zero = {dy.device, const_cast<double *>(&kZero), 0};
  const bool has_weight = weight.base != nullptr;
  const auto launched = [&](auto kernel, Buffer &g, Buffer &mean, Buffer &var, Buffer &w, auto... rest) {
    return kernel.function(call_, g, g, mean, mean, var, w, w, false, has_weight, false, false, false, scalars_.eps,
                           1.0, rest...);
  };
  if (!norm_across(plan_)) {
    const RowView v = norm_order_view(p_, pass.samples);
    Buffer g = rows(dy, p_.residual, v, pass), dx = rows(t_.grad_input, p_.y, v, pass);
    Buffer mean(zero, compute_, {dim(v.g, 0), dim(1, 0)}), var = vector(st.spread, v.g, 1),
                                                           w = vector(weight, v.r, v.g);
    const int32_t sets = plan_.apply_sets, samples = plan_.apply_samples;
    halide_buffer_t *to = dx;
    return plan_.stream ? launched(find_kernel<NormRole::apply_cs_stream>(p_.dtype, variant_), g, mean, var, w,
                                   p_.in_place, sets, samples, to)
                        : launched(find_kernel<NormRole::apply_cs_row>(p_.dtype, variant_), g, mean, var, w,
                                   p_.in_place, sets, samples, to);
  }
  const SlabView v = norm_slab_view(p_, pass.samples);
  Scratch zeros(call_, dy.device);
  if (!p_.gpu) {
    const int64_t bytes = int64_t{plan_.slab} * compute_bytes_;
    if (!zeros.acquire(bytes)) return halide_error_code_out_of_memory;
    std::memset(zeros.memory().base, 0, static_cast<size_t>(bytes));
  }
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    Buffer g = slabs(dy, p_.residual, v, pass, channel, slab, count);
    Buffer dx = slabs(t_.grad_input, p_.y, v, pass, channel, slab, count);
    Buffer mean(p_.gpu ? zero : zeros.memory(), compute_, {dim(slab, p_.gpu ? 0 : 1), dim(count, 0), dim(v.b, 0)});
    Buffer var = slab_statistic(st.spread, v, pass, channel, slab, count);
    Buffer w = slab_parameters(weight, channel, slab, count);
    halide_buffer_t *to = dx;
    const auto S = static_cast<int32_t>(v.S);
    return plan_.stream ? launched(find_kernel<NormRole::apply_sc_stream>(p_.dtype, variant_), g, mean, var, w, S, 1,
                                   plan_.rows_per_task, to)
                        : launched(find_kernel<NormRole::apply_slab>(p_.dtype, variant_), g, mean, var, w, S, 1,
                                   plan_.rows_per_task, to);
  });
}

int NormBackwardLaunch::gradients(const PairMemory &sums, const Spreads &st, const Vector &weight, const Vector &bias) {
  Buffer s1 = pairs(sums.first), s2 = pairs(sums.second), lo = statistics(st.lo), spread = statistics(st.spread);
  const auto gradient = [&](const Vector &v) { return Buffer(v.memory, type_of(v.dtype), {dim(p_.C, 1)}); };
  Buffer dweight = gradient(weight), dbias = gradient(bias);
  return launch<NormRole::gradients>(weight.dtype, s1, s2, lo, spread, st.has_lo, st.is_rstd, scalars_.eps,
                                     static_cast<int32_t>(p_.channels_per_set()), dweight, dbias);
}

}  // namespace halogen
