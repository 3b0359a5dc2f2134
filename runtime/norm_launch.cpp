#include "norm_launch.h"

namespace halogen {
NormLaunch::NormLaunch(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
                       const NormScalars &scalars)
    : NormBuffers(call, problem, plan, tensors.input), t_(tensors), scalars_(scalars) {}

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
                           parameters.bias.base != nullptr, has_residual, p_.epilogue, scalars_.eps, scalars_.slope,
                           p_.in_place, plan_.block_s, plan_.block_r, plan_.sets_per_task, hi, lo, var, y);
  };
  return plan_.stream ? launched(find_kernel<NormRole::fused_cs_stream>(p_.dtype, variant_))
                      : launched(find_kernel<NormRole::fused_cs_row>(p_.dtype, variant_));
}

int NormLaunch::fused_each(const Pass &pass, const Parameters &parameters, const Statistics &own) {
  const RowView v = norm_each_view(p_, pass.samples);
  const bool has_residual = t_.residual.base != nullptr;
  Buffer x = row_sets(t_.input, p_.x, v, pass, true), y = row_sets(t_.output, p_.y, v, pass, true);
  Buffer residual = row_sets(has_residual ? t_.residual : t_.input, p_.residual, v, pass, true);
  Buffer weight = of_values(parameters.weight, v), bias = of_values(parameters.bias, v);
  Buffer hi = vector(of_sets(own.hi, pass), v.g, v.b), lo = vector(of_sets(own.lo, pass), v.g, v.b);
  Buffer var = vector(of_sets(own.var, pass), v.g, v.b);
  const auto launched = [&](auto kernel) {
    return kernel.function(call_, x, residual, weight, bias, parameters.weight.base != nullptr,
                           parameters.bias.base != nullptr, has_residual, p_.epilogue, scalars_.eps, scalars_.slope,
                           p_.in_place, plan_.block_s, 1, plan_.sets_per_task, hi, lo, var, y);
  };
  return plan_.stream ? launched(find_kernel<NormRole::fused_cs_each_stream>(p_.dtype, variant_))
                      : launched(find_kernel<NormRole::fused_cs_each>(p_.dtype, variant_));
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
                           parameters.bias.base != nullptr, has_residual, p_.epilogue, scalars_.eps, scalars_.slope,
                           p_.in_place, plan_.apply_sets, plan_.apply_samples, y);
  };
  return plan_.stream ? launched(find_kernel<NormRole::apply_cs_stream>(p_.dtype, variant_))
                      : launched(find_kernel<NormRole::apply_cs_row>(p_.dtype, variant_));
}

template <class Kernel>
int NormLaunch::each_slab_of(const Pass &pass, const Parameters &parameters, const Statistics &st,
                             const Kernel &kernel) {
  const SlabView v = norm_slab_view(p_, pass.samples);
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    const auto data = [&](const Memory &memory, const NormStrides &strides) {
      return slabs(memory, strides, v, pass, channel, slab, count);
    };
    const auto of_channels = [&](const Memory &memory) { return slab_parameters(memory, channel, slab, count); };
    const auto statistic = [&](const Memory &memory) { return slab_statistic(memory, v, pass, channel, slab, count); };
    const bool has_residual = t_.residual.base != nullptr;
    return kernel(
        v, {data(t_.input, p_.x), data(has_residual ? t_.residual : t_.input, p_.residual), data(t_.output, p_.y),
            of_channels(parameters.weight), of_channels(parameters.bias), statistic(st.hi), statistic(st.lo),
            statistic(st.var), parameters.weight.base != nullptr, parameters.bias.base != nullptr, has_residual});
  });
}

int NormLaunch::fused_slab(const Pass &pass, const Parameters &parameters, const Statistics &own) {
  return each_slab_of(pass, parameters, own, [&](const SlabView &v, SlabArguments a) {
    return launch<NormRole::fused_slab>(p_.dtype, a.x, a.residual, a.weight, a.bias, a.has_weight, a.has_bias,
                                        a.has_residual, p_.epilogue, scalars_.eps, scalars_.slope,
                                        static_cast<int32_t>(v.S), static_cast<int32_t>(v.width / v.S),
                                        plan_.slab_block_r, a.hi, a.lo, a.var, a.y);
  });
}

int NormLaunch::apply_slab(const Pass &pass, const Parameters &parameters, const Statistics &st) {
  return each_slab_of(pass, parameters, st, [&](const SlabView &v, SlabArguments a) {
    const auto launched = [&](auto kernel) {
      return kernel.function(call_, a.x, a.residual, a.hi, a.lo, a.var, a.weight, a.bias, st.has_lo, a.has_weight,
                             a.has_bias, a.has_residual, p_.epilogue, scalars_.eps, scalars_.slope,
                             static_cast<int32_t>(v.S), static_cast<int32_t>(p_.channels_per_set()),
                             plan_.rows_per_task, a.y);
    };
    return plan_.stream ? launched(find_kernel<NormRole::apply_sc_stream>(p_.dtype, variant_))
                        : launched(find_kernel<NormRole::apply_slab>(p_.dtype, variant_));
  });
}

