#include "norm.h"

#include "norm_call.h"
#include "norm_check.h"

namespace halogen {
namespace {

/// What differs between the directions.
struct Forward {
  const NormCall &call;

  halogen_norm_path path;
  bool names(const NormPlan &plan, halogen_isa isa, halogen_kernel_info *info, const char **missing) const {
    return norm_kernel_names(call.problem, plan, call.tensors, isa, info->kernels, sizeof(info->kernels), missing);
  }
  bool has_moments() const { return call.tensors.moments.exists; }
  int64_t workspace_bytes(const NormPlan &plan) const {
    const int64_t vector = norm_padded(call.problem.C * dtype_bytes(compute_dtype(call.problem.dtype)));
    return has_moments() ? 4 * vector : norm_workspace_bytes(call.problem, plan);
  }
  int run(Call *record, const NormPlan &plan) const {
    return norm_run(record, call.problem, plan, call.tensors, call.scalars);
  }
};

struct Backward {
  const NormBackwardCall &call;

  halogen_norm_path path;
  NormBackwardSteps steps(const NormPlan &plan) const {
    return norm_backward_steps(call.problem, plan, call.tensors, call.scalars);
  }
  bool names(const NormPlan &plan, halogen_isa isa, halogen_kernel_info *info, const char **missing) const {
    return norm_backward_kernel_names(call.problem, plan, call.tensors, steps(plan), isa, info->kernels,
                                      sizeof(info->kernels), missing);
  }
  bool has_moments() const { return call.tensors.moments.exists; }
  int64_t workspace_bytes(const NormPlan &plan) const {
    return norm_backward_workspace_bytes(call.problem, plan, call.tensors, steps(plan));
  }
  int run(Call *record, const NormPlan &plan) const {
    return norm_backward_run(record, call.problem, plan, call.tensors, call.scalars);
  }
};

/// Gradients of parameters that no value contributes to.
halogen_status zero_gradients(const Report &report, halogen_context *context, const NormBackwardCall &call,
                              void *stream) {
  Call record(context, stream, call.device.device_id, report.error);
  if (call.problem.gpu) {
    const halogen_status ready = begin_on_gpu(report, context, call, &record);
    if (ready != HALOGEN_OK) return ready;
  }
  return record.finish(norm_backward_of_nothing(&record, call.problem, call.tensors));
}

}  // namespace

halogen_status norm_call(halogen_context *context, const halogen_norm_args &args, bool only_query,
                         halogen_kernel_info *info, halogen_error *error) {
  const Report report = {context, error};
  NormCall call;
  const halogen_status status = check_norm(report, args, !only_query, &call);
  if (status != HALOGEN_OK) return status;
  return run(report, context, Forward{call, args.path}, args.stream, only_query, info);
}

halogen_status norm_backward_call(halogen_context *context, const halogen_norm_backward_args &args, bool only_query,
                                  halogen_kernel_info *info, halogen_error *error) {
  const Report report = {context, error};
  NormBackwardCall call;
  const halogen_status status = check_norm_backward(report, args, !only_query, &call);
  if (status != HALOGEN_OK) return status;
  const bool parameters = call.tensors.grad_weight.exists || call.tensors.grad_bias.exists;
  if (call.empty && !only_query && args.moments == nullptr && parameters && call.problem.C > 0) {
    const halogen_status zeroed = zero_gradients(report, context, call, args.stream);
    if (zeroed != HALOGEN_OK) return zeroed;
  }
  return run(report, context, Backward{call, call.path}, args.stream, only_query, info);
}

}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_norm_forward(halogen_context *context, const halogen_norm_args *args, halogen_error *error) {
  return entry(context, args, error, [&](const Report &report, const halogen_norm_args &copy) {
    const halogen_status status = copy.ran != nullptr ? check_struct(report, "args.ran", copy.ran) : HALOGEN_OK;
    return status == HALOGEN_OK ? norm_call(context, copy, false, copy.ran, error) : status;
  });
}

halogen_status halogen_norm_query(halogen_context *context, const halogen_norm_args *args, halogen_kernel_info *info,
                                  halogen_error *error) {
  return entry(context, args, error, [&](const Report &report, const halogen_norm_args &copy) {
    if (info == nullptr) return fail_null(report, "info");
    const halogen_status status = check_struct(report, "info", info);
    return status == HALOGEN_OK ? norm_call(context, copy, true, info, error) : status;
  });
}

halogen_status halogen_norm_backward(halogen_context *context, const halogen_norm_backward_args *args,
                                     halogen_error *error) {
  return entry(context, args, error, [&](const Report &report, const halogen_norm_backward_args &copy) {
    const halogen_status status = copy.ran != nullptr ? check_struct(report, "args.ran", copy.ran) : HALOGEN_OK;
    return status == HALOGEN_OK ? norm_backward_call(context, copy, false, copy.ran, error) : status;
  });
}

halogen_status halogen_norm_backward_query(halogen_context *context, const halogen_norm_backward_args *args,
                                           halogen_kernel_info *info, halogen_error *error) {
  return entry(context, args, error, [&](const Report &report, const halogen_norm_backward_args &copy) {
    if (info == nullptr) return fail_null(report, "info");
    const halogen_status status = check_struct(report, "info", info);
    return status == HALOGEN_OK ? norm_backward_call(context, copy, true, info, error) : status;
  });
}

}  // extern "C"
