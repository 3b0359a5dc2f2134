#include <cstring>

#include "group_norm.h"
#include "norm.h"

namespace halogen {
namespace {

const LayerNormModule &as_layer(const halogen_module &module) {
  return reinterpret_cast<const LayerNormModule &>(module);
}

/// A tensor as (all dimensions before `split`, all others).
struct Rows {
  DLTensor tensor;
  int64_t shape[2], strides[2];
  bool possible = true;

  Rows(const DLTensor &from, int32_t split) : tensor(from) {
    join(from, 0, split, &shape[0], &strides[0]);
    join(from, split, from.ndim, &shape[1], &strides[1]);
    tensor.ndim = 2;
    tensor.shape = shape;
    if (from.strides != nullptr) tensor.strides = strides;
  }
  Rows(const Rows &) = delete;
  Rows &operator=(const Rows &) = delete;

 private:
  /// Dimensions that run on where the next ends are one.
  void join(const DLTensor &from, int32_t begin, int32_t end, int64_t *extent, int64_t *stride) {
    *extent = *stride = 1;
    for (int32_t d = end - 1; d >= begin; --d) {
      if (from.strides != nullptr && from.shape[d] != 1) {
        if (*extent == 1) *stride = from.strides[d];
        possible = possible && from.strides[d] == *stride * *extent;
      }
      *extent *= from.shape[d];
    }
  }
};

halogen_status check_all(const Report &report, const LayerNormModule &module, const DLTensor &input) {
  halogen_status status = module.words->check_input(report, module, input);
  if (status == HALOGEN_OK) status = module.words->check_dtype(report, module.base, input);
  return status == HALOGEN_OK ? check_device(report, module.base, input) : status;
}

/// A tensor that must be like the input and seen as rows.
halogen_status check_like(const Report &report, const char *name, const DLTensor &input, const DLTensor *other,
                          bool need_data) {
  Tensor checked;
  const halogen_status status = check_data(report, name, other, need_data, &checked);
  if (status != HALOGEN_OK) return status;
  bool same = other->ndim == input.ndim;
  for (int32_t i = 0; same && i < input.ndim; ++i) same = other->shape[i] == input.shape[i];
  if (same) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_SHAPE, "%s: expected the input's shape %s, got %s", name,
              SizeText(input.shape, input.ndim).text, SizeText(other->shape, other->ndim).text);
}

halogen_status check_rows(const Report &report, const char *name, const Rows &rows) {
  if (rows.possible) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_LAYOUT,
              "%s: expected strides without gaps within the normalized dimensions and within the others, got others",
              name);
}

halogen_status forward(halogen_module *base, const ForwardCall &call) {
  const LayerNormModule &module = as_layer(*base);
  const Report report = {base->context, call.error};
  halogen_status status = check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_all(report, module, *call.input);
  if (status == HALOGEN_OK) status = check_like(report, "output", *call.input, call.output, !call.only_query);
  if (status != HALOGEN_OK) return status;
  const int32_t lead = call.input->ndim - module.normalized_dims;
  const Rows x(*call.input, lead), y(*call.output, lead);
  status = check_rows(report, "input", x);
  if (status == HALOGEN_OK) status = check_rows(report, "output", y);
  if (status != HALOGEN_OK) return status;
  const Flat weight(module_tensor(*base, "weight")), bias(module_tensor(*base, "bias"));
  // A row of (N, C) is one group, so that every element has a weight of its own.
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  args.scope = HALOGEN_NORM_SCOPE_GROUP;
  args.num_groups = 1;
  args.input = &x.tensor;
  args.output = &y.tensor;
  args.weight = weight.get();
  args.bias = bias.get();
  args.eps = module.eps;
  args.stream = call.stream;
  return norm_call(base->context, args, call.only_query, call.info, call.error);
}

