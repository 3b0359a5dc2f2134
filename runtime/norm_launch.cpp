#include "norm_launch.h"

namespace halogen {
namespace {

const halide_type_t kDouble(halide_type_float, 64);

halide_type_t type_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32:
      return halide_type_t(halide_type_float, 32);
    case Dtype::f64:
      return kDouble;
    default:
      return halide_type_t(halide_type_uint, 16);
  }
}

}  // namespace

NormLaunch::NormLaunch(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
                       const NormScalars &scalars)
    : call_(call),
      p_(problem),
      plan_(plan),
      t_(tensors),
      scalars_(scalars),
      variant_(problem.gpu ? (gpu_device_type() == kDLCUDA ? Variant::cuda : Variant::opencl)
                           : variant_of(call->context->options.isa)),
      storage_(type_of(problem.dtype)),
      compute_(type_of(compute_dtype(problem.dtype))),
      bytes_(dtype_bytes(problem.dtype)),
      compute_bytes_(dtype_bytes(compute_dtype(problem.dtype))),
      sets_(problem.C / problem.channels_per_set()) {}

/// A vector as (inner, outer); an absent one is never read, but must be memory: any.
Buffer NormLaunch::vector(const Memory &memory, int64_t inner, int64_t outer) const {
  if (memory.base == nullptr) return Buffer(t_.input, compute_, {dim(inner, 0), dim(outer, 0)});
  return Buffer(memory, compute_, {dim(inner, 1), dim(outer, inner)});
}

/// The statistics of a pass.
Memory NormLaunch::of_sets(const Memory &memory, const Pass &pass) const {
  return p_.per_channel() ? memory : memory.at(pass.first * sets_, compute_bytes_);
}

// ---- lanes along rows

Buffer NormLaunch::rows(const Memory &memory, const NormStrides &strides, const RowView &v, const Pass &pass) const {
  const RowView::Strides to = strides_of(p_, v, strides);
  return Buffer(memory.at(pass.first * strides.n, bytes_), storage_,
                {dim(v.s, 1), dim(v.r, to.r), dim(v.g, to.g), dim(v.b, to.b)});
}

int NormLaunch::fused_row(const Pass &pass, const Parameters &parameters, const Statistics &own) {
  const RowView v = norm_sets_view(p_, pass.samples);
  const bool has_residual = t_.residual.base != nullptr;
  Buffer x = rows(t_.input, p_.x, v, pass), y = rows(t_.output, p_.y, v, pass);
  Buffer residual = rows(has_residual ? t_.residual : t_.input, p_.residual, v, pass);
  Buffer weight = vector(parameters.weight, v.parameter_rows, v.parameter_sets);
  Buffer bias = vector(parameters.bias, v.parameter_rows, v.parameter_sets);
  Buffer hi = vector(of_sets(own.hi, pass), v.g, v.b), lo = vector(of_sets(own.lo, pass), v.g, v.b);
  Buffer var = vector(of_sets(own.var, pass), v.g, v.b);
  const auto launched = [&](auto kernel) {
    return kernel.function(call_, x, residual, weight, bias, parameters.weight.base != nullptr,
                           parameters.bias.base != nullptr, has_residual, scalars_.eps, scalars_.slope, p_.in_place,
                           plan_.block_s, plan_.block_r, plan_.sets_per_task, hi, lo, var, y);
  };
  if (plan_.stream) {
    return p_.epilogue ? launched(find_kernel<NormRole::fused_cs_stream_act>(p_.dtype, variant_))
                       : launched(find_kernel<NormRole::fused_cs_stream>(p_.dtype, variant_));
  }
  return p_.epilogue ? launched(find_kernel<NormRole::fused_cs_row_act>(p_.dtype, variant_))
                     : launched(find_kernel<NormRole::fused_cs_row>(p_.dtype, variant_));
}

