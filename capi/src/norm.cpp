#include "norm.h"

#include <cstdio>
#include <cstring>

#include "isa.h"
#include "norm_check.h"
#include "struct_size.h"

namespace halogen {
namespace {

void set_text(char *to, size_t size, const char *text) { std::snprintf(to, size, "%s", text); }

/// What differs between the directions.
struct Forward {
  const NormCall &call;

  halogen_norm_path path;
  bool names(const NormPlan &plan, halogen_isa isa, halogen_kernel_info *info, const char **missing) const {
    return norm_kernel_names(call.problem, plan, call.tensors, isa, info->kernels, sizeof(info->kernels), missing);
  }
  int64_t workspace_bytes(const NormPlan &plan) const { return norm_workspace_bytes(call.problem, plan); }
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
  int64_t workspace_bytes(const NormPlan &plan) const {
    return norm_backward_workspace_bytes(call.problem, plan, steps(plan));
  }
  int run(Call *record, const NormPlan &plan) const {
    return norm_backward_run(record, call.problem, plan, call.tensors, call.scalars);
  }
};

/// The names of copy kernels around those of the call.
void add_copies(const NormCopies &copies, Dtype dtype, Variant variant, halogen_kernel_info *info) {
  char around[sizeof(info->kernels)] = "";
  size_t used = 0;
  const auto add = [&](const char *name) {
    if (used < sizeof(around)) {
      used +=
          static_cast<size_t>(std::snprintf(around + used, sizeof(around) - used, "%s%s", used > 0 ? " " : "", name));
    }
  };
  for (int32_t i = 0; i < copies.count; ++i) {
    if (copies.copy[i].read) add(strided_copy_name(dtype, variant));
  }
  add(info->kernels);
  for (int32_t i = 0; i < copies.count; ++i) {
    if (copies.copy[i].written) add(strided_copy_name(dtype, variant));
  }
  set_text(info->kernels, sizeof(info->kernels), around);
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
                            context.options.num_threads * norm_task_bytes(call.problem, plan));
  const Variant variant = variant_of(context.options.isa);
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

template <class Direction>
halogen_status run(const Report &report, halogen_context *context, const Direction &direction, void *stream,
                   bool only_query, halogen_kernel_info *info) {
  const NormCallBase &call = direction.call;
  const bool logs = !only_query && context->options.log != nullptr;
  halogen_kernel_info described;
  std::memset(&described, 0, sizeof(described));
  if (call.empty) {
    if (info != nullptr) {
      set_text(described.reason, sizeof(described.reason), "the tensor is empty: nothing to compute");
      write_struct(described, info);
    }
    return HALOGEN_OK;
  }
  NormPlan plan;
  if (!norm_plan(call.problem, direction.path, context->caches, context->options.stores, &plan)) {
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
    halogen_status ready = context->gpu.begin(&record, call.device);
    if (ready == HALOGEN_OK) {
      ready =
          check_norm_offsets(report, context->gpu, record, call.data, call.data_count, call.vectors, call.vector_count);
    }
    if (ready != HALOGEN_OK) return ready;
  }
  Scratch copies(&record, call.device);
  int code = norm_gather(&record, call.problem, call.copies, &copies);
  if (code == 0) code = direction.run(&record, plan);
  if (code == 0) code = norm_scatter(&record, call.problem, call.copies);
  const halogen_status ran = record.finish(code);
  if (ran == HALOGEN_OK && logs) {
    char line[320];
    std::snprintf(line, sizeof(line), "norm ran %s", described.kernels);
    context->options.log(context->options.log_user, HALOGEN_LOG_DEBUG, line);
  }
  return ran;
}

/// Gradients of parameters that no value contributes to.
void zero_gradients(const NormBackwardTensors &t, int64_t channels) {
  for (const Vector *v : {&t.grad_weight, &t.grad_bias}) {
    if (v->exists && v->memory.device.device_type == kDLCPU) {
      std::memset(v->memory.address(), 0, static_cast<size_t>(channels * dtype_bytes(v->dtype)));
    }
  }
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
  if (call.empty && !only_query) zero_gradients(call.tensors, call.problem.C);
  return run(report, context, Backward{call, call.path}, args.stream, only_query, info);
}

}  // namespace halogen

using namespace halogen;

namespace {

/// Both directions have a query and a call.
template <class Args, class Body>
halogen_status entry(halogen_context *context, const Args *args, halogen_error *error, const Body &body) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (args == nullptr) return fail_null(report, "args");
  Args copy;
  const halogen_status status = read_struct(report, "args", args, &copy);
  return status == HALOGEN_OK ? body(report, copy) : status;
}

}  // namespace

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
