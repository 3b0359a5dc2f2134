#include "conv.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "conv_run.h"
#include "isa.h"
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
  bool packs, empty;
};

halogen_status check_scalars(const Report &report, const halogen_conv_transpose1d_args &args, ConvScalars *scalars) {
  if (args.path < HALOGEN_CONV_PATH_AUTO || args.path > HALOGEN_CONV_PATH_LENGTH) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "path: expected a halogen_conv_path (0 to %d), got %d",
                HALOGEN_CONV_PATH_LENGTH, static_cast<int>(args.path));
  }
  if (args.activation < HALOGEN_ACTIVATION_NONE || args.activation > HALOGEN_ACTIVATION_TANH) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "activation: expected a halogen_activation (0 to %d), got %d",
                HALOGEN_ACTIVATION_TANH, static_cast<int>(args.activation));
  }
  if (args.input_activation != HALOGEN_ACTIVATION_NONE && args.input_activation != HALOGEN_ACTIVATION_LEAKY_RELU) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "input_activation: expected HALOGEN_ACTIVATION_NONE (0) or _LEAKY_RELU (2), got %d",
                static_cast<int>(args.input_activation));
  }
  const bool leaky = args.activation == HALOGEN_ACTIVATION_LEAKY_RELU;
  const bool input_leaky = args.input_activation == HALOGEN_ACTIVATION_LEAKY_RELU;
  if ((leaky && !std::isfinite(args.activation_slope)) || (input_leaky && !std::isfinite(args.input_slope))) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected a finite number, got %g",
                leaky && !std::isfinite(args.activation_slope) ? "activation_slope" : "input_slope",
                leaky && !std::isfinite(args.activation_slope) ? args.activation_slope : args.input_slope);
  }
  if (args.layout != HALOGEN_LAYOUT_CHANNEL_FIRST && args.layout != HALOGEN_LAYOUT_CHANNEL_LAST) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "layout: expected a halogen_layout (0 or 1), got %d",
                static_cast<int>(args.layout));
  }
  scalars->input_slope = input_leaky ? args.input_slope : 1;
  scalars->tanh = args.activation == HALOGEN_ACTIVATION_TANH;
  scalars->slope = leaky ? args.activation_slope : args.activation == HALOGEN_ACTIVATION_RELU ? 0 : 1;
  return HALOGEN_OK;
}

/// With packed weights stride, dilation and groups are known: 0, or the same again.
halogen_status check_packed(const Report &report, const halogen_conv_transpose1d_args &args, ConvWeightShape *shape) {
  *shape = args.packed->shape;
  const struct {
    const char *name;
    int64_t value, packed;
  } parameters[] = {{"stride", args.stride, shape->stride},
                    {"dilation", args.dilation, shape->dilation},
                    {"groups", args.groups, shape->groups}};
  for (const auto &parameter : parameters) {
    if (parameter.value == 0 || parameter.value == parameter.packed) continue;
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected 0 or the packed weights' %lld, got %lld", parameter.name,
                static_cast<long long>(parameter.packed), static_cast<long long>(parameter.value));
  }
  return HALOGEN_OK;
}

halogen_status check_on_cpu(const Report &report, const Tensor &tensor) {
  const int type = tensor.memory.device.device_type;
  if (type == kDLCPU) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected a tensor on the CPU (device_type %d), got device_type %d",
              tensor.name, kDLCPU, type);
}

halogen_status check_apart(const Report &report, const Tensor &output, const Tensor &other) {
  if (!overlap(output, other)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_OVERLAP, "output: expected memory of its own, got memory that it shares with %s",
              other.name);
}

/// A tensor of 2 or 3 dimensions seen as (N, C, L).
struct View {
  int64_t n, c, l;
  ConvStrides strides;

