#include "group_norm.h"

#include <climits>

#include "norm.h"

namespace halogen {
namespace {

const GroupNormModule &as_group(const halogen_module &module) {
  return reinterpret_cast<const GroupNormModule &>(module);
}

halogen_status check_all(const Report &report, const GroupNormModule &module, const DLTensor &input) {
  halogen_status status = module.words->check_input(report, module, input);
  if (status == HALOGEN_OK) status = module.words->check_dtype(report, module.base, input);
  return status == HALOGEN_OK ? check_device(report, module.base, input) : status;
}

halogen_status forward(halogen_module *base, const ForwardCall &call) {
  const GroupNormModule &module = as_group(*base);
  const Report report = {base->context, call.error};
  halogen_status status = check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_all(report, module, *call.input);
  if (status != HALOGEN_OK) return status;
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  args.scope = HALOGEN_NORM_SCOPE_GROUP;
  args.num_groups = static_cast<int32_t>(module.num_groups);
  args.input = call.input;
  args.output = call.output;
  args.weight = module_tensor(*base, "weight");
  args.bias = module_tensor(*base, "bias");
  args.eps = module.eps;
  args.stream = call.stream;
  return norm_call(base->context, args, call.only_query, call.info, call.error);
}

halogen_status backward(halogen_module *base, const BackwardCall &call) {
  const GroupNormModule &module = as_group(*base);
  const Report report = {base->context, call.error};
  halogen_status status = check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_all(report, module, *call.input);
  if (status == HALOGEN_OK) status = check_gradient(report, *base, "gradients.weight", "weight", call.gradients.weight);
  if (status == HALOGEN_OK) status = check_gradient(report, *base, "gradients.bias", "bias", call.gradients.bias);
  if (status != HALOGEN_OK) return status;
  halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
  args.scope = HALOGEN_NORM_SCOPE_GROUP;
  args.num_groups = static_cast<int32_t>(module.num_groups);
  args.input = call.input;
  args.grad_output = call.grad_output;
  args.grad_input = call.gradients.input;
  args.weight = module_tensor(*base, "weight");
  args.grad_weight = call.gradients.weight;
  args.grad_bias = call.gradients.bias;
  args.eps = module.eps;
  args.stream = call.stream;
  return norm_backward_call(base->context, args, false, call.info, call.error);
}

halogen_status output(const Report &report, const halogen_module &base, const DLTensor &input, OutputForm *form) {
  const halogen_status status = check_all(report, as_group(base), input);
  if (status == HALOGEN_OK) *form = same_form(input);
  return status;
}

const char *name(const halogen_module &module) { return as_group(module).words->name; }

void print(const halogen_module &base, Text *text) {
  const GroupNormModule &module = as_group(base);
  text->add("%s(%lld, %lld, eps=", module.words->name, static_cast<long long>(module.num_groups),
            static_cast<long long>(module.num_channels));
  text->add_float(module.eps);
  print_affine(text, "affine", module.affine, module.bias, module.words->has_bias);
}

constexpr ModuleKind kKind = {sizeof(GroupNormModule), forward, backward, output, name, print, nullptr};

}  // namespace

void print_affine(Text *text, const char *name, bool affine, bool bias, bool has_bias) {
  text->add(", %s=", name);
  text->add_bool(affine);
  if (has_bias) {
    text->add(", bias=");
    text->add_bool(affine && bias);
  }
  text->add(")");
}

int64_t product(const int64_t *extents, int32_t count) {
  int64_t all = 1;
  for (int32_t i = 0; i < count; ++i) {
    if (__builtin_mul_overflow(all, extents[i], &all)) return -1;
  }
  return all;
}

halogen_status create_group_norm(const Report &report, halogen_context *context,
                                 const GroupNormWords<GroupNormModule> &words, const GroupNormParams &p,
                                 halogen_module **module) {
  const long long groups = p.num_groups, channels = p.num_channels;
  if (groups < 1 || channels < 1) {
    return fail(report, groups < 1 ? HALOGEN_ERROR_GROUPS : HALOGEN_ERROR_ARGUMENT,
                "num_groups, num_channels: expected 1 or more, got %lld, %lld", groups, channels);
  }
  if (groups > INT_MAX || channels > INT64_MAX / static_cast<int64_t>(sizeof(double))) {
    return fail(report, HALOGEN_ERROR_SIZE,
                "num_groups, num_channels: expected at most 2^31 - 1 and 2^60 - 1, got %lld, %lld", groups, channels);
  }
  if (channels % groups != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS, "num_channels (%lld) must be divisible by num_groups (%lld)", channels,
                groups);
  }
  if (!is_flag(p.affine) || !is_flag(p.bias)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "affine, bias: expected 0 or 1 each, got %d, %d", p.affine, p.bias);
  }
  halogen_status status = check_eps(report, p.eps);
  if (status == HALOGEN_OK) status = check_place(report, p.dtype, p.device);
  if (status != HALOGEN_OK) return status;
  auto *made = reinterpret_cast<GroupNormModule *>(module_allocate(context, kKind, p.device));
  if (made == nullptr) return module_out_of_memory(report, nullptr);
  made->words = &words;
  made->num_groups = groups;
  made->num_channels = channels;
  made->eps = p.eps;
  made->affine = p.affine != 0;
  made->bias = p.bias != 0;
  const auto add = [&](bool wanted, const char *key, bool one) {
    return !wanted || module_add_state(&made->base, key, StateRole::parameter, p.dtype, &made->num_channels, 1, one);
  };
  if (!add(made->affine, "weight", true) || !add(made->affine && made->bias, "bias", false)) {
    return module_out_of_memory(report, &made->base);
  }
  *module = &made->base;
  return HALOGEN_OK;
}

}  // namespace halogen