int NormLaunch::apply_row(const Pass &pass, const Parameters &parameters, const Statistics &st) {
  const RowView v = norm_order_view(p_, pass.samples);
  const bool has_residual = t_.residual.base != nullptr;
  Buffer x = rows(t_.input, p_.x, v, pass), y = rows(t_.output, p_.y, v, pass);
  Buffer residual = rows(has_residual ? t_.residual : t_.input, p_.residual, v, pass);
  Buffer weight = vector(parameters.weight, v.r, v.g), bias = vector(parameters.bias, v.r, v.g);
  Buffer hi = vector(of_sets(st.hi, pass), v.g, v.statistics_b), lo = vector(of_sets(st.lo, pass), v.g, v.statistics_b);
  Buffer var = vector(of_sets(st.var, pass), v.g, v.statistics_b);
  const auto launched = [&](auto kernel) {
    return kernel.function(call_, x, residual, hi, lo, var, weight, bias, st.has_lo, parameters.weight.base != nullptr,
                           parameters.bias.base != nullptr, has_residual, scalars_.eps, scalars_.slope, p_.in_place,
                           plan_.apply_sets, plan_.apply_samples, y);
  };
  if (plan_.stream) {
    return p_.epilogue ? launched(find_kernel<NormRole::apply_cs_stream_act>(p_.dtype, variant_))
                       : launched(find_kernel<NormRole::apply_cs_stream>(p_.dtype, variant_));
  }
  return p_.epilogue ? launched(find_kernel<NormRole::apply_cs_row_act>(p_.dtype, variant_))
                     : launched(find_kernel<NormRole::apply_cs_row>(p_.dtype, variant_));
}

// ---- lanes across channels

/// Slabs of `slab` channels in one launch, the channels that are left in another: body(first channel, slab, slabs).
template <class Body>
int NormLaunch::each_slab(const Body &body) {
  const int64_t slab = plan_.slab, slabs = p_.C / slab, left = p_.C % slab;
  const int code = body(int64_t{0}, slab, slabs);
  return code != 0 || left == 0 ? code : body(slabs * slab, left, int64_t{1});
}

Buffer NormLaunch::slabs(const Memory &memory, const NormStrides &strides, const SlabView &v, const Pass &pass,
                         int64_t channel, int64_t slab, int64_t count) const {
  const SlabView::Strides to = strides_of(p_, v, strides);
  return Buffer(memory.at(pass.first * strides.n + channel * to.channel, bytes_), storage_,
                {dim(slab * v.S, 1), dim(v.r, to.r), dim(count, slab * to.channel), dim(v.b, to.b)});
}

/// Statistics of slabs, (q, t, b); where they are per channel, the same for all b.
Buffer NormLaunch::slab_statistic(const Memory &memory, const SlabView &v, const Pass &pass, int64_t channel,
                                  int64_t slab, int64_t count) const {
  const int64_t per_set = p_.channels_per_set();
  return Buffer(of_sets(memory, pass).at(channel / per_set, compute_bytes_), compute_,
                {dim(slab / per_set, 1), dim(count, slab / per_set), dim(v.b, p_.per_channel() ? 0 : sets_)});
}

int NormLaunch::fused_slab(const Pass &pass, const Parameters &parameters, const Statistics &own) {
  const SlabView v = norm_slab_view(p_, pass.samples);
  const bool has_residual = t_.residual.base != nullptr;
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    const auto data = [&](const Memory &memory, const NormStrides &strides) {
      return slabs(memory, strides, v, pass, channel, slab, count);
    };
    const auto of_channels = [&](const Memory &memory) {
      return vector(memory.base != nullptr ? memory.at(channel, compute_bytes_) : memory, slab, count);
    };
    const auto statistic = [&](const Memory &memory) { return slab_statistic(memory, v, pass, channel, slab, count); };
    Buffer x = data(t_.input, p_.x), y = data(t_.output, p_.y);
    Buffer residual = data(has_residual ? t_.residual : t_.input, p_.residual);
    Buffer weight = of_channels(parameters.weight), bias = of_channels(parameters.bias);
    Buffer hi = statistic(own.hi), lo = statistic(own.lo), var = statistic(own.var);
    const auto launched = [&](auto kernel) {
      return kernel.function(call_, x, residual, weight, bias, parameters.weight.base != nullptr,
                             parameters.bias.base != nullptr, has_residual, scalars_.eps, scalars_.slope,
                             static_cast<int32_t>(v.S), static_cast<int32_t>(v.width), plan_.slab_block_r, hi, lo, var,
                             y);
    };
    return p_.epilogue ? launched(find_kernel<NormRole::fused_slab_act>(p_.dtype, variant_))
                       : launched(find_kernel<NormRole::fused_slab>(p_.dtype, variant_));
  });
}

