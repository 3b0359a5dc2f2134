#include "conv.h"

#include <cstdio>
#include <cstring>

#include "conv_check.h"
#include "conv_gpu.h"
#include "conv_run.h"
#include "isa.h"
#include "ran.h"
#include "scratch.h"
#include "struct_size.h"

namespace halogen {
namespace {

/// Everything that a call is about, checked.
struct ConvCall {
  ConvProblem problem;
  ConvLayout layout;
  ConvTensors tensors;
  ConvScalars scalars;
  CheckedWeight weight;
  Tensor input, output, bias;
  bool packs, empty;

  const DLDevice &device() const { return input.memory.device; }
  bool on_gpu() const { return device().device_type != kDLCPU; }
};

/// With packed weights stride, dilation and groups are known: 0, or the same again.
halogen_status check_packed(const Report &report, const halogen_conv_transpose1d_args &args, ConvWeightShape *shape) {
  *shape = args.packed->shape;
  const struct {
    const char *name;
    int64_t value, packed;
    halogen_status status;
  } parameters[] = {{"stride", args.stride, shape->stride, HALOGEN_ERROR_STRIDE},
                    {"dilation", args.dilation, shape->dilation, HALOGEN_ERROR_DILATION},
                    {"groups", args.groups, shape->groups, HALOGEN_ERROR_GROUPS}};
  for (const auto &parameter : parameters) {
    if (parameter.value == 0 || parameter.value == parameter.packed) continue;
    return fail(report, parameter.status, "%s: expected 0 or the packed weights' %lld, got %lld", parameter.name,
                static_cast<long long>(parameter.packed), static_cast<long long>(parameter.value));
  }
  return HALOGEN_OK;
}

halogen_status check_call(const Report &report, const halogen_conv_transpose1d_args &args, bool need_data,
                          ConvCall *call) {
  ConvProblem &p = call->problem;
  const ConvOptions options = conv_options(args);
  Tensor &input = call->input, &output = call->output, &bias = call->bias;
  halogen_status status = conv_check_options(report, options);
  if (status != HALOGEN_OK) return status;
  if (args.path == HALOGEN_CONV_PATH_COLUMNS) {
    return fail(report, HALOGEN_ERROR_UNSUPPORTED, "path: columns is a way of the gradients");
  }
  call->scalars = {conv_input_slope(options), args.activation == HALOGEN_ACTIVATION_TANH, conv_output_slope(options)};
  if ((args.weight == nullptr) == (args.packed == nullptr)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "weight, packed: expected one of them, got %s",
                args.weight != nullptr ? "both" : "neither");
  }
  call->packs = args.packed == nullptr;
  status = call->packs ? conv_check_weight(report, args.weight, args.stride, args.dilation, args.groups, need_data,
                                           &call->weight)
                       : check_packed(report, args, &call->weight.shape);
  if (status != HALOGEN_OK) return status;
  p.shape = call->weight.shape;
  const ConvWeightShape &w = p.shape;
  ConvExtents extents = {};
  const ConvKind kind = call->packs ? call->weight.kind() : ConvKind{w.dtype, {kDLCPU, 0}};
  status = conv_check_tensor(report, "input", args.input, kind, need_data, &input);
  if (status == HALOGEN_OK) status = conv_check_tensor(report, "output", args.output, kind, need_data, &output);
  if (status == HALOGEN_OK) {
    status = conv_check_input(report, input, w, args.layout, args.pad_left, args.pad_right, &extents);
  }
  if (status == HALOGEN_OK) {
    status = conv_check_shape(report, output, input, args.layout, extents.N, w.C_out, extents.L_out);
  }
  if (status == HALOGEN_OK) status = conv_check_places(report, output);
  if (status == HALOGEN_OK && args.bias != nullptr) {
    status = conv_check_vector(report, "bias", args.bias, kind, w.C_out, need_data, &bias);
  }
  if (status == HALOGEN_OK && need_data) {
    status = conv_check_apart(report, output, input);
    if (status == HALOGEN_OK && call->packs) status = conv_check_apart(report, output, call->weight.tensor);
    if (status == HALOGEN_OK && args.bias != nullptr) status = conv_check_apart(report, output, bias);
  }
  if (status != HALOGEN_OK) return status;
  p.N = extents.N;
  p.L = extents.L;
  p.L_out = extents.L_out;
  p.pad_left = args.pad_left;
  p.input = conv_strides(input, args.layout);
  p.output = conv_strides(output, args.layout);
  const bool pairs = args.path != HALOGEN_CONV_PATH_LENGTH && conv_packs_pairs(p.shape, report.context->options.isa);
  call->layout = call->packs ? conv_layout(p.shape, pairs) : args.packed->layout;
  p.finite = call->packs || args.packed->finite;
  const int64_t bias_stride = bias.strides != nullptr && p.shape.C_out > 1 ? bias.strides[0] : 1;
  const Memory packed = {{kDLCPU, 0}, call->packs ? nullptr : args.packed->blocks, 0};
  call->tensors = {input.memory, output.memory, bias.memory, bias_stride, packed};
  call->empty = output.elements == 0;
  return HALOGEN_OK;
}

int64_t packed_bytes(const ConvCall &call) {
  return call.packs ? conv_packed_bytes(call.problem.shape, call.layout) : 0;
}

/// The plan in words; false where a kernel is missing.
bool describe(const halogen_context &context, const ConvCall &call, const ConvPlan &plan, halogen_kernel_info *info) {
  const char *missing = nullptr;
  const bool complete = conv_kernel_names(plan, call.layout, call.problem.shape.dtype, call.packs, context.options.isa,
                                          info->kernels, sizeof(info->kernels), &missing);
  std::snprintf(info->isa, sizeof(info->isa), "%s", isa_name(context.options.isa));
  const int64_t elements = plan.shared_elements(call.problem) + context.options.num_threads * plan.task_elements();
  info->workspace_bytes =
      static_cast<uint64_t>(packed_bytes(call) + elements * dtype_bytes(compute_dtype(call.problem.shape.dtype)));
  if (complete) {
    std::snprintf(info->reason, sizeof(info->reason), "%s", plan.reason);
  } else {
    info->kernels[0] = '\0';
    std::snprintf(info->reason, sizeof(info->reason), "%s: not in this library for %s", missing, info->isa);
  }
  return complete;
}

/// Runs a call whose plan stands, unless weights that turn out not to be finite ask for another.
int run(Call *record, ConvCall *call, halogen_conv_path path, ConvPlan *plan) {
  Scratch scratch(record, {kDLCPU, 0});
  if (call->packs) {
    if (!scratch.acquire(packed_bytes(*call))) return halide_error_code_out_of_memory;
    call->tensors.packed = scratch.memory();
    const int code = conv_pack(record, call->problem.shape, call->layout, call->weight.weights, call->tensors.packed,
                               &call->problem.finite);
    if (code != 0) return code;
    const halogen_context &context = *record->context;
    if (!call->problem.finite &&
        !conv_plan(call->problem, call->layout, path, context.caches, context.options.isa, plan)) {
      record->note(plan->too_large ? HALOGEN_ERROR_SIZE : HALOGEN_ERROR_UNSUPPORTED, plan->reason);
      return halide_error_code_generic_error;
    }
  }
  return conv_run(record, call->problem, call->layout, *plan, call->tensors, call->scalars);
}

/// A call whose tensors are on a GPU: no weights are packed, no memory is taken.
halogen_status call_on_gpu(const Report &report, halogen_context *context, const halogen_conv_transpose1d_args &args,
                           const ConvCall &call, bool only_query, halogen_kernel_info *info) {
  ConvGpuPlan plan;
  halogen_kernel_info described = {};
  const bool fits = conv_gpu_plan(call.problem, call.weight.weights, args.path, &plan);
  std::snprintf(described.isa, sizeof(described.isa), "%s", gpu_name());
  std::snprintf(described.reason, sizeof(described.reason), "%s", plan.reason);
  if (fits) conv_gpu_kernel_names(plan, call.problem.shape.dtype, described.kernels, sizeof(described.kernels));
  if (only_query) write_struct(described, info);
  if (!fits) return fail(report, HALOGEN_ERROR_SIZE, "no kernel fits: %s", plan.reason);
  if (only_query) return HALOGEN_OK;
  Call record(context, args.stream, call.device().device_id, report.error);
  halogen_status status = conv_begin_on_gpu(report, context, call.device(),
                                            {&call.input, &call.output, &call.weight.tensor, &call.bias}, &record);
  if (status != HALOGEN_OK) return status;
  status = record.finish(conv_gpu_run(&record, call.problem, plan, call.weight.weights, call.tensors, call.scalars));
  if (status != HALOGEN_OK) return status;
  if (info != nullptr) write_struct(described, info);
  log_ran(*context, "conv_transpose1d", described);
  return HALOGEN_OK;
}

}  // namespace