int NormLaunch::partial_slab(const Pass &pass, const PairMemory &to) {
  const SlabView v = norm_slab_view(p_, pass.samples);
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    Buffer x = slabs(t_.input, p_.x, v, pass, channel, slab, count);
    Buffer mean = slab_chunks(to.first, v, pass, channel, slab, count);
    Buffer m2 = slab_chunks(to.second, v, pass, channel, slab, count);
    return launch<NormRole::partial_slab>(p_.dtype, x, static_cast<int32_t>(v.width), plan_.chunk_r, plan_.slab_block_r,
                                          mean, m2);
  });
}

int NormLaunch::fused(const Pass &pass, const Parameters &parameters, const Statistics &own) {
  if (plan_.each) return fused_each(pass, parameters, own);
  return norm_across(plan_) ? fused_slab(pass, parameters, own) : fused_row(pass, parameters, own);
}

int NormLaunch::apply(const Pass &pass, const Parameters &parameters, const Statistics &st) {
  return norm_across(plan_) ? apply_slab(pass, parameters, st) : apply_row(pass, parameters, st);
}

int NormLaunch::partial(const Pass &pass, const PairMemory &to) {
  if (plan_.across) return partial_slab(pass, to);
  const RowView v = norm_sets_view(p_, pass.samples);
  Buffer x = rows(t_.input, p_.x, v, pass), mean = row_blocks(to.first, v, pass), m2 = row_blocks(to.second, v, pass);
  return launch<NormRole::partial_cs_row>(p_.dtype, x, plan_.block_s, plan_.block_r, plan_.blocks_per_task,
                                          plan_.block_sets, mean, m2);
}

int NormLaunch::merge(const Pass &pass, const PairMemory &from, const Statistics &to) {
  const Merge m = merged(pass);
  const auto blocks = [&](const Memory &memory) {
    return Buffer(memory, kDoubleType, {m.dims[0], m.dims[1], m.dims[2], m.dims[3]});
  };
  const auto of = [&](const Memory &memory) { return vector(of_sets(memory, pass), m.sums, m.samples); };
  Buffer mean = blocks(from.first), m2 = blocks(from.second);
  Buffer hi = of(to.hi), lo = of(to.lo), var = of(to.var);
  return launch<NormRole::merge>(compute_dtype(p_.dtype), mean, m2, static_cast<int32_t>(m.S),
                                 static_cast<int32_t>(m.R), static_cast<int32_t>(m.block_s),
                                 static_cast<int32_t>(m.block_r), hi, lo, var);
}

int NormLaunch::moments(const PairMemory &from, const Memory &to) {
  const Merge m = merged({0, p_.N});
  Buffer mean(from.first, kDoubleType, {m.dims[0], m.dims[1], m.dims[2], m.dims[3]});
  Buffer m2(from.second, kDoubleType, {m.dims[0], m.dims[1], m.dims[2], m.dims[3]});
  Buffer all(to, kDoubleType, {dim(p_.C, 1), dim(3, p_.C)});
  return launch<NormRole::moments>(Dtype::f64, mean, m2, static_cast<int32_t>(m.S), static_cast<int32_t>(m.R),
                                   static_cast<int32_t>(m.block_s), static_cast<int32_t>(m.block_r), all);
}

int NormLaunch::given(const Statistics &to, const Memory &running_var) {
  const auto vectors = [&](const Memory &memory) { return Buffer(memory, compute_, {dim(p_.C, 1)}); };
  Buffer all(t_.moments.memory, kDoubleType, {dim(p_.C, 1), dim(3, p_.C)});
  Buffer hi = vectors(to.hi), lo = vectors(to.lo), var = vectors(to.var), running = vectors(running_var);
  return launch<NormRole::given>(compute_dtype(p_.dtype), all, scalars_.running_var_unbiased, hi, lo, var, running);
}

int NormLaunch::running(const Statistics &own) {
  const double values = static_cast<double>(p_.S) * static_cast<double>(p_.per_channel() ? p_.N : 1);
  return running(own, own.var, scalars_.running_var_unbiased ? values / (values - 1) : 1.0);
}

int NormLaunch::running(const Statistics &of, const Memory &running_var, double correction) {
  const int64_t repeats = p_.per_channel() ? 1 : p_.N;
  const Dtype dtype = t_.running_mean.dtype;
  const auto statistics = [&](const Memory &memory) { return vector(memory, p_.C, repeats); };
  const auto vectors = [&](const Vector &v) { return Buffer(v.memory, type_of(dtype), {dim(p_.C, 1)}); };
  Buffer hi = statistics(of.hi), lo = statistics(of.lo), var = statistics(running_var);
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

int NormLaunch::convert(Parameters *parameters, Statistics *given, Scratch *scratch) {
  given->has_lo = false;
  const int code = NormBuffers::convert({{t_.weight, p_.C, &parameters->weight},
                                         {t_.bias, p_.C, &parameters->bias},
                                         {t_.mean, p_.C, &given->hi},
                                         {t_.var, p_.C, &given->var}},
                                        scratch);
  given->lo = given->hi;
  return code;
}

}  // namespace halogen
