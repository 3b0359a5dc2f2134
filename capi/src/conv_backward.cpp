#include <cstdio>

#include "conv.h"
#include "conv_check.h"
#include "conv_gpu_gradient.h"
#include "conv_gradient.h"
#include "isa.h"
#include "ran.h"
#include "struct_size.h"

namespace halogen {
namespace {

/// The tensors of a call, checked.
struct Tensors {
  CheckedWeight weight, grad_weight;
  Tensor input, grad_output, output, grad_input, grad_bias;
};

/// Everything that a call is about, checked.
struct ConvBackwardCall {
  ConvGradientProblem problem;
  ConvGradientTensors tensors;
  ConvGradientScalars scalars;
  Tensors checked;
  bool wanted, empty;  ///< a gradient is asked for; its sums have no terms

  const DLDevice &device() const { return checked.input.memory.device; }
  bool on_gpu() const { return device().device_type != kDLCPU; }
};

halogen_status check_arguments(const Report &report, const halogen_conv_transpose1d_backward_args &args) {
  const halogen_status status = conv_check_options(report, conv_options(args));
  if (status != HALOGEN_OK) return status;
  if (args.activation != HALOGEN_ACTIVATION_NONE && args.output == nullptr) {
    return fail(report, HALOGEN_ERROR_NULL_POINTER,
                "output: expected the forward pass' output, for its activation, got NULL");
  }
  if (args.activation == HALOGEN_ACTIVATION_LEAKY_RELU && args.activation_slope < 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "activation_slope: expected 0 or more, as the output's sign must be that of its argument, got %g",
                args.activation_slope);
  }
  return HALOGEN_OK;
}

/// The gradient of the weights: of their shape and dtype.
halogen_status check_grad_weight(const Report &report, const halogen_conv_transpose1d_backward_args &args,
                                 const CheckedWeight &weight, bool need_data, CheckedWeight *checked) {
  Tensor &t = checked->tensor;
  const halogen_status status =
      conv_check_tensor(report, "grad_weight", args.grad_weight, weight.kind(), need_data, &t);
  if (status != HALOGEN_OK) return status;
  const Tensor &like = weight.tensor;
  bool same = t.ndim == like.ndim;
  for (int32_t i = 0; same && i < t.ndim; ++i) same = t.shape[i] == like.shape[i];
  if (!same) {
    char wanted[160], got[160];
    return fail(report, HALOGEN_ERROR_WEIGHT_SHAPE, "grad_weight: expected the weight's shape %s, got %s",
                shape_text(like, wanted), shape_text(t, got));
  }
  checked->shape = weight.shape;
  checked->weights = conv_weights_of(t);
  return conv_check_places(report, t);
}

/// Shapes and dtypes of all that is there.
halogen_status check_tensors(const Report &report, const halogen_conv_transpose1d_backward_args &args, bool need_data,
                             Tensors *t, ConvExtents *e) {
  halogen_status status =
      conv_check_weight(report, args.weight, args.stride, args.dilation, args.groups, need_data, &t->weight);
  if (status != HALOGEN_OK) return status;
  const ConvWeightShape &w = t->weight.shape;
  const ConvKind kind = t->weight.kind();
  status = conv_check_tensor(report, "input", args.input, kind, need_data, &t->input);
  if (status == HALOGEN_OK) {
    status = conv_check_input(report, t->input, w, args.layout, args.pad_left, args.pad_right, e);
  }
  const struct {
    const char *name;
    const DLTensor *tensor;
    bool required, written;
    int64_t C, L;
    Tensor *checked;
  } data[] = {{"grad_output", args.grad_output, true, false, w.C_out, e->L_out, &t->grad_output},
              {"output", args.output, args.activation != HALOGEN_ACTIVATION_NONE, false, w.C_out, e->L_out, &t->output},
              {"grad_input", args.grad_input, args.grad_input != nullptr, true, w.C_in, e->L, &t->grad_input}};
  for (const auto &d : data) {
    if (status != HALOGEN_OK || !d.required) continue;
    status = conv_check_tensor(report, d.name, d.tensor, kind, need_data, d.checked);
    if (status == HALOGEN_OK) status = conv_check_shape(report, *d.checked, t->input, args.layout, e->N, d.C, d.L);
    if (status == HALOGEN_OK && d.written) status = conv_check_places(report, *d.checked);
  }
  if (status == HALOGEN_OK && args.grad_weight != nullptr) {
    status = check_grad_weight(report, args, t->weight, need_data, &t->grad_weight);
  }
  if (status == HALOGEN_OK && args.grad_bias != nullptr) {
    status = conv_check_vector(report, "grad_bias", args.grad_bias, kind, w.C_out, need_data, &t->grad_bias);
    if (status == HALOGEN_OK) status = conv_check_places(report, t->grad_bias);
  }
  return status;
}

/// What is written has memory of its own.
halogen_status check_memory(const Report &report, const halogen_conv_transpose1d_backward_args &args,
                            const Tensors &t) {
  const Tensor *all[] = {&t.input,
                         &t.grad_output,
                         &t.weight.tensor,
                         args.activation != HALOGEN_ACTIVATION_NONE ? &t.output : nullptr,
                         args.grad_input != nullptr ? &t.grad_input : nullptr,
                         args.grad_weight != nullptr ? &t.grad_weight.tensor : nullptr,
                         args.grad_bias != nullptr ? &t.grad_bias : nullptr};
  constexpr int kRead = 4, kAll = sizeof(all) / sizeof(all[0]);
  for (int i = kRead; i < kAll; ++i) {
    for (int j = 0; j < i && all[i] != nullptr; ++j) {
      const halogen_status status = all[j] != nullptr ? conv_check_apart(report, *all[i], *all[j]) : HALOGEN_OK;
      if (status != HALOGEN_OK) return status;
    }
  }
  return HALOGEN_OK;
}

halogen_status check_call(const Report &report, const halogen_conv_transpose1d_backward_args &args, bool need_data,
                          ConvBackwardCall *call) {
  Tensors &t = call->checked;
  ConvExtents e = {};
  halogen_status status = check_arguments(report, args);
  if (status == HALOGEN_OK) status = check_tensors(report, args, need_data, &t, &e);
  if (status == HALOGEN_OK && need_data) status = check_memory(report, args, t);
  if (status != HALOGEN_OK) return status;
  const bool activates = args.activation != HALOGEN_ACTIVATION_NONE;
  const auto strides = [&](bool used, const Tensor &tensor) {
    return used ? conv_strides(tensor, args.layout) : ConvStrides{};
  };
  call->problem = {t.weight.shape,
                   e.N,
                   e.L,
                   e.L_out,
                   args.pad_left,
                   strides(true, t.input),
                   strides(true, t.grad_output),
                   strides(activates, t.output),
                   strides(args.grad_input != nullptr, t.grad_input),
                   args.grad_input != nullptr,
                   args.grad_weight != nullptr,
                   args.grad_bias != nullptr};
  const int64_t bias_stride = t.grad_bias.strides != nullptr && t.weight.shape.C_out > 1 ? t.grad_bias.strides[0] : 1;
  call->tensors = {t.input.memory,   t.grad_output.memory,  t.output.memory,    t.grad_input.memory,
                   t.weight.weights, t.grad_weight.weights, t.grad_bias.memory, bias_stride};
  const ConvOptions options = conv_options(args);
  // As generators/conv_pad_generator.cpp numbers them.
  const int32_t activation = args.activation == HALOGEN_ACTIVATION_TANH ? 2 : activates ? 1 : 0;
  call->scalars = {conv_input_slope(options), activation, conv_output_slope(options)};
  call->wanted = args.grad_input != nullptr || args.grad_weight != nullptr || args.grad_bias != nullptr;
  call->empty = t.grad_output.elements == 0;
  return HALOGEN_OK;
}

/// The plan in words; false where a kernel is missing.
bool describe(const halogen_context &context, const ConvBackwardCall &call, const ConvGradientPlan &plan,
              halogen_kernel_info *info) {
  const char *missing = nullptr;
  const bool complete = conv_gradient_kernel_names(call.problem, plan, call.tensors, context.options.isa, info->kernels,
                                                   sizeof(info->kernels), &missing);
  std::snprintf(info->isa, sizeof(info->isa), "%s", isa_name(context.options.isa));
  const ConvGradientWorkspace space = conv_gradient_workspace(call.problem, plan, call.tensors);
  info->workspace_bytes = static_cast<uint64_t>(space.call + context.options.num_threads * space.task);
  if (complete) {
    std::snprintf(info->reason, sizeof(info->reason), "%s", plan.reason);
  } else {
    info->kernels[0] = '\0';
    std::snprintf(info->reason, sizeof(info->reason), "%s: not in this library for %s", missing, info->isa);
  }
  return complete;
}

/// Makes the call ready for a GPU, if its tensors are on one.
halogen_status begin(const Report &report, const ConvBackwardCall &call, halogen_context *context, Call *record) {
  if (!call.on_gpu()) return HALOGEN_OK;
  const Tensors &t = call.checked;
  return conv_begin_on_gpu(
      report, context, call.device(),
      {&t.input, &t.grad_output, &t.output, &t.weight.tensor, &t.grad_input, &t.grad_weight.tensor, &t.grad_bias},
      record);
}

halogen_status backward_on_gpu(const Report &report, halogen_context *context, const ConvBackwardCall &call,
                               Call *record, bool only_query, halogen_kernel_info *info) {
  ConvGpuGradientPlan plan;
  halogen_kernel_info described = {};
  const bool fits = conv_gpu_gradient_plan(call.problem, call.tensors, &plan);
  std::snprintf(described.isa, sizeof(described.isa), "%s", gpu_name());
  std::snprintf(described.reason, sizeof(described.reason), "%s", plan.reason);
  if (fits) {
    conv_gpu_gradient_kernel_names(call.problem, described.kernels, sizeof(described.kernels));
    described.workspace_bytes = static_cast<uint64_t>(plan.workspace(call.problem));
  }
  if (only_query) write_struct(described, info);
  if (!fits) return fail(report, HALOGEN_ERROR_SIZE, "no kernel fits: %s", plan.reason);
  if (only_query) return HALOGEN_OK;
  halogen_status status = begin(report, call, context, record);
  if (status != HALOGEN_OK) return status;
  status = record->finish(conv_gpu_gradient_run(record, call.problem, plan, call.tensors, call.scalars));
  if (status != HALOGEN_OK) return status;
  if (info != nullptr) write_struct(described, info);
  log_ran(*context, "conv_transpose1d backward", described);
  return HALOGEN_OK;
}

halogen_status backward(halogen_context *context, const halogen_conv_transpose1d_backward_args &args, bool only_query,
                        halogen_kernel_info *info, halogen_error *error) {
  const Report report = {context, error};
  ConvBackwardCall call = {};
  const halogen_status status = check_call(report, args, !only_query, &call);
  if (status != HALOGEN_OK) return status;
  halogen_kernel_info described = {};
  Call record(context, args.stream, call.on_gpu() ? call.device().device_id : 0, error);
  if (!call.wanted || call.empty) {
    std::snprintf(described.reason, sizeof(described.reason), "%s",
                  call.wanted ? "the output is empty: gradients are 0" : "no gradient is asked for");
    if (info != nullptr) write_struct(described, info);
    if (only_query || !call.wanted) return HALOGEN_OK;
    const halogen_status begun = begin(report, call, context, &record);
    if (begun != HALOGEN_OK) return begun;
    return record.finish(call.on_gpu() ? conv_gpu_gradient_clear(&record, call.problem, call.tensors)
                                       : conv_gradient_clear(&record, call.problem, call.tensors));
  }
  if (call.on_gpu()) return backward_on_gpu(report, context, call, &record, only_query, info);
  ConvGradientPlan plan;
  const bool planned = conv_gradient_plan(call.problem, args.path, context->caches, context->options.isa, &plan);
  if (!planned) std::snprintf(described.reason, sizeof(described.reason), "%s", plan.reason);
  const bool fits = planned && describe(*context, call, plan, &described);
  if (only_query) write_struct(described, info);
  if (!fits) {
    return fail(report, planned ? HALOGEN_ERROR_UNSUPPORTED : HALOGEN_ERROR_SIZE, "no kernel fits: %s",
                described.reason);
  }
  if (only_query) return HALOGEN_OK;
  const halogen_status ran = record.finish(conv_gradient_run(&record, call.problem, plan, call.tensors, call.scalars));
  if (ran != HALOGEN_OK) return ran;
  if (info != nullptr) write_struct(described, info);
  log_ran(*context, "conv_transpose1d backward", described);
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_conv_transpose1d_backward(halogen_context *context,
                                                 const halogen_conv_transpose1d_backward_args *args,
                                                 halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (args == nullptr) return fail_null(report, "args");
  halogen_conv_transpose1d_backward_args copy;
  halogen_status status = read_struct(report, "args", args, &copy);
  if (status == HALOGEN_OK && copy.ran != nullptr) status = check_struct(report, "args.ran", copy.ran);
  return status == HALOGEN_OK ? backward(context, copy, false, copy.ran, error) : status;
}

halogen_status halogen_conv_transpose1d_backward_query(halogen_context *context,
                                                       const halogen_conv_transpose1d_backward_args *args,
                                                       halogen_kernel_info *info, halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (args == nullptr) return fail_null(report, "args");
  if (info == nullptr) return fail_null(report, "info");
  halogen_conv_transpose1d_backward_args copy;
  halogen_status status = read_struct(report, "args", args, &copy);
  if (status == HALOGEN_OK) status = check_struct(report, "info", info);
  return status == HALOGEN_OK ? backward(context, copy, true, info, error) : status;
}

}  // extern "C"