  View(const Tensor &t, halogen_layout layout) {
    const int32_t last = t.ndim - 1, channels = layout == HALOGEN_LAYOUT_CHANNEL_FIRST ? last - 1 : last;
    const int32_t positions = channels == last ? last - 1 : last;
    n = t.ndim == 3 ? t.shape[0] : 1;
    c = t.shape[channels];
    l = t.shape[positions];
    const auto stride = [&](int32_t d, int64_t dense) {
      return t.shape[d] == 1 ? dense : t.strides != nullptr ? t.strides[d] : d == last ? 1 : t.shape[last];
    };
    // A dimension of extent 1 has the stride that suits kernels best.
    strides.l = stride(positions, 1);
    strides.c = stride(channels, 1);
    strides.n = t.ndim < 3 || n == 1 ? 0 : t.strides != nullptr ? t.strides[0] : t.shape[1] * t.shape[2];
  }
};

/// Shapes of input and output, with or without a batch dimension.
halogen_status check_shapes(const Report &report, const halogen_conv_transpose1d_args &args, const Tensor &input,
                            const Tensor &output, ConvProblem *p) {
  const ConvWeightShape &w = p->shape;
  const bool first = args.layout == HALOGEN_LAYOUT_CHANNEL_FIRST;
  if (input.ndim != 2 && input.ndim != 3) {
    return fail(report, HALOGEN_ERROR_RANK, "input: expected 2 or 3 dimensions, %s, got %d",
                first ? "(C, L) or (N, C, L)" : "(L, C) or (N, L, C)", input.ndim);
  }
  const View x(input, args.layout);
  if (x.c != w.C_in) {
    return fail(report, HALOGEN_ERROR_CHANNELS, "input: expected the weight's %lld channels, got %lld",
                static_cast<long long>(w.C_in), static_cast<long long>(x.c));
  }
  p->N = x.n;
  p->L = x.l;
  p->input = x.strides;
  p->pad_left = args.pad_left;
  const halogen_status status =
      conv_output_length(report, p->L, w.K, w.stride, w.dilation, args.pad_left, args.pad_right, &p->L_out);
  if (status != HALOGEN_OK) return status;
  const int64_t expected[] = {p->N, first ? w.C_out : p->L_out, first ? p->L_out : w.C_out};
  bool same = output.ndim == input.ndim;
  for (int32_t i = 0; same && i < output.ndim; ++i) same = output.shape[i] == expected[i + 3 - output.ndim];
  if (!same) {
    Tensor shape = {};
    shape.shape = expected + 3 - input.ndim;
    shape.ndim = input.ndim;
    char wanted[160], got[160];
    return fail(report, HALOGEN_ERROR_SHAPE, "output: expected the shape %s, got %s", shape_text(shape, wanted),
                shape_text(output, got));
  }
  p->output = View(output, args.layout).strides;
  if (overlaps_itself(output)) {
    return fail(report, HALOGEN_ERROR_LAYOUT,
                "output: expected a place of its own for every element, got strides that "
                "give two the same");
  }
  return HALOGEN_OK;
}

/// A tensor of the call: of the weights' dtype, on the CPU.
halogen_status check_one(const Report &report, const char *name, const DLTensor *tensor, Dtype dtype, bool need_data,
                         Tensor *checked) {
  halogen_status status = check_data(report, name, tensor, need_data, checked);
  if (status == HALOGEN_OK && !same_dtype(checked->dtype, dlpack_of(dtype))) {
    return fail(report, HALOGEN_ERROR_DTYPE, "%s: expected the weight's %s, got %s", name,
                DtypeText(dlpack_of(dtype)).text, DtypeText(checked->dtype).text);
  }
  return status == HALOGEN_OK ? check_on_cpu(report, *checked) : status;
}

halogen_status check_bias(const Report &report, const DLTensor *tensor, const ConvWeightShape &shape, bool need_data,
                          Tensor *checked) {
  const halogen_status status = check_one(report, "bias", tensor, shape.dtype, need_data, checked);
  if (status != HALOGEN_OK) return status;
  if (checked->ndim != 1) {
    return fail(report, HALOGEN_ERROR_RANK, "bias: expected 1 dimension, got %d", checked->ndim);
  }
  if (checked->shape[0] == shape.C_out) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_SHAPE, "bias: expected %lld elements, got %lld",
              static_cast<long long>(shape.C_out), static_cast<long long>(checked->shape[0]));
}

