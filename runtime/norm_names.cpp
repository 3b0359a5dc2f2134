// Which kernels a plan runs, by name.
#include <cstdio>

#include "norm_copies.h"
#include "norm_kernels.h"

namespace halogen {
namespace {

/// Names after each other; what is missing is remembered.
struct Names {
  Variant variant;
  char *text;
  size_t size, used = 0;
  const char *missing = nullptr;

  template <NormRole role>
  void add(const char *role_name, Dtype dtype) {
    add(role_name, find_kernel<role>(dtype, variant).name);
  }

  /// NULL: the library has no such kernel.
  void add(const char *role_name, const char *name) {
    if (name == nullptr) {
      missing = role_name;
    } else if (used < size) {
      used += static_cast<size_t>(std::snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", name));
    }
  }
};

}  // namespace

bool norm_kernel_names(const NormProblem &p, const NormPlan &plan, const NormTensors &t, const NormCopies &copies,
                       halogen_isa isa, char *names, size_t size, const char **missing) {
  names[0] = '\0';
  Names all = {p.gpu ? (gpu_device_type() == kDLCUDA ? Variant::cuda : Variant::opencl) : variant_of(isa), names, size};
#define HALOGEN_ADD(role, dtype) all.add<NormRole::role>(#role, dtype)
#define HALOGEN_ADD_EITHER(role) p.epilogue ? HALOGEN_ADD(role##_act, p.dtype) : HALOGEN_ADD(role, p.dtype)
  const auto copied = [&](const NormCopies::Copy &copy) {
    if (copy.needed) all.add("copy", strided_copy_name(p.dtype, all.variant));
  };
  copied(copies.input);
  copied(copies.residual);
  for (const Vector *v : {&t.weight, &t.bias, &t.mean, &t.var}) {
    if (v->exists && v->dtype != compute_dtype(p.dtype)) HALOGEN_ADD(convert, v->dtype);
  }
  const bool fused = p.own_statistics && plan.path != HALOGEN_NORM_PATH_SPLIT;
  if (p.own_statistics && !fused) {
    plan.across ? HALOGEN_ADD(partial_slab, p.dtype) : HALOGEN_ADD(partial_cs_row, p.dtype);
    HALOGEN_ADD(merge, compute_dtype(p.dtype));
  }
  if (norm_across(plan)) {
    fused ? HALOGEN_ADD_EITHER(fused_slab) : HALOGEN_ADD_EITHER(apply_slab);
  } else if (plan.stream) {
    fused ? HALOGEN_ADD_EITHER(fused_cs_stream) : HALOGEN_ADD_EITHER(apply_cs_stream);
  } else {
    fused ? HALOGEN_ADD_EITHER(fused_cs_row) : HALOGEN_ADD_EITHER(apply_cs_row);
  }
  if (t.saved_mean.exists) HALOGEN_ADD(save, compute_dtype(p.dtype));
  if (t.running_mean.exists) HALOGEN_ADD(running, t.running_mean.dtype);
  copied(copies.output);
#undef HALOGEN_ADD_EITHER
#undef HALOGEN_ADD
  *missing = all.missing;
  return all.missing == nullptr;
}

}  // namespace halogen
