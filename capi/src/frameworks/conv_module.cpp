#include "conv_module.h"

#include "conv.h"

namespace halogen {
namespace {

const ConvModule &as_conv(const halogen_module &module) { return reinterpret_cast<const ConvModule &>(module); }

/// A tensor without one of its dimensions, which is of extent 1.
struct ThinView {
  DLTensor tensor;
  int64_t shape[kMaxStateRank], strides[kMaxStateRank];

  /// @param thin 0: the tensor as it is.
  ThinView(const DLTensor &from, int32_t thin) : tensor(from) {
    if (thin == 0 || from.ndim > kMaxStateRank) return;
    tensor.ndim = 0;
    for (int32_t i = 0; i < from.ndim; ++i) {
      if (i == thin) continue;
      shape[tensor.ndim] = from.shape[i];
      if (from.strides != nullptr) strides[tensor.ndim] = from.strides[i];
      ++tensor.ndim;
    }
    tensor.shape = shape;
    if (from.strides != nullptr) tensor.strides = strides;
  }
  ThinView(const ThinView &) = delete;
  ThinView &operator=(const ThinView &) = delete;
};

/// The dimension that the operator does not see.
halogen_status check_thin(const Report &report, const char *name, const ConvModule &module, const DLTensor &tensor) {
  if (module.thin == 0 || (tensor.ndim == 4 && tensor.shape != nullptr && tensor.shape[module.thin] == 1)) {
    return HALOGEN_OK;
  }
  return fail(report, HALOGEN_ERROR_SHAPE, "%s: expected 4 dimensions, of which dimension %d has an extent of 1", name,
              module.thin);
}

/// The weight, or its gradient, as (C_in, C_out / groups, K).
struct WeightView {
  DLTensor tensor;
  int64_t shape[3];

  WeightView(const ConvModule &module, const DLTensor &from) : tensor(from) {
    const ConvSizes &s = module.sizes;
    shape[0] = s.in_channels;
    shape[1] = s.out_channels / s.groups;
    shape[2] = s.kernel;
    tensor.ndim = 3;
    tensor.shape = shape;
    tensor.strides = nullptr;
  }
  WeightView(const WeightView &) = delete;
  WeightView &operator=(const WeightView &) = delete;
};

/// The weight, packed for as long as it stands. The first thread that has packed it gives it to the others.
halogen_status packed_weight(ConvModule *module, const DLTensor &weight, halogen_error *error,
                             const halogen_conv_weights **packed) {
  void **derived = &module->base.derived;
  *packed = static_cast<const halogen_conv_weights *>(__atomic_load_n(derived, __ATOMIC_ACQUIRE));
  if (*packed != nullptr) return HALOGEN_OK;
  halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
  params.weight = &weight;
  params.stride = module->sizes.stride;
  params.dilation = module->sizes.dilation;
  params.groups = module->sizes.groups;
  halogen_conv_weights *made = nullptr;
  const halogen_status status =
      halogen_conv_transpose1d_weights_create(module->base.context, &params, nullptr, 0, &made, error);
  if (status != HALOGEN_OK) return status;
  void *before = nullptr;
  if (__atomic_compare_exchange_n(derived, &before, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    *packed = made;
  } else {
    halogen_conv_transpose1d_weights_destroy(made);
    *packed = static_cast<const halogen_conv_weights *>(before);
  }
  return HALOGEN_OK;
}

/// The checks of the input, and the crops of the output as far as there is an input. (The operator says what is wrong with one of no
/// length.)
halogen_status check_all(const Report &report, const ConvModule &module, const DLTensor &input, ConvPads *pads,
                         int64_t *output_length) {
  halogen_status status = module.type->check_input(report, module, input);
  if (status == HALOGEN_OK) status = check_device(report, module.base, input);
  const int64_t length = status == HALOGEN_OK ? input.shape[module.length_dim(input)] : 0;
  return length > 0 ? module.type->pads(report, module, input, length, pads, output_length) : status;
}

}  // namespace

halogen_status check_positive(const Report &report, const Positive *parameters, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    if (parameters[i].value >= 1) continue;
    return fail(report, parameters[i].status, "%s: expected 1 or more, got %lld", parameters[i].name,
                static_cast<long long>(parameters[i].value));
  }
  return HALOGEN_OK;
}

halogen_status check_conv(const Report &report, const ConvSizes &s, int64_t padding, int64_t output_padding,
                          const DLDataType &dtype, const DLDevice &device) {
  const halogen_status status = check_place(report, dtype, device);
  if (status != HALOGEN_OK) return status;
  if (padding > INT32_MAX || output_padding > INT32_MAX) {
    return fail(report, HALOGEN_ERROR_SIZE, "padding, output_padding: expected less than 2^31, got %lld, %lld",
                static_cast<long long>(padding), static_cast<long long>(output_padding));
  }
  Dtype known = Dtype::f32;
  dtype_of(dtype, &known);
  if (!conv_sizes_fit({s.in_channels, s.out_channels, s.kernel, s.stride, s.dilation, s.groups, known})) {
    return fail(report, HALOGEN_ERROR_SIZE,
                "weight: expected less than 2^30 elements in a group, with stride and kernel_size * dilation below "
                "2^25, got more");
  }
  return HALOGEN_OK;
}

halogen_status create_conv(const Report &report, halogen_context *context, const ModuleKind &kind,
                           const ConvClass &type, const ConvSizes &sizes, const ConvState &state,
                           const DLDataType &dtype, const DLDevice &device, ConvModule **module) {
  auto *made = reinterpret_cast<ConvModule *>(module_allocate(context, kind, device));
  const auto add = [&](const char *key, const int64_t *shape, int32_t ndim) {
    return module_add_state(&made->base, key, StateRole::parameter, dtype, shape, ndim, false);
  };
  if (made == nullptr || !add("weight", state.weight, state.weight_dims) ||
      (state.bias != nullptr && !add("bias", state.bias, state.bias_dims))) {
    if (made != nullptr) halogen_module_destroy(&made->base);
    return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for a weight of %lld x %lld x %lld",
                static_cast<long long>(sizes.in_channels), static_cast<long long>(sizes.out_channels / sizes.groups),
                static_cast<long long>(sizes.kernel));
  }
  const ConvInitializers inits =
      conv_transpose_initializers(state.defaults, sizes.out_channels, sizes.groups, sizes.kernel);
  for (int32_t i = 0; i < made->base.state_count; ++i) {
    StateEntry &entry = made->base.state[i];
    entry.init = i == 0 ? inits.weight : inits.bias;
    entry.mismatch = i == 0 ? HALOGEN_ERROR_WEIGHT_SHAPE : HALOGEN_ERROR_BIAS_SHAPE;
  }
  made->type = &type;
  made->sizes = sizes;
  *module = made;
  return HALOGEN_OK;
}