int NormLaunch::apply_slab(const Pass &pass, const Parameters &parameters, const Statistics &st) {
  const SlabView v = norm_slab_view(p_, pass.samples);
  const bool has_residual = t_.residual.base != nullptr;
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    const auto data = [&](const Memory &memory, const NormStrides &strides) {
      return slabs(memory, strides, v, pass, channel, slab, count);
    };
    const auto of_channels = [&](const Memory &memory) {
      return vector(memory.base != nullptr ? memory.at(channel, compute_bytes_) : memory, slab, count);
    };
    const auto statistic = [&](const Memory &memory) { return slab_statistic(memory, v, pass, channel, slab, count); };
    Buffer x = data(t_.input, p_.x), y = data(t_.output, p_.y);
    Buffer residual = data(has_residual ? t_.residual : t_.input, p_.residual);
    Buffer weight = of_channels(parameters.weight), bias = of_channels(parameters.bias);
    Buffer hi = statistic(st.hi), lo = statistic(st.lo), var = statistic(st.var);
    const auto launched = [&](auto kernel) {
      return kernel.function(call_, x, residual, hi, lo, var, weight, bias, st.has_lo,
                             parameters.weight.base != nullptr, parameters.bias.base != nullptr, has_residual,
                             scalars_.eps, scalars_.slope, static_cast<int32_t>(v.S),
                             static_cast<int32_t>(p_.channels_per_set()), plan_.rows_per_task, y);
    };
    return p_.epilogue ? launched(find_kernel<NormRole::apply_slab_act>(p_.dtype, variant_))
                       : launched(find_kernel<NormRole::apply_slab>(p_.dtype, variant_));
  });
}

int NormLaunch::partial_slab(const Pass &pass, const BlockMemory &to) {
  const SlabView v = norm_slab_view(p_, pass.samples);
  const NormBlocks all = norm_blocks(p_, plan_);
  // Only where all rows follow each other has a later pass its chunks in the same sample.
  const int64_t first = !p_.per_channel() ? 0 : v.b == 1 ? pass.first / plan_.chunk_r : pass.first * all.down;
  const int64_t chunks = (v.r + plan_.chunk_r - 1) / plan_.chunk_r, per_set = p_.channels_per_set();
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    const auto moments = [&](const Memory &memory) {
      return Buffer(
          memory.at(first * sets_ + channel / per_set, sizeof(double)), kDouble,
          {dim(slab / per_set, 1), dim(chunks, sets_), dim(count, slab / per_set), dim(v.b, sets_ * all.down)});
    };
    Buffer x = slabs(t_.input, p_.x, v, pass, channel, slab, count);
    Buffer mean = moments(to.mean), m2 = moments(to.m2);
    return launch<NormRole::partial_slab>(p_.dtype, x, static_cast<int32_t>(v.width), plan_.chunk_r, plan_.slab_block_r,
                                          mean, m2);
  });
}

// ---- both

int NormLaunch::fused(const Pass &pass, const Parameters &parameters, const Statistics &own) {
  return norm_across(plan_) ? fused_slab(pass, parameters, own) : fused_row(pass, parameters, own);
}

int NormLaunch::apply(const Pass &pass, const Parameters &parameters, const Statistics &st) {
  return norm_across(plan_) ? apply_slab(pass, parameters, st) : apply_row(pass, parameters, st);
}

int NormLaunch::partial(const Pass &pass, const BlockMemory &to) {
  if (plan_.across) return partial_slab(pass, to);
  const RowView v = norm_sets_view(p_, pass.samples);
  const NormBlocks all = norm_blocks(p_, plan_);
  const int64_t down = (v.r + plan_.block_r - 1) / plan_.block_r;
  const int64_t first = p_.per_channel() ? pass.first / plan_.block_r * all.along : 0;
  const auto moments = [&](const Memory &memory) {
    return Buffer(memory.at(first, sizeof(double)), kDouble,
                  {dim(all.along, 1), dim(down, all.along), dim(v.g, all.along * all.down),
                   dim(v.b, all.along * all.down * v.g)});
  };
  Buffer x = rows(t_.input, p_.x, v, pass), mean = moments(to.mean), m2 = moments(to.m2);
  return launch<NormRole::partial_cs_row>(p_.dtype, x, plan_.block_s, plan_.block_r, plan_.blocks_per_task, mean, m2);
}

