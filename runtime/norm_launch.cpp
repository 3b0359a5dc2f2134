#include "norm_launch.h"

namespace halogen {
namespace {

const halide_type_t kFloat(halide_type_float, 32);
const halide_type_t kDouble(halide_type_float, 64);

Buffer rows(const Memory &memory, const NormView &v) {
  return Buffer(memory, kFloat, {dim(v.s, 1), dim(v.r, v.row_stride), dim(v.g, v.set_stride), dim(1, v.set_stride)});
}

Buffer ordered(const Memory &memory, const NormOrder &o) {
  return Buffer(memory, kFloat, {dim(o.s, 1), dim(o.r, o.s), dim(o.g, o.r * o.s), dim(o.b, o.g * o.r * o.s)});
}

Buffer sets(const Memory &memory, int64_t count) { return Buffer(memory, kFloat, {dim(count, 1), dim(1, count)}); }

Buffer blocks(const Memory &memory, const BlockMemory &of, int64_t kr, int64_t count) {
  return Buffer(memory, kDouble,
                {dim(of.ks, 1), dim(kr, of.ks), dim(count, of.ks * of.kr_stored), dim(1, of.ks * of.kr_stored)});
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
                           : variant_of(call->context->options.isa)) {}

/// Weight or bias as (r, g); an absent one is never read, but must be memory.
Buffer NormLaunch::parameters(const Memory &memory, int64_t rows, int64_t sets) const {
  if (memory.base == nullptr) return Buffer(t_.input, kFloat, {dim(rows, 0), dim(sets, 0)});
  return Buffer(memory, kFloat, {dim(rows, 1), dim(sets, rows)});
}

int NormLaunch::fused_row(const NormView &v, const Memory &x, const Memory &y, const Statistics &own) {
  Buffer from = rows(x, v), out = rows(y, v);
  Buffer weight = parameters(t_.weight, v.parameter_rows, v.parameter_sets);
  Buffer bias = parameters(t_.bias, v.parameter_rows, v.parameter_sets);
  Buffer hi = sets(own.hi, v.g), lo = sets(own.lo, v.g), var = sets(own.var, v.g);
  const auto launched = [&](auto kernel) {
    return kernel.function(call_, from, weight, bias, t_.weight.base != nullptr, t_.bias.base != nullptr, scalars_.eps,
                           p_.in_place, plan_.block_s, plan_.block_r, plan_.sets_per_task, hi, lo, var, out);
  };
  return plan_.stream ? launched(norm_kernel<NormKernel::norm_fused_f32_cs_stream>(variant_))
                      : launched(norm_kernel<NormKernel::norm_fused_f32_cs_row>(variant_));
}

int NormLaunch::apply_row(const NormOrder &o, const Memory &x, const Memory &y, const Statistics &st) {
  Buffer from = ordered(x, o), out = ordered(y, o);
  Buffer weight = parameters(t_.weight, o.r, o.g), bias = parameters(t_.bias, o.r, o.g);
  const auto of = [&](const Memory &memory) { return Buffer(memory, kFloat, {dim(o.g, 1), dim(o.statistics, o.g)}); };
  Buffer hi = of(st.hi), lo = of(st.lo), var = of(st.var);
  const auto launched = [&](auto kernel) {
    return kernel.function(call_, from, hi, lo, var, weight, bias, st.has_lo, t_.weight.base != nullptr,
                           t_.bias.base != nullptr, scalars_.eps, p_.in_place, plan_.apply_sets, plan_.apply_samples,
                           out);
  };
  return plan_.stream ? launched(norm_kernel<NormKernel::norm_apply_f32_cs_stream>(variant_))
                      : launched(norm_kernel<NormKernel::norm_apply_f32_cs_row>(variant_));
}

/// Slabs of `slab` channels in one launch, the channels that are left in another: body(first channel, slab, slabs).
template <class Body>
int NormLaunch::each_slab(const Body &body) {
  const int64_t slab = plan_.slab, slabs = p_.C / slab, left = p_.C % slab;
  const int code = body(int64_t{0}, slab, slabs);
  return code != 0 || left == 0 ? code : body(slabs * slab, left, int64_t{1});
}

Buffer NormLaunch::slabs(const Memory &memory, int64_t channel, int64_t slab, int64_t count) const {
  return Buffer(memory.at(channel * p_.S, 4), kFloat,
                {dim(slab * p_.S, 1), dim(p_.N, p_.C * p_.S), dim(count, slab * p_.S)});
}

Buffer NormLaunch::channels(const Memory &memory, int64_t channel, int64_t slab, int64_t count) const {
  if (memory.base == nullptr) return Buffer(t_.input, kFloat, {dim(slab, 0), dim(count, 0)});
  return Buffer(memory.at(channel, 4), kFloat, {dim(slab, 1), dim(count, slab)});
}

int NormLaunch::fused_slab(const Statistics &own) {
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    Buffer x = slabs(t_.input, channel, slab, count), y = slabs(t_.output, channel, slab, count);
    Buffer weight = channels(t_.weight, channel, slab, count), bias = channels(t_.bias, channel, slab, count);
    Buffer hi = channels(own.hi, channel, slab, count), lo = channels(own.lo, channel, slab, count);
    Buffer var = channels(own.var, channel, slab, count);
    return launch<NormKernel::norm_fused_f32_cs_slab>(x, weight, bias, t_.weight.base != nullptr,
                                                      t_.bias.base != nullptr, scalars_.eps, static_cast<int32_t>(p_.S),
                                                      plan_.block_r, hi, lo, var, y);
  });
}