halogen_status conv_crops(const Report &report, const ConvPadding &p, ConvPads *pads, int64_t *output_length) {
  const halogen_status status = conv_pads(report, p, pads);
  if (status != HALOGEN_OK) return status;
  int64_t full = 0, cropped = 0;
  if (__builtin_add_overflow((p.length - 1) * p.stride, p.dilation * (p.kernel - 1) + 1, &full) ||
      __builtin_sub_overflow(full, pads->left, &cropped) ||
      __builtin_sub_overflow(cropped, pads->right, output_length)) {
    return fail(report, HALOGEN_ERROR_SIZE, "output: expected a length below 2^63, got more");
  }
  return HALOGEN_OK;
}

halogen_status check_conv_dtype(const Report &report, const ConvModule &module, const DLTensor &input) {
  const DLDataType wanted = module_tensor(module.base, "weight")->dtype;
  if (same_dtype(wanted, input.dtype)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DTYPE, "input: expected %s, as the weight is, got %s", DtypeText(wanted).text,
              DtypeText(input.dtype).text);
}

halogen_status conv_run_module(ConvModule *module, const ForwardCall &call, const ConvPads &pads) {
  const ThinView input(*call.input, module->thin), output(*call.output, module->thin);
  const WeightView weight(*module, *module_tensor(module->base, "weight"));
  const Flat bias(module_tensor(module->base, "bias"));
  halogen_conv_transpose1d_args args = HALOGEN_CONV_TRANSPOSE1D_ARGS_INIT;
  args.input = &input.tensor;
  args.output = &output.tensor;
  args.bias = bias.get();
  args.stride = module->sizes.stride;
  args.dilation = module->sizes.dilation;
  args.groups = module->sizes.groups;
  args.pad_left = pads.left;
  args.pad_right = pads.right;
  args.stream = call.stream;
  args.weight = &weight.tensor;
  // A GPU takes the weight as it is.
  if (!module->base.training && !call.only_query && module->base.device.device_type == kDLCPU) {
    // Checked first, so that a refused call packs nothing.
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    halogen_status status = conv_call(module->base.context, args, true, &info, call.error);
    if (status == HALOGEN_OK) status = packed_weight(module, weight.tensor, call.error, &args.packed);
    if (status != HALOGEN_OK) return status;
    args.weight = nullptr;
  }
  return conv_call(module->base.context, args, call.only_query, call.info, call.error);
}

