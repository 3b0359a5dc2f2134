#include "norm.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "isa.h"
#include "norm_run.h"
#include "struct_size.h"

namespace halogen {
namespace {

/// Everything that a call is about, checked.
struct NormCall {
  NormProblem problem;
  NormTensors tensors;
  NormScalars scalars;
  DLDevice device;
  bool empty;
  bool running;
};

halogen_status check_scalars(const Report &report, const halogen_norm_args &args) {
  if (args.scope < HALOGEN_NORM_SCOPE_BATCH || args.scope > HALOGEN_NORM_SCOPE_GROUP) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "scope: expected HALOGEN_NORM_SCOPE_BATCH (1), _INSTANCE (2) or _GROUP (3), got %d",
                static_cast<int>(args.scope));
  }
  if (args.path < HALOGEN_NORM_PATH_AUTO || args.path > HALOGEN_NORM_PATH_SPLIT) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "path: expected a halogen_norm_path (0 to %d), got %d",
                HALOGEN_NORM_PATH_SPLIT, static_cast<int>(args.path));
  }
  if (!(args.eps >= 0) || !std::isfinite(args.eps)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "eps: expected a finite number of 0 or more, got %g", args.eps);
  }
  if ((args.mean == nullptr) != (args.var == nullptr)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "mean, var: expected both or neither, got only %s",
                args.mean != nullptr ? "mean" : "var");
  }
  if ((args.running_mean == nullptr) != (args.running_var == nullptr)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_mean, running_var: expected both or neither, got only %s",
                args.running_mean != nullptr ? "running_mean" : "running_var");
  }
  if (args.running_mean == nullptr) return HALOGEN_OK;
  if (args.mean != nullptr) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "running_mean: expected the input's own statistics to update from, got given ones (mean, var)");
  }
  if (args.scope == HALOGEN_NORM_SCOPE_GROUP) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_mean: expected scope batch or instance, got group");
  }
  if (!(args.running_weight >= 0 && args.running_weight <= 1)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_weight: expected a number from 0 to 1, got %g",
                args.running_weight);
  }
  if (args.running_var_unbiased != 0 && args.running_var_unbiased != 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_var_unbiased: expected 0 or 1, got %d",
                args.running_var_unbiased);
  }
  return HALOGEN_OK;
}

halogen_status check_groups(const Report &report, const halogen_norm_args &args, int64_t C, int64_t *groups) {
  *groups = 1;
  if (args.scope != HALOGEN_NORM_SCOPE_GROUP) {
    if (args.num_groups == 0) return HALOGEN_OK;
    return fail(report, HALOGEN_ERROR_ARGUMENT, "num_groups: expected 0 where the scope is not group, got %d",
                args.num_groups);
  }
  if (args.num_groups < 1 || C % args.num_groups != 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "num_groups: expected a divisor of the %lld channels, got %d",
                static_cast<long long>(C), args.num_groups);
  }
  *groups = args.num_groups;
  return HALOGEN_OK;
}

/// A vector of the call: its field, its name, and where its memory goes.
struct Vector {
  const DLTensor *tensor;
  const char *name;
  Memory *memory;
  bool written;
};
constexpr int kVectors = 6;

halogen_status check_device(const Report &report, const Tensor &tensor, const Tensor &input) {
  const DLDevice &device = tensor.memory.device, &expected = input.memory.device;
  if (device.device_type == expected.device_type && device.device_id == expected.device_id) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected the input's device (type %d, id %d), got (%d, %d)",
              tensor.name, static_cast<int>(expected.device_type), expected.device_id,
              static_cast<int>(device.device_type), device.device_id);
}

halogen_status check_supported_device(const Report &report, const DLDevice &device) {
  const int type = device.device_type;
  if (type == kDLCPU || (type == gpu_device_type() && type != 0)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DEVICE,
              "input: expected a tensor on the CPU (device_type %d)%s%s, got device_type %d", kDLCPU,
              gpu_device_type() != 0 ? " or " : "", gpu_name(), type);
}

halogen_status overlapping(const Report &report, const Tensor &a, const Tensor &b) {
  return fail(report, HALOGEN_ERROR_OVERLAP, "%s: expected memory of its own, got memory that it shares with %s",
              a.name, b.name);
}

halogen_status check_vectors(const Report &report, const Tensor &input, const Tensor &output, bool need_data,
                             const Vector (&vectors)[kVectors]) {
  Tensor checked[kVectors];
  for (int i = 0; i < kVectors; ++i) {
    *vectors[i].memory = {input.memory.device, nullptr, 0};
    if (vectors[i].tensor == nullptr) continue;
    halogen_status status =
        check_vector(report, vectors[i].name, vectors[i].tensor, kFloat32, input.shape[1], need_data, &checked[i]);
    if (status == HALOGEN_OK) status = check_device(report, checked[i], input);
    if (status != HALOGEN_OK) return status;
    *vectors[i].memory = checked[i].memory;
    if (!need_data) continue;
    if (overlap(output, checked[i])) return overlapping(report, output, checked[i]);
    if (vectors[i].written && overlap(input, checked[i])) return overlapping(report, checked[i], input);
  }
  if (!need_data) return HALOGEN_OK;
  for (int i = 0; i < kVectors; ++i) {
    for (int j = 0; j < kVectors; ++j) {
      if (i == j || !vectors[i].written || vectors[i].tensor == nullptr || vectors[j].tensor == nullptr) continue;
      if (overlap(checked[i], checked[j])) return overlapping(report, checked[i], checked[j]);
    }
  }
  return HALOGEN_OK;
}