halogen_status conv_call(halogen_context *context, const halogen_conv_transpose1d_args &args, bool only_query,
                         halogen_kernel_info *info, halogen_error *error) {
  const Report report = {context, error};
  ConvCall call = {};
  const halogen_status status = check_call(report, args, !only_query, &call);
  if (status != HALOGEN_OK) return status;

  halogen_kernel_info described = {};
  if (call.empty) {
    if (info != nullptr) {
      std::snprintf(described.reason, sizeof(described.reason), "the output is empty: nothing to compute");
      write_struct(described, info);
    }
    return HALOGEN_OK;
  }
  if (call.on_gpu()) return call_on_gpu(report, context, args, call, only_query, info);
  ConvPlan plan;
  if (!conv_plan(call.problem, call.layout, args.path, context->caches, context->options.isa, &plan)) {
    if (only_query && info != nullptr) {
      std::snprintf(described.reason, sizeof(described.reason), "%s", plan.reason);
      write_struct(described, info);
    }
    return fail(report, plan.too_large ? HALOGEN_ERROR_SIZE : HALOGEN_ERROR_UNSUPPORTED, "no kernel fits: %s",
                plan.reason);
  }
  if (only_query) {
    const bool complete = describe(*context, call, plan, &described);
    write_struct(described, info);
    return complete ? HALOGEN_OK : fail(report, HALOGEN_ERROR_UNSUPPORTED, "no kernel fits: %s", described.reason);
  }
  if (!describe(*context, call, plan, &described)) {
    return fail(report, HALOGEN_ERROR_UNSUPPORTED, "no kernel fits: %s", described.reason);
  }
  Call record(context, args.stream, 0, error);
  const halogen_status ran = record.finish(run(&record, &call, args.path, &plan));
  if (ran != HALOGEN_OK) return ran;
  if (info == nullptr && context->options.log == nullptr) return HALOGEN_OK;
  // Packing may have changed the plan.
  describe(*context, call, plan, &described);
  if (info != nullptr) write_struct(described, info);
  log_ran(*context, "conv_transpose1d", described);
  return HALOGEN_OK;
}

}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_conv_transpose1d_output_length(int64_t length, int64_t kernel, int64_t stride, int64_t dilation,
                                                      int64_t pad_left, int64_t pad_right, int64_t *output_length,
                                                      halogen_error *error) {
  const Report report = {nullptr, error};
  if (output_length == nullptr) return fail_null(report, "output_length");
  return conv_output_length(report, length, kernel, stride, dilation, pad_left, pad_right, output_length);
}

halogen_status halogen_conv_transpose1d_forward(halogen_context *context, const halogen_conv_transpose1d_args *args,
                                                halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (args == nullptr) return fail_null(report, "args");
  halogen_conv_transpose1d_args copy;
  halogen_status status = read_struct(report, "args", args, &copy);
  if (status == HALOGEN_OK && copy.ran != nullptr) status = check_struct(report, "args.ran", copy.ran);
  return status == HALOGEN_OK ? conv_call(context, copy, false, copy.ran, error) : status;
}

halogen_status halogen_conv_transpose1d_query(halogen_context *context, const halogen_conv_transpose1d_args *args,
                                              halogen_kernel_info *info, halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (args == nullptr) return fail_null(report, "args");
  if (info == nullptr) return fail_null(report, "info");
  halogen_conv_transpose1d_args copy;
  halogen_status status = read_struct(report, "args", args, &copy);
  if (status == HALOGEN_OK) status = check_struct(report, "info", info);
  return status == HALOGEN_OK ? conv_call(context, copy, true, info, error) : status;
}

}  // extern "C"