halogen_status conv_forward(halogen_module *base, const ForwardCall &call) {
  auto *module = reinterpret_cast<ConvModule *>(base);
  const Report report = {base->context, call.error};
  ConvPads pads = {};
  int64_t output_length = 0;
  halogen_status status = check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_all(report, *module, *call.input, &pads, &output_length);
  if (status == HALOGEN_OK) status = check_thin(report, "output", *module, *call.output);
  return status == HALOGEN_OK ? conv_run_module(module, call, pads) : status;
}

halogen_status conv_backward(halogen_module *base, const BackwardCall &call) {
  const ConvModule &module = as_conv(*base);
  const Report report = {base->context, call.error};
  const halogen_module_gradients &gradients = call.gradients;
  ConvPads pads = {};
  int64_t output_length = 0;
  halogen_status status = check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_all(report, module, *call.input, &pads, &output_length);
  if (status == HALOGEN_OK) status = check_thin(report, "grad_output", module, *call.grad_output);
  if (status == HALOGEN_OK && gradients.input != nullptr) {
    status = check_thin(report, "gradients.input", module, *gradients.input);
  }
  if (status == HALOGEN_OK) status = check_gradient(report, *base, "gradients.weight", "weight", gradients.weight);
  if (status == HALOGEN_OK) status = check_gradient(report, *base, "gradients.bias", "bias", gradients.bias);
  if (status != HALOGEN_OK) return status;

  const DLTensor none = {}, *kept = module_tensor(*base, "weight");
  const ThinView input(*call.input, module.thin), grad_output(*call.grad_output, module.thin);
  const ThinView grad_input(gradients.input != nullptr ? *gradients.input : none, module.thin);
  const WeightView weight(module, *kept), grad_weight(module, gradients.weight != nullptr ? *gradients.weight : none);
  const Flat grad_bias(gradients.bias);
  halogen_conv_transpose1d_backward_args args = HALOGEN_CONV_TRANSPOSE1D_BACKWARD_ARGS_INIT;
  args.input = &input.tensor;
  args.grad_output = &grad_output.tensor;
  args.weight = &weight.tensor;
  args.grad_input = gradients.input != nullptr ? &grad_input.tensor : nullptr;
  args.grad_weight = gradients.weight != nullptr ? &grad_weight.tensor : nullptr;
  args.grad_bias = grad_bias.get();
  args.stride = module.sizes.stride;
  args.dilation = module.sizes.dilation;
  args.groups = module.sizes.groups;
  args.pad_left = pads.left;
  args.pad_right = pads.right;
  args.stream = call.stream;
  args.ran = call.info;
  return halogen_conv_transpose1d_backward(base->context, &args, call.error);
}

halogen_status conv_output(const Report &report, const halogen_module &base, const DLTensor &input, OutputForm *form) {
  const ConvModule &module = as_conv(base);
  ConvPads pads = {};
  int64_t output_length = 0;
  const halogen_status status = check_all(report, module, input, &pads, &output_length);
  if (status != HALOGEN_OK) return status;
  *form = same_form(input);
  form->shape[module.channel_dim(input)] = module.sizes.out_channels;
  form->shape[module.length_dim(input)] = output_length;
  return HALOGEN_OK;
}

const char *conv_name(const halogen_module &module) { return as_conv(module).type->name; }

void conv_print(const halogen_module &module, Text *text) { as_conv(module).type->print(as_conv(module), text); }

void conv_drop(void *packed) { halogen_conv_transpose1d_weights_destroy(static_cast<halogen_conv_weights *>(packed)); }

void print_sizes(Text *text, const char *name, const int64_t *values, int32_t count, int64_t usual) {
  bool all_usual = true;
  for (int32_t i = 0; i < count; ++i) all_usual = all_usual && values[i] == usual;
  if (all_usual) return;
  text->add(", %s=", name);
  text->add_tuple(values, count);
}

}  // namespace halogen