int NormLaunch::merge(const Pass &pass, const BlockMemory &from, const Statistics &to) {
  int64_t S, R, block_s, block_r, g, b;
  NormBlocks all = norm_blocks(p_, plan_);
  halide_dimension_t down, sets, samples;
  if (plan_.across) {
    const SlabView v = norm_slab_view(p_, pass.samples);
    S = block_s = v.width;
    R = v.r * (v.merged ? v.b : 1);
    block_r = plan_.chunk_r;
    g = sets_;
    b = v.merged ? 1 : v.b;
    down = dim(all.down * (v.merged ? v.b : 1), sets_);
    sets = dim(g, 1);
    samples = dim(b, sets_ * all.down);
  } else {
    const RowView v = norm_sets_view(p_, pass.samples);
    S = v.s;
    R = v.r;
    block_s = plan_.block_s;
    block_r = plan_.block_r;
    g = v.g;
    b = v.b;
    down = dim(all.down, all.along);
    sets = dim(g, all.along * all.down);
    samples = dim(b, all.along * all.down * g);
  }
  const auto moments = [&](const Memory &memory) {
    return Buffer(memory, kDouble, {dim(all.along, 1), down, sets, samples});
  };
  Buffer mean = moments(from.mean), m2 = moments(from.m2);
  Buffer hi = vector(of_sets(to.hi, pass), g, b), lo = vector(of_sets(to.lo, pass), g, b);
  Buffer var = vector(of_sets(to.var, pass), g, b);
  return launch<NormRole::merge>(compute_dtype(p_.dtype), mean, m2, static_cast<int32_t>(S), static_cast<int32_t>(R),
                                 static_cast<int32_t>(block_s), static_cast<int32_t>(block_r), hi, lo, var);
}

int NormLaunch::running(const Statistics &own) {
  const int64_t repeats = p_.per_channel() ? 1 : p_.N;
  const double values = static_cast<double>(p_.S) * static_cast<double>(p_.per_channel() ? p_.N : 1);
  const double correction = scalars_.running_var_unbiased ? values / (values - 1) : 1.0;
  const Dtype dtype = t_.running_mean.dtype;
  const auto statistics = [&](const Memory &memory) { return vector(memory, p_.C, repeats); };
  const auto vectors = [&](const Vector &v) { return Buffer(v.memory, type_of(dtype), {dim(p_.C, 1)}); };
  Buffer hi = statistics(own.hi), lo = statistics(own.lo), var = statistics(own.var);
  Buffer mean_in = vectors(t_.running_mean), mean_out = vectors(t_.running_mean);
  Buffer var_in = vectors(t_.running_var), var_out = vectors(t_.running_var);
  return launch<NormRole::running>(dtype, hi, lo, var, mean_in, var_in, scalars_.running_weight, correction, mean_out,
                                   var_out);
}

int NormLaunch::save(const Statistics &own) {
  const int64_t count = norm_sets(p_);
  const auto vectors = [&](const Memory &memory) { return Buffer(memory, compute_, {dim(count, 1)}); };
  Buffer hi = vectors(own.hi), var = vectors(own.var);
  Buffer mean = vectors(t_.saved_mean.memory), rstd = vectors(t_.saved_rstd.memory);
  return launch<NormRole::save>(compute_dtype(p_.dtype), hi, var, scalars_.eps, mean, rstd);
}

int NormLaunch::convert(const Vector &from, int64_t length, const Memory &to) {
  Buffer stored(from.memory, type_of(from.dtype), {dim(length, 1)}), value(to, compute_, {dim(length, 1)});
  return launch<NormRole::convert>(from.dtype, stored, value);
}

}  // namespace halogen