halogen_status check_call(const Report &report, const halogen_conv_transpose1d_args &args, bool need_data,
                          ConvCall *call) {
  ConvProblem &p = call->problem;
  Tensor input, output, bias = {};
  halogen_status status = check_scalars(report, args, &call->scalars);
  if (status != HALOGEN_OK) return status;
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
  status = check_one(report, "input", args.input, p.shape.dtype, need_data, &input);
  if (status == HALOGEN_OK) status = check_one(report, "output", args.output, p.shape.dtype, need_data, &output);
  if (status == HALOGEN_OK) status = check_shapes(report, args, input, output, &p);
  if (status == HALOGEN_OK && args.bias != nullptr) status = check_bias(report, args.bias, p.shape, need_data, &bias);
  if (status == HALOGEN_OK && need_data) {
    status = check_apart(report, output, input);
    if (status == HALOGEN_OK && call->packs) status = check_apart(report, output, call->weight.tensor);
    if (status == HALOGEN_OK && args.bias != nullptr) status = check_apart(report, output, bias);
  }
  if (status != HALOGEN_OK) return status;
  call->layout = call->packs ? conv_layout(p.shape) : args.packed->layout;
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
  const bool complete = conv_kernel_names(plan, call.problem.shape.dtype, call.packs, context.options.isa,
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
      record->note(HALOGEN_ERROR_UNSUPPORTED, plan->reason);
      return halide_error_code_generic_error;
    }
  }
  return conv_run(record, call->problem, call->layout, *plan, call->tensors, call->scalars);
}

}  // namespace

halogen_status conv_output_length(const Report &report, int64_t length, int64_t kernel, int64_t stride,
                                  int64_t dilation, int64_t pad_left, int64_t pad_right, int64_t *output_length) {
  const struct {
    const char *name;
    int64_t value;
  } positive[] = {{"length", length}, {"kernel", kernel}, {"stride", stride}, {"dilation", dilation}};
  for (const auto &parameter : positive) {
    if (parameter.value >= 1) continue;
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected 1 or more, got %lld", parameter.name,
                static_cast<long long>(parameter.value));
  }
  int64_t inputs = 0, taps = 0, full = 0, result = 0;
  if (__builtin_mul_overflow(length - 1, stride, &inputs) || __builtin_mul_overflow(kernel - 1, dilation, &taps) ||
      __builtin_add_overflow(inputs, taps, &full) || __builtin_add_overflow(full, 1, &full) ||
      __builtin_sub_overflow(full, pad_left, &result) || __builtin_sub_overflow(result, pad_right, &result)) {
    return fail(report, HALOGEN_ERROR_SIZE, "output: expected a length below 2^63, got more");
  }
  if (result < 0) {
    return fail(report, HALOGEN_ERROR_SHAPE, "output: expected a length of 0 or more, got %lld",
                static_cast<long long>(result));
  }
  *output_length = result;
  return HALOGEN_OK;
}

halogen_status conv_call(halogen_context *context, const halogen_conv_transpose1d_args &args, bool only_query,
                         halogen_kernel_info *info, halogen_error *error) {
  const Report report = {context, error};
  ConvCall call;
  const halogen_status status = check_call(report, args, !only_query, &call);
  if (status != HALOGEN_OK) return status;

  const bool logs = !only_query && context->options.log != nullptr;
  halogen_kernel_info described = {};
  if (call.empty) {
    if (info != nullptr) {
      std::snprintf(described.reason, sizeof(described.reason), "the output is empty: nothing to compute");
      write_struct(described, info);
    }
    return HALOGEN_OK;
  }
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
  describe(*context, call, plan, &described);
  if (info != nullptr) write_struct(described, info);
  if (logs) {
    char line[320];
    std::snprintf(line, sizeof(line), "conv_transpose1d ran %s", described.kernels);
    context->options.log(context->options.log_user, HALOGEN_LOG_DEBUG, line);
  }
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
