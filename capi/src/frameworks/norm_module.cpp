#include "norm_module.h"

#include "norm.h"

namespace halogen {
namespace {

const NormModule &as_norm(const halogen_module &module) { return reinterpret_cast<const NormModule &>(module); }

/// (C, ...) as (1, C, ...), which is also how torch looks at it.
struct BatchedView {
  DLTensor tensor;
  int64_t shape[8] = {};
  int64_t strides[8] = {};

  BatchedView(const DLTensor &from, bool unbatched) : tensor(from) {
    if (!unbatched || from.shape == nullptr || from.ndim < 0 || from.ndim > 7) return;
    shape[0] = strides[0] = 1;
    for (int32_t i = 0; i < from.ndim; ++i) {
      shape[i + 1] = from.shape[i];
      if (from.strides != nullptr) strides[i + 1] = from.strides[i];
    }
    tensor.ndim = from.ndim + 1;
    tensor.shape = shape;
    if (from.strides != nullptr) tensor.strides = strides;
  }
  BatchedView(const BatchedView &) = delete;
  BatchedView &operator=(const BatchedView &) = delete;
};

halogen_status check_all(const Report &report, const NormModule &module, const DLTensor &input) {
  const NormFramework &framework = *module.type->framework;
  halogen_status status = framework.check_input(report, module, input);
  if (status == HALOGEN_OK) status = framework.check_dtype(report, module, input);
  return status == HALOGEN_OK ? check_device(report, module.base, input) : status;
}

}  // namespace

int64_t norm_positions(const NormModule &module, const DLTensor &input) {
  const int32_t skipped = module.is_unbatched(input) ? 1 : 2;
  const bool last = module.layout == HALOGEN_LAYOUT_CHANNEL_LAST;
  int64_t positions = 1;
  for (int32_t i = last ? 1 : skipped; i < (last ? input.ndim - 1 : input.ndim); ++i) {
    if (__builtin_mul_overflow(positions, input.shape[i], &positions)) return -1;
  }
  return positions;
}

halogen_status check_norm_rank(const Report &report, const NormModule &module, const DLTensor &input) {
  const NormClass &type = *module.type;
  if (input.ndim >= type.least_rank && input.ndim <= type.most_rank) return HALOGEN_OK;
  char ranks[24];
  Text text(ranks, sizeof(ranks));
  text.add("%dD", type.least_rank);
  if (type.most_rank > type.least_rank) text.add(" or %dD", type.most_rank);
  return fail(report, HALOGEN_ERROR_RANK, "expected %s input (got %dD input)", ranks, input.ndim);
}

halogen_status create_norm(const Report &report, halogen_context *context, const ModuleKind &kind,
                           const NormClass &type, const NormState &state, const DLDataType &dtype,
                           const DLDevice &device, NormModule **module) {
  auto *made = reinterpret_cast<NormModule *>(module_allocate(context, kind, device));
  if (made == nullptr) return module_out_of_memory(report, nullptr);
  made->type = &type;
  made->learns = true;
  const NormFramework &keys = *type.framework;
  const auto add = [&](bool wanted, const char *key, StateRole role, bool one) {
    return !wanted || module_add_state(&made->base, key, role, dtype, state.shape, state.ndim, one);
  };
  const auto parameters = [&] {
    return add(state.weight, keys.weight, StateRole::parameter, true) &&
           add(state.bias, keys.bias, StateRole::parameter, false);
  };
  bool complete = state.statistics_first || parameters();
  complete = complete && add(state.statistics, keys.mean, StateRole::statistic, false) &&
             add(state.statistics, keys.var, StateRole::statistic, true);
  complete = complete && (!state.statistics_first || parameters());
  if (complete && state.counter) {
    constexpr DLDataType kInt64 = {kDLInt, 64, 1};
    complete = module_add_state(&made->base, "num_batches_tracked", StateRole::counter, kInt64, nullptr, 0, false);
  }
  if (!complete) return module_out_of_memory(report, &made->base);
  *module = made;
  return HALOGEN_OK;
}

halogen_status norm_forward(halogen_module *base, const ForwardCall &call) {
  const NormModule &module = as_norm(*base);
  const NormFramework &framework = *module.type->framework;
  const Report report = {base->context, call.error};
  halogen_status status = check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_all(report, module, *call.input);
  if (status != HALOGEN_OK) return status;

  const bool unbatched = module.is_unbatched(*call.input);
  const BatchedView input(*call.input, unbatched), output(*call.output, unbatched);
  const Flat weight(module_tensor(*base, framework.weight)), bias(module_tensor(*base, framework.bias));
  const Flat mean(module_tensor(*base, framework.mean)), var(module_tensor(*base, framework.var));
  const NormUse use = framework.use(module);
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  args.scope = module.type->scope;
  args.layout = module.layout;
  args.input = &input.tensor;
  args.output = &output.tensor;
  args.weight = weight.get();
  args.bias = bias.get();
  args.eps = module.eps;
  args.stream = call.stream;
  if (use.given) {
    args.mean = mean.get();
    args.var = var.get();
  } else if (use.moves) {
    args.running_mean = mean.get();
    args.running_var = var.get();
    args.running_var_unbiased = use.unbiased;
    args.running_weight = use.new_weight;
  }
  status = norm_call(base->context, args, call.only_query, call.info, call.error);
  if (status == HALOGEN_OK && use.counter != nullptr && !call.only_query) ++*use.counter;
  return status;
}

halogen_status norm_backward(halogen_module *base, const BackwardCall &call) {
  const NormModule &module = as_norm(*base);
  const NormFramework &framework = *module.type->framework;
  const Report report = {base->context, call.error};
  const halogen_module_gradients &gradients = call.gradients;
  halogen_status status = check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_all(report, module, *call.input);
  const auto check = [&](const char *name, const char *key, const DLTensor *gradient) {
    if (status == HALOGEN_OK) {
      status = check_gradient(report, *base, name, module.learns ? key : nullptr, gradient);
    }
  };
  check("gradients.weight", framework.weight, gradients.weight);
  check("gradients.bias", framework.bias, gradients.bias);
  if (status != HALOGEN_OK) return status;

  const bool unbatched = module.is_unbatched(*call.input);
  const BatchedView input(*call.input, unbatched), grad_output(*call.grad_output, unbatched);
  const BatchedView grad_input(gradients.input != nullptr ? *gradients.input : DLTensor{}, unbatched);
  const Flat weight(module_tensor(*base, framework.weight));
  const Flat mean(module_tensor(*base, framework.mean)), var(module_tensor(*base, framework.var));
  const Flat grad_weight(gradients.weight), grad_bias(gradients.bias);
  halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
  args.scope = module.type->scope;
  args.layout = module.layout;
  args.input = &input.tensor;
  args.grad_output = &grad_output.tensor;
  if (gradients.input != nullptr) args.grad_input = &grad_input.tensor;
  args.weight = weight.get();
  args.grad_weight = grad_weight.get();
  args.grad_bias = grad_bias.get();
  args.eps = module.eps;
  args.stream = call.stream;
  if (framework.use(module).given) {
    args.mean = mean.get();
    args.var = var.get();
  }
  return norm_backward_call(base->context, args, false, call.info, call.error);
}

halogen_status norm_output(const Report &report, const halogen_module &base, const DLTensor &input, OutputForm *form) {
  const halogen_status status = check_all(report, as_norm(base), input);
  if (status == HALOGEN_OK) *form = same_form(input);
  return status;
}

const char *norm_name(const halogen_module &module) { return as_norm(module).type->name; }

void norm_print(const halogen_module &module, Text *text) {
  as_norm(module).type->framework->print(as_norm(module), text);
}

}  // namespace halogen