halogen_status check_call(const Report &report, const halogen_norm_args &args, bool need_data, NormCall *call) {
  Tensor input, output;
  halogen_status status = check_scalars(report, args);
  if (status == HALOGEN_OK) status = check_tensor(report, "input", args.input, kFloat32, need_data, &input);
  if (status == HALOGEN_OK) status = check_tensor(report, "output", args.output, kFloat32, need_data, &output);
  if (status != HALOGEN_OK) return status;
  if (input.ndim < 2) {
    return fail(report, HALOGEN_ERROR_RANK, "input: expected 2 to 8 dimensions (N, C, ...), got %d", input.ndim);
  }
  if (input.ndim != output.ndim) {
    return fail(report, HALOGEN_ERROR_RANK, "output: expected the input's %d dimensions, got %d", input.ndim,
                output.ndim);
  }
  bool same = true;
  for (int32_t i = 0; same && i < input.ndim; ++i) same = input.shape[i] == output.shape[i];
  if (!same) {
    char expected[160], got[160];
    return fail(report, HALOGEN_ERROR_SHAPE, "output: expected the input's shape %s, got %s",
                shape_text(input, expected), shape_text(output, got));
  }
  status = check_supported_device(report, input.memory.device);
  if (status == HALOGEN_OK) status = check_device(report, output, input);
  if (status != HALOGEN_OK) return status;
  if (need_data && !same_start(input, output) && overlap(input, output)) {
    return fail(report, HALOGEN_ERROR_OVERLAP,
                "output: expected the input itself (the same first byte) or memory of its own, got memory that "
                "overlaps the input");
  }

  NormProblem &p = call->problem;
  p.N = input.shape[0];
  p.C = input.shape[1];
  p.S = 1;
  for (int32_t i = 2; i < input.ndim; ++i) {
    // Cannot overflow where the tensor is not empty; where it is, only "empty" matters.
    if (__builtin_mul_overflow(p.S, input.shape[i], &p.S)) p.S = 0;
  }
  status = check_groups(report, args, p.C, &p.groups);
  if (status != HALOGEN_OK) return status;
  p.scope = args.scope;
  p.own_statistics = args.mean == nullptr;
  p.gpu = input.memory.device.device_type != kDLCPU;
  // A query without data is answered for tensors apart from each other, and aligned.
  constexpr int64_t kLine = 64;
  p.in_place = input.memory.base != nullptr && same_start(input, output);
  p.whole_lines = p.S % (kLine / static_cast<int64_t>(sizeof(float))) == 0 &&
                  (p.gpu || reinterpret_cast<uintptr_t>(output.memory.address()) % kLine == 0);

  NormTensors &t = call->tensors;
  t.input = input.memory;
  t.output = output.memory;
  const Vector vectors[kVectors] = {{args.weight, "weight", &t.weight, false},
                                    {args.bias, "bias", &t.bias, false},
                                    {args.mean, "mean", &t.mean, false},
                                    {args.var, "var", &t.var, false},
                                    {args.running_mean, "running_mean", &t.running_mean, true},
                                    {args.running_var, "running_var", &t.running_var, true}};
  status = check_vectors(report, input, output, need_data, vectors);
  call->scalars = {args.eps, args.running_weight, args.running_var_unbiased != 0};
  call->device = input.memory.device;
  call->empty = input.elements == 0;
  call->running = args.running_mean != nullptr;
  return status;
}

/// On a GPU whose driver cannot begin a tensor at any byte. The driver is asked only where a tensor has an offset.
halogen_status check_offsets(const Report &report, const NormTensors &t, const GpuState &gpu, const Call &call) {
  const struct {
    const char *name;
    const Memory &memory;
  } all[] = {{"input", t.input},
             {"output", t.output},
             {"weight", t.weight},
             {"bias", t.bias},
             {"mean", t.mean},
             {"var", t.var},
             {"running_mean", t.running_mean},
             {"running_var", t.running_var}};
  for (const auto &tensor : all) {
    if (tensor.memory.base == nullptr || tensor.memory.offset == 0) continue;
    const uint64_t alignment = gpu.offset_alignment(call);
    if (tensor.memory.offset % alignment == 0) continue;
    return fail(report, HALOGEN_ERROR_LAYOUT,
                "%s: expected a byte_offset that is a multiple of this device's %llu, got %llu", tensor.name,
                static_cast<unsigned long long>(alignment), static_cast<unsigned long long>(tensor.memory.offset));
  }
  return HALOGEN_OK;
}

void set_text(char *to, size_t size, const char *text) { std::snprintf(to, size, "%s", text); }

/// The plan in words; false where a kernel is missing.
bool describe(const halogen_context &context, const NormCall &call, const NormPlan &plan, halogen_kernel_info *info) {
  const char *missing = nullptr;
  const bool complete = norm_kernel_names(call.problem, plan, call.running, context.options.isa, info->kernels,
                                          sizeof(info->kernels), &missing);
  set_text(info->isa, sizeof(info->isa), call.problem.gpu ? gpu_name() : isa_name(context.options.isa));
  info->workspace_bytes = static_cast<uint64_t>(norm_workspace_bytes(call.problem, plan) +
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
  const halogen_status status = check_call(report, args, !only_query, &call);
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
    const halogen_status aligned = check_offsets(report, call.tensors, context->gpu, record);
    if (aligned != HALOGEN_OK) return aligned;
  }
  const halogen_status ran = record.finish(norm_run(&record, call.problem, plan, call.tensors, call.scalars));
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
