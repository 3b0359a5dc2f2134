// Which kernels a plan runs, by name.
#include "norm_backward.h"
#include "norm_kernels.h"
#include "ran.h"

namespace halogen {
namespace {

struct Names : KernelNames {
  Variant variant;

  Names(Variant of, char *to, size_t size_of_it) : KernelNames(to, size_of_it), variant(of) {}
  using KernelNames::add;
  template <NormRole role>
  void add(const char *role_name, Dtype dtype) {
    add(find_kernel<role>(dtype, variant).name, role_name);
  }
};

}  // namespace

#define HALOGEN_ADD(role, dtype) all.add<NormRole::role>(#role, dtype)
#define HALOGEN_ADD_ROWS(role) \
  plan.stream ? HALOGEN_ADD(role##_cs_stream, p.dtype) : HALOGEN_ADD(role##_cs_row, p.dtype)
#define HALOGEN_ADD_FUSED(role) \
  plan.each ? HALOGEN_ADD(role##_cs_each, p.dtype) : across ? HALOGEN_ADD(role##_slab, p.dtype) : HALOGEN_ADD_ROWS(role)
#define HALOGEN_ADD_APPLIED(role)                        \
  !across       ? HALOGEN_ADD_ROWS(role)                 \
  : plan.stream ? HALOGEN_ADD(role##_sc_stream, p.dtype) \
                : HALOGEN_ADD(role##_slab, p.dtype)

bool norm_kernel_names(const NormProblem &p, const NormPlan &plan, const NormTensors &t, halogen_isa isa, char *names,
                       size_t size, const char **missing) {
  Names all(norm_variant(p.gpu, isa), names, size);
  for (const Vector *v : {&t.weight, &t.bias, &t.mean, &t.var}) {
    if (v->exists && v->dtype != compute_dtype(p.dtype)) HALOGEN_ADD(convert, v->dtype);
  }
  const bool fused = p.own_statistics && plan.path != HALOGEN_NORM_PATH_SPLIT;
  if (p.own_statistics && !fused) {
    plan.across ? HALOGEN_ADD(partial_slab, p.dtype) : HALOGEN_ADD(partial_cs_row, p.dtype);
    HALOGEN_ADD(merge, compute_dtype(p.dtype));
  }
  if (t.moments.exists) HALOGEN_ADD(given, compute_dtype(p.dtype));
  const bool across = norm_across(plan);
  if (p.values() > 0 && plan.each && plan.stream) {
    HALOGEN_ADD(fused_cs_each_stream, p.dtype);
  } else if (p.values() > 0) {
    fused ? HALOGEN_ADD_FUSED(fused) : HALOGEN_ADD_APPLIED(apply);
  }
  if (t.saved_mean.exists) HALOGEN_ADD(save, compute_dtype(p.dtype));
  if (t.running_mean.exists) HALOGEN_ADD(running, t.running_mean.dtype);
  *missing = all.missing;
  return all.missing == nullptr;
}

bool norm_moments_kernel_names(const NormProblem &p, const NormPlan &plan, halogen_isa isa, char *names, size_t size,
                               const char **missing) {
  Names all(norm_variant(p.gpu, isa), names, size);
  if (p.values() > 0) {
    plan.across ? HALOGEN_ADD(partial_slab, p.dtype) : HALOGEN_ADD(partial_cs_row, p.dtype);
    HALOGEN_ADD(moments, Dtype::f64);
  } else {
    HALOGEN_ADD(join, Dtype::f64);
  }
  *missing = all.missing;
  return all.missing == nullptr;
}

const char *norm_join_name(Variant variant) { return find_kernel<NormRole::join>(Dtype::f64, variant).name; }

Variant norm_variant(bool gpu, halogen_isa isa) {
  return gpu ? (gpu_device_type() == kDLCUDA ? Variant::cuda : Variant::opencl) : variant_of(isa);
}

bool norm_can_stream(const NormProblem &p, const NormPlan &plan, halogen_isa isa) {
  const Variant variant = variant_of(isa);
  const auto has = [&](auto kernel) { return kernel.function != nullptr; };
  const bool fused = p.reduces() && plan.path != HALOGEN_NORM_PATH_SPLIT;
  if (norm_across(plan)) {
    return p.backward ? has(find_kernel<NormRole::dx_sc_stream>(p.dtype, variant))
                      : has(find_kernel<NormRole::apply_sc_stream>(p.dtype, variant));
  }
  if (p.backward) {
    return fused ? has(find_kernel<NormRole::backward_cs_stream>(p.dtype, variant))
                 : has(find_kernel<NormRole::dx_cs_stream>(p.dtype, variant));
  }
  if (plan.each) return has(find_kernel<NormRole::fused_cs_each_stream>(p.dtype, variant));
  return fused ? has(find_kernel<NormRole::fused_cs_stream>(p.dtype, variant))
               : has(find_kernel<NormRole::apply_cs_stream>(p.dtype, variant));
}

bool norm_backward_kernel_names(const NormProblem &p, const NormPlan &plan, const NormBackwardTensors &t,
                                const NormBackwardSteps &steps, halogen_isa isa, char *names, size_t size,
                                const char **missing) {
  Names all(norm_variant(p.gpu, isa), names, size);
  const Dtype compute = compute_dtype(p.dtype);
  for (const Vector *v : {&t.weight, &t.mean, &t.spread}) {
    if (v->exists && v->dtype != compute) HALOGEN_ADD(convert, v->dtype);
  }
  if (steps.masked > NormBackwardSteps::Masked::in_kernels && p.values() > 0) HALOGEN_ADD(mask, p.dtype);
  const bool across = norm_across(plan);
  if (steps.recomputes) {
    // Short or channel-last rows go across channels here, too.
    norm_statistics_across(p) ? HALOGEN_ADD(partial_slab, p.dtype) : HALOGEN_ADD(partial_cs_row, p.dtype);
    HALOGEN_ADD(merge, compute);
  }
  if (steps.given) HALOGEN_ADD(given, compute);
  if (norm_merges_columns(plan, steps) || (steps.sums && p.values() == 0)) {
    HALOGEN_ADD(sum_merge, Dtype::f64);
  } else if (steps.sums) {
    across ? HALOGEN_ADD(sums_slab, p.dtype) : HALOGEN_ADD(sums_cs_row, p.dtype);
    HALOGEN_ADD(sum_merge, Dtype::f64);
  }
  if (steps.copied) HALOGEN_ADD(sum_merge, Dtype::f64);
  const bool applied = steps.applied && p.values() > 0;
  if (applied) HALOGEN_ADD(coefficients, compute);
  if (steps.fused) HALOGEN_ADD_FUSED(backward);
  if (applied) HALOGEN_ADD_APPLIED(dx);
  if (steps.scaled) HALOGEN_ADD_APPLIED(apply);
  if (steps.gradients) HALOGEN_ADD(gradients, t.grad_weight.exists ? t.grad_weight.dtype : t.grad_bias.dtype);
#undef HALOGEN_ADD_APPLIED
#undef HALOGEN_ADD_FUSED
#undef HALOGEN_ADD_ROWS
#undef HALOGEN_ADD
  *missing = all.missing;
  return all.missing == nullptr;
}

}  // namespace halogen