int NormLaunch::apply_slab(const Statistics &st) {
  return each_slab([&](int64_t channel, int64_t slab, int64_t count) {
    Buffer x = slabs(t_.input, channel, slab, count), y = slabs(t_.output, channel, slab, count);
    Buffer weight = channels(t_.weight, channel, slab, count), bias = channels(t_.bias, channel, slab, count);
    Buffer hi = channels(st.hi, channel, slab, count), lo = channels(st.lo, channel, slab, count);
    Buffer var = channels(st.var, channel, slab, count);
    return launch<NormKernel::norm_apply_f32_cs_slab>(x, hi, lo, var, weight, bias, st.has_lo,
                                                      t_.weight.base != nullptr, t_.bias.base != nullptr, scalars_.eps,
                                                      static_cast<int32_t>(p_.S), plan_.rows_per_task, y);
  });
}

int NormLaunch::partial(const NormView &v, const Memory &x, const BlockMemory &to, int64_t kr) {
  Buffer from = rows(x, v);
  Buffer mean = blocks(to.mean, to, kr, v.g), m2 = blocks(to.m2, to, kr, v.g);
  return launch<NormKernel::norm_partial_f32_cs_row>(from, plan_.block_s, plan_.block_r, plan_.blocks_per_task, mean,
                                                     m2);
}

int NormLaunch::merge(const NormView &v, const BlockMemory &from, int64_t kr, const Statistics &to) {
  Buffer mean = blocks(from.mean, from, kr, v.g), m2 = blocks(from.m2, from, kr, v.g);
  Buffer hi = sets(to.hi, v.g), lo = sets(to.lo, v.g), var = sets(to.var, v.g);
  return launch<NormKernel::norm_merge_f32>(mean, m2, static_cast<int32_t>(v.s), static_cast<int32_t>(v.r),
                                            plan_.block_s, plan_.block_r, hi, lo, var);
}

int NormLaunch::running(const Statistics &own) {
  const bool batch = p_.scope == HALOGEN_NORM_SCOPE_BATCH;
  const int64_t repeats = batch ? 1 : p_.N;
  const double values = static_cast<double>(p_.S) * static_cast<double>(batch ? p_.N : 1);
  const auto view_of = [&](const Memory &memory) { return Buffer(memory, kFloat, {dim(p_.C, 1), dim(repeats, p_.C)}); };
  Buffer hi = view_of(own.hi), lo = view_of(own.lo), var = view_of(own.var);
  Buffer mean_in(t_.running_mean, kFloat, {dim(p_.C, 1)}), mean_out(t_.running_mean, kFloat, {dim(p_.C, 1)});
  Buffer var_in(t_.running_var, kFloat, {dim(p_.C, 1)}), var_out(t_.running_var, kFloat, {dim(p_.C, 1)});
  const double correction = scalars_.running_var_unbiased ? values / (values - 1) : 1.0;
  return launch<NormKernel::norm_running_f32>(hi, lo, var, mean_in, var_in, scalars_.running_weight, correction,
                                              mean_out, var_out);
}

}  // namespace halogen
