#include "norm.h"

#include <cstdio>
#include <cstring>

#include "isa.h"
#include "norm_check.h"
#include "struct_size.h"

namespace halogen {
namespace {

void set_text(char *to, size_t size, const char *text) { std::snprintf(to, size, "%s", text); }

/// The plan in words; false where a kernel is missing.
bool describe(const halogen_context &context, const NormCall &call, const NormPlan &plan, halogen_kernel_info *info) {
  const char *missing = nullptr;
  const bool complete = norm_kernel_names(call.problem, plan, call.tensors, call.copies, context.options.isa,
                                          info->kernels, sizeof(info->kernels), &missing);
  set_text(info->isa, sizeof(info->isa), call.problem.gpu ? gpu_name() : isa_name(context.options.isa));
  info->workspace_bytes =
      static_cast<uint64_t>(norm_workspace_bytes(call.problem, plan) + norm_copies_bytes(call.problem, call.copies) +
                            context.options.num_threads * norm_task_bytes(call.problem, plan));
  if (complete) {
    std::snprintf(info->reason, sizeof(info->reason), "%s%s", plan.reason, plan.stream ? "; streaming stores" : "");
  } else {
    info->kernels[0] = '\0';
    std::snprintf(info->reason, sizeof(info->reason), "%s: not in this library for %s", missing, info->isa);
  }
  return complete;
}

}  // namespace

halogen_status norm_call(halogen_context *context, const halogen_norm_args &args, bool only_query,
                         halogen_kernel_info *info, halogen_error *error) {
  const Report report = {context, error};
  NormCall call;
  const halogen_status status = check_norm(report, args, !only_query, &call);
  if (status != HALOGEN_OK) return status;

  const bool logs = !only_query && context->options.log != nullptr;
  halogen_kernel_info described;
  if (info != nullptr || logs) std::memset(&described, 0, sizeof(described));
  if (call.empty) {
    if (info != nullptr) {
      set_text(described.reason, sizeof(described.reason), "the tensor is empty: nothing to compute");
      write_struct(described, info);
    }
    return HALOGEN_OK;
  }
  NormPlan plan;
  if (!norm_plan(call.problem, args.path, context->caches, context->options.stores, &plan)) {
    if (only_query && info != nullptr) {
      set_text(described.reason, sizeof(described.reason), plan.reason);
      write_struct(described, info);
    }
    return fail(report, plan.too_large ? HALOGEN_ERROR_SIZE : HALOGEN_ERROR_UNSUPPORTED, "no kernel fits: %s",
                plan.reason);
  }
  if (info != nullptr || logs) {
    const bool complete = describe(*context, call, plan, &described);
    if (info != nullptr && (only_query || complete)) write_struct(described, info);
    if (!complete) return fail(report, HALOGEN_ERROR_UNSUPPORTED, "no kernel fits: %s", described.reason);
  }
  if (only_query) return HALOGEN_OK;

  Call record(context, args.stream, call.device.device_id, error);
  if (call.problem.gpu) {
    const halogen_status begun = context->gpu.begin(&record, call.device);
    if (begun != HALOGEN_OK) return begun;
    const halogen_status aligned = check_norm_offsets(report, call.tensors, context->gpu, record);
    if (aligned != HALOGEN_OK) return aligned;
  }
  const halogen_status ran =
      record.finish(norm_run_copied(&record, call.problem, plan, call.tensors, call.scalars, call.copies));
  if (ran == HALOGEN_OK && logs) {
    char line[320];
    std::snprintf(line, sizeof(line), "norm ran %s", described.kernels);
    context->options.log(context->options.log_user, HALOGEN_LOG_DEBUG, line);
  }
  return ran;
}

}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_norm_forward(halogen_context *context, const halogen_norm_args *args, halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (args == nullptr) return fail_null(report, "args");
  halogen_norm_args copy;
  halogen_status status = read_struct(report, "args", args, &copy);
  if (status == HALOGEN_OK && copy.ran != nullptr) status = check_struct(report, "args.ran", copy.ran);
  return status == HALOGEN_OK ? norm_call(context, copy, false, copy.ran, error) : status;
}

halogen_status halogen_norm_query(halogen_context *context, const halogen_norm_args *args, halogen_kernel_info *info,
                                  halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (args == nullptr) return fail_null(report, "args");
  if (info == nullptr) return fail_null(report, "info");
  halogen_norm_args copy;
  halogen_status status = read_struct(report, "args", args, &copy);
  if (status == HALOGEN_OK) status = check_struct(report, "info", info);
  return status == HALOGEN_OK ? norm_call(context, copy, true, info, error) : status;
}

}  // extern "C"
