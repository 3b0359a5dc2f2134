// What all calls of the normalisation operator do once their arguments are checked: plan, describe, run.
#pragma once

#include <cstdio>
#include <cstring>

#include "isa.h"
#include "norm_check.h"
#include "ran.h"
#include "struct_size.h"

namespace halogen {

inline void set_text(char *to, size_t size, const char *text) { std::snprintf(to, size, "%s", text); }

/// The names of copy kernels around those of the call.
inline void add_copies(const NormCopies &copies, Dtype dtype, Variant variant, halogen_kernel_info *info) {
  char own[sizeof(info->kernels)];
  std::memcpy(own, info->kernels, sizeof(own));
  KernelNames all(info->kernels, sizeof(info->kernels));
  for (int32_t i = 0; i < copies.count; ++i) {
    if (copies.copy[i].read) all.add(strided_copy_name(dtype, variant), "copy");
  }
  for (char *name = own; name != nullptr && *name != '\0';) {
    char *end = std::strchr(name, ' ');
    if (end != nullptr) *end++ = '\0';
    all.add(name, "");
    name = end;
  }
  for (int32_t i = 0; i < copies.count; ++i) {
    if (copies.copy[i].written) all.add(strided_copy_name(dtype, variant), "copy");
  }
}

/// The plan in words; false where a kernel is missing.
template <class Direction>
bool describe(const halogen_context &context, const Direction &direction, const NormPlan &plan,
              halogen_kernel_info *info) {
  const NormCallBase &call = direction.call;
  const char *missing = nullptr;
  bool complete = direction.names(plan, context.options.isa, info, &missing);
  set_text(info->isa, sizeof(info->isa), call.problem.gpu ? gpu_name() : isa_name(context.options.isa));
  info->workspace_bytes =
      static_cast<uint64_t>(direction.workspace_bytes(plan) + norm_copies_bytes(call.problem, call.copies) +
                            (call.problem.gpu ? 0 : context.options.num_threads * norm_task_bytes(call.problem, plan)));
  const Variant variant = norm_variant(call.problem.gpu, context.options.isa);
  if (complete && call.copies.count > 0) {
    complete = strided_copy_name(call.problem.dtype, variant) != nullptr;
    if (!complete) missing = "copy";
  }
  if (complete) {
    if (call.copies.count > 0) add_copies(call.copies, call.problem.dtype, variant, info);
    std::snprintf(info->reason, sizeof(info->reason), "%s%s%s", plan.reason, plan.stream ? "; streaming stores" : "",
                  call.copies.count > 0 ? "; through copies" : "");
  } else {
    DLDataType dtype = dlpack_of(call.problem.dtype);
    info->kernels[0] = '\0';
    std::snprintf(info->reason, sizeof(info->reason), "%s of %s: not in this library for %s", missing,
                  DtypeText(dtype).text, info->isa);
  }
  return complete;
}

/// A call on its device.
inline halogen_status begin_on_gpu(const Report &report, halogen_context *context, const NormCallBase &call,
                                   Call *record) {
  const halogen_status ready = context->gpu.begin(record, call.device);
  return ready != HALOGEN_OK ? ready
                             : check_norm_offsets(report, context->gpu, *record, call.data, call.data_count,
                                                  call.vectors, call.vector_count);
}

/// `direction` is one of what can be computed: it knows its call, kernels and workspace.
template <class Direction>
halogen_status run(const Report &report, halogen_context *context, const Direction &direction, void *stream,
                   bool only_query, halogen_kernel_info *info) {
  const NormCallBase &call = direction.call;
  halogen_kernel_info described;
  std::memset(&described, 0, sizeof(described));
  if (call.empty && !(direction.has_moments() && call.problem.C > 0)) {
    if (info != nullptr) {
      set_text(described.reason, sizeof(described.reason), "the tensor is empty: nothing to compute");
      write_struct(described, info);
    }
    return HALOGEN_OK;
  }
  NormPlan plan = {};
  if (call.empty) {
    plan.path = HALOGEN_NORM_PATH_SPLIT;
    plan.reason = "an empty part of a batch";
    plan.samples = 1;
  } else if (!norm_plan(call.problem, direction.path, context->caches, context->options.stores, &plan)) {
    if (only_query && info != nullptr) {
      set_text(described.reason, sizeof(described.reason), plan.reason);
      write_struct(described, info);
    }
    return fail(report, plan.too_large ? HALOGEN_ERROR_SIZE : HALOGEN_ERROR_UNSUPPORTED, "no kernel fits: %s",
                plan.reason);
  }
  plan.stream = plan.stream && norm_can_stream(call.problem, plan, context->options.isa);
  const bool complete = describe(*context, direction, plan, &described);
  if (info != nullptr && (only_query || complete)) write_struct(described, info);
  if (!complete) return fail(report, HALOGEN_ERROR_UNSUPPORTED, "no kernel fits: %s", described.reason);
  if (only_query) return HALOGEN_OK;

  Call record(context, stream, call.device.device_id, report.error);
  if (call.problem.gpu) {
    const halogen_status ready = begin_on_gpu(report, context, call, &record);
    if (ready != HALOGEN_OK) return ready;
  }
  Scratch copies(&record, call.device);
  int code = norm_gather(&record, call.problem, call.copies, &copies);
  if (code == 0) code = direction.run(&record, plan);
  if (code == 0) code = norm_scatter(&record, call.problem, call.copies);
  const halogen_status ran = record.finish(code);
  if (ran == HALOGEN_OK) log_ran(*context, "norm", described);
  return ran;
}

/// What every entry point begins with.
template <class Args, class Body>
halogen_status entry(halogen_context *context, const Args *args, halogen_error *error, const Body &body) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (args == nullptr) return fail_null(report, "args");
  Args copy;
  const halogen_status status = read_struct(report, "args", args, &copy);
  return status == HALOGEN_OK ? body(report, copy) : status;
}

}  // namespace halogen