halogen_status backward(halogen_module *base, const BackwardCall &call) {
  const LayerNormModule &module = as_layer(*base);
  const Report report = {base->context, call.error};
  const halogen_module_gradients &gradients = call.gradients;
  halogen_status status = check_tensors(report, *base, call);
  if (status == HALOGEN_OK) status = check_all(report, module, *call.input);
  if (status == HALOGEN_OK) status = check_like(report, "grad_output", *call.input, call.grad_output, true);
  if (status == HALOGEN_OK && gradients.input != nullptr) {
    status = check_like(report, "gradients.input", *call.input, gradients.input, true);
  }
  if (status == HALOGEN_OK) status = check_gradient(report, *base, "gradients.weight", "weight", gradients.weight);
  if (status == HALOGEN_OK) status = check_gradient(report, *base, "gradients.bias", "bias", gradients.bias);
  if (status != HALOGEN_OK) return status;
  const int32_t lead = call.input->ndim - module.normalized_dims;
  const Rows x(*call.input, lead), dy(*call.grad_output, lead);
  const Rows dx(gradients.input != nullptr ? *gradients.input : *call.input, lead);
  status = check_rows(report, "input", x);
  if (status == HALOGEN_OK) status = check_rows(report, "grad_output", dy);
  if (status == HALOGEN_OK) status = check_rows(report, "gradients.input", dx);
  if (status != HALOGEN_OK) return status;
  const Flat weight(module_tensor(*base, "weight")), grad_weight(gradients.weight), grad_bias(gradients.bias);
  halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
  args.scope = HALOGEN_NORM_SCOPE_GROUP;
  args.num_groups = 1;
  args.input = &x.tensor;
  args.grad_output = &dy.tensor;
  if (gradients.input != nullptr) args.grad_input = &dx.tensor;
  args.weight = weight.get();
  args.grad_weight = grad_weight.get();
  args.grad_bias = grad_bias.get();
  args.eps = module.eps;
  args.stream = call.stream;
  return norm_backward_call(base->context, args, false, call.info, call.error);
}

halogen_status output(const Report &report, const halogen_module &base, const DLTensor &input, OutputForm *form) {
  const halogen_status status = check_all(report, as_layer(base), input);
  if (status == HALOGEN_OK) *form = same_form(input);
  return status;
}

const char *name(const halogen_module &module) { return as_layer(module).words->name; }

void print(const halogen_module &base, Text *text) {
  const LayerNormModule &module = as_layer(base);
  text->add("%s(", module.words->name);
  text->add_tuple(module.normalized_shape, module.normalized_dims);
  text->add(", eps=");
  text->add_float(module.eps);
  print_affine(text, "elementwise_affine", module.affine, module.bias, module.words->has_bias);
}

constexpr ModuleKind kKind = {sizeof(LayerNormModule), forward, backward, output, name, print, nullptr};

}  // namespace

bool has_normalized_shape(const LayerNormModule &module, const DLTensor &input) {
  const int32_t lead = input.ndim - module.normalized_dims;
  bool matches = lead >= 0;
  for (int32_t i = 0; i < module.normalized_dims && matches; ++i) {
    matches = input.shape[lead + i] == module.normalized_shape[i];
  }
  return matches;
}

halogen_status create_layer_norm(const Report &report, halogen_context *context,
                                 const GroupNormWords<LayerNormModule> &words, const LayerNormParams &p,
                                 halogen_module **module) {
  if (p.normalized_dims < 1 || p.normalized_dims > kMaxStateRank) {
    return fail(report, HALOGEN_ERROR_RANK, "normalized_dims: expected 1 to %d, got %d", kMaxStateRank,
                p.normalized_dims);
  }
  if (p.normalized_shape == nullptr) return fail_null(report, "normalized_shape");
  const SizeText shape(p.normalized_shape, p.normalized_dims);
  for (int32_t i = 0; i < p.normalized_dims; ++i) {
    if (p.normalized_shape[i] < 1) {
      return fail(report, HALOGEN_ERROR_ARGUMENT, "normalized_shape: expected 1 or more each, got %s", shape.text);
    }
  }
  const int64_t elements = product(p.normalized_shape, p.normalized_dims);
  if (elements < 0 || elements > INT64_MAX / static_cast<int64_t>(sizeof(double))) {
    return fail(report, HALOGEN_ERROR_SIZE, "normalized_shape: expected at most 2^60 - 1 elements, got %s", shape.text);
  }
  if (!is_flag(p.elementwise_affine) || !is_flag(p.bias)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "elementwise_affine, bias: expected 0 or 1 each, got %d, %d",
                p.elementwise_affine, p.bias);
  }
  halogen_status status = check_eps(report, p.eps);
  if (status == HALOGEN_OK) status = check_place(report, p.dtype, p.device);
  if (status != HALOGEN_OK) return status;
  auto *made = reinterpret_cast<LayerNormModule *>(module_allocate(context, kKind, p.device));
  if (made == nullptr) return module_out_of_memory(report, nullptr);
  made->words = &words;
  made->normalized_dims = p.normalized_dims;
  std::memcpy(made->normalized_shape, p.normalized_shape, static_cast<size_t>(p.normalized_dims) * sizeof(int64_t));
  made->eps = p.eps;
  made->affine = p.elementwise_affine != 0;
  made->bias = p.bias != 0;
  const auto add = [&](bool wanted, const char *key, bool one) {
    return !wanted || module_add_state(&made->base, key, StateRole::parameter, p.dtype, made->normalized_shape,
                                       made->normalized_dims, one);
  };
  if (!add(made->affine, "weight", true) || !add(made->affine && made->bias, "bias", false)) {
    return module_out_of_memory(report, &made->base);
  }
  *module = &made->base;
  return HALOGEN_OK;
}

}  // namespace halogen
