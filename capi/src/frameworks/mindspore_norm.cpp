// MindSpore's batch and instance normalisation modules: the only place that knows MindSpore's conventions for them.
#include "mindspore_init.h"
#include "norm_module.h"

namespace halogen {
namespace {

struct MindsporeNorm {
  NormModule norm;
  double eps, momentum;  ///< as given
  halogen_tristate use_batch_statistics;
  halogen_mindspore_version version;
};

const MindsporeNorm &as_mindspore(const NormModule &module) { return reinterpret_cast<const MindsporeNorm &>(module); }

/// MindSpore's checks of the input, in its words.
halogen_status check_input(const Report &report, const NormModule &module, const DLTensor &input) {
  const NormClass &type = *module.type;
  if (input.ndim < type.least_rank || input.ndim > type.most_rank) {
    char ranks[40];
    Text text(ranks, sizeof(ranks));
    text.add("%d dims", type.least_rank);
    if (type.most_rank > type.least_rank) text.add(" or %d dims", type.most_rank);
    return fail(report, HALOGEN_ERROR_RANK, "For '%s', the in_shape must have %s, but got %d.", type.name, ranks,
                input.ndim);
  }
  const int64_t channels = module.input_channels(input);
  if (channels == module.channels) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_CHANNELS,
              "For %s, scale.shape[0] should be equal to input_x's channel dimension: %lld, bug got scale.shape[0]: "
              "%lld.",
              module.batch() ? "BatchNorm" : "InstanceNorm", static_cast<long long>(channels),
              static_cast<long long>(module.channels));
}

/// "Float32"
const char *type_name(const DLDataType &dtype) {
  if (dtype.code == kDLBfloat) return "BFloat16";
  return dtype.bits == 64 ? "Float64" : dtype.bits == 32 ? "Float32" : "Float16";
}

/// float16 or float32 data with float32 parameters.
halogen_status check_dtype(const Report &report, const NormModule &module, const DLTensor &input) {
  const char *primitive = module.batch() ? "BatchNorm" : "InstanceNorm";
  if (!same_dtype(input.dtype, kFloat32) && !same_dtype(input.dtype, kFloat16)) {
    return fail(report, HALOGEN_ERROR_DTYPE,
                "For primitive[%s], the input argument[input_x] must be a type of {Tensor[Float16], Tensor[Float32]}, "
                "but got Tensor[%s].",
                primitive, type_name(input.dtype));
  }
  DLDataType state = kFloat32;
  state_dtype(module.base, &state);
  if (same_dtype(state, kFloat32)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DTYPE,
              "For primitive[%s], the input argument[scale] must be a type of {Tensor[Float32]}, but got Tensor[%s].",
              primitive, type_name(state));
}

NormUse use(const NormModule &module) {
  const MindsporeNorm &mindspore = as_mindspore(module);
  NormUse use;
  if (!module.batch()) return use;
  const halogen_tristate wanted = mindspore.use_batch_statistics;
  use.moves = wanted == HALOGEN_TRUE || (wanted == HALOGEN_NONE && module.base.training);
  use.given = !use.moves;
  use.unbiased = mindspore.version != HALOGEN_MINDSPORE_2_0;
  use.new_weight = as_float32(1.0 - mindspore.momentum);
  return use;
}

void print_parameter(const NormModule &module, Text *text, const char *key, const char *name, bool learns) {
  text->add(", %s=Parameter (name=%s, shape=(%lld,), dtype=%s, requires_grad=", key, name,
            static_cast<long long>(module.channels), type_name(module_tensor(module.base, key)->dtype));
  text->add_bool(learns);
  text->add(")");
}

void print(const NormModule &module, Text *text) {
  const MindsporeNorm &mindspore = as_mindspore(module);
  text->add("%s<num_features=%lld, eps=", module.type->name, static_cast<long long>(module.channels));
  text->add_float(mindspore.eps);
  text->add(", momentum=");
  // BatchNorm keeps the weight of the new statistic, InstanceNorm its argument.
  text->add_float(module.batch() ? 1.0 - mindspore.momentum : mindspore.momentum);
  print_parameter(module, text, "gamma", "gamma", module.learns);
  print_parameter(module, text, "beta", "beta", module.learns);
  print_parameter(module, text, "moving_mean", "mean", false);
  print_parameter(module, text, "moving_variance", "variance", false);
  text->add(">");
}

constexpr NormFramework kMindspore = {"gamma",     "beta",      "moving_mean", "moving_variance",
                                      check_input, check_dtype, use,           print};
constexpr ModuleKind kKind = norm_kind<MindsporeNorm>();
constexpr halogen_norm_scope kBatch = HALOGEN_NORM_SCOPE_BATCH, kInstance = HALOGEN_NORM_SCOPE_INSTANCE;
constexpr NormClass kBatchNorm1d = {&kMindspore, "BatchNorm1d", kBatch, 2, 3, false},
                    kBatchNorm2d = {&kMindspore, "BatchNorm2d", kBatch, 4, 4, false},
                    kBatchNorm3d = {&kMindspore, "BatchNorm3d", kBatch, 5, 5, false},
                    kInstanceNorm1d = {&kMindspore, "InstanceNorm1d", kInstance, 3, 3, false},
                    kInstanceNorm2d = {&kMindspore, "InstanceNorm2d", kInstance, 4, 4, false},
                    kInstanceNorm3d = {&kMindspore, "InstanceNorm3d", kInstance, 5, 5, false};

/// What both classes have.
template <class Params>
halogen_status check_params(const Report &report, const NormClass &type, const Params &p) {
  if (p.num_features < 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "For '%s', the 'num_features' must be at least 1, but got %lld.",
                type.name, static_cast<long long>(p.num_features));
  }
  if (!(p.momentum >= 0 && p.momentum <= 1)) {
    char got[32];
    Text(got, sizeof(got)).add_float(p.momentum);
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "For '%s', the 'momentum' must be a number in range [0, 1], but got %s.", type.name, got);
  }
  if (!is_flag(p.affine)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "affine: expected 0 or 1, got %d", p.affine);
  }
  if (p.version < HALOGEN_MINDSPORE_2_7 || p.version > HALOGEN_MINDSPORE_2_0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "version: expected a halogen_mindspore_version, got %d",
                static_cast<int>(p.version));
  }
  halogen_status status = check_count(report, "num_features", p.num_features);
  if (status == HALOGEN_OK) status = check_eps(report, p.eps);
  return status == HALOGEN_OK ? check_place(report, p.dtype, p.device) : status;
}

template <class Params>
halogen_status create(const Report &report, halogen_context *context, const NormClass &type, const Params &p,
                      const MindsporeInit *inits, int32_t init_count, NormModule **module) {
  halogen_status status = check_params(report, type, p);
  for (int32_t i = 0; i < init_count && status == HALOGEN_OK; ++i) {
    status = mindspore_check_init(report, type.name, inits[i], p.device);
  }
  if (status != HALOGEN_OK) return status;
  NormModule *made = nullptr;
  status = create_norm(report, context, kKind, type, {true, true, true, false, &p.num_features, 1, true}, p.dtype,
                       p.device, &made);
  if (status != HALOGEN_OK) return status;
  for (int32_t i = 0; i < init_count && status == HALOGEN_OK; ++i) {
    status = mindspore_apply_init(report, &made->base, inits[i]);
  }
  if (status != HALOGEN_OK) {
    halogen_module_destroy(&made->base);
    return status;
  }
  made->channels = p.num_features;
  made->eps = as_float32(p.eps);
  made->learns = p.affine != 0;
  made->base.training = false;
  auto *mindspore = reinterpret_cast<MindsporeNorm *>(made);
  mindspore->eps = p.eps;
  mindspore->momentum = p.momentum;
  mindspore->version = p.version;
  *module = made;
  return HALOGEN_OK;
}

halogen_status create_batch_norm(halogen_context *context, const NormClass &type,
                                 const halogen_mindspore_batch_norm_params *given, halogen_module **module,
                                 halogen_error *error) {
  const Report report = {context, error};
  halogen_mindspore_batch_norm_params p;
  halogen_status status = read_params(report, context, given, module, &p);
  if (status != HALOGEN_OK) return status;
  if (p.use_batch_statistics < HALOGEN_NONE || p.use_batch_statistics > HALOGEN_FALSE) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "For '%s', the 'use_batch_statistics' must be a boolean value or None, but got %d.", type.name,
                static_cast<int>(p.use_batch_statistics));
  }
  const bool last = p.data_format == HALOGEN_MINDSPORE_NHWC;
  if ((!last && p.data_format != HALOGEN_MINDSPORE_NCHW) || (last && type.least_rank != 4)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "For '%s', the 'format' must be one of ['NCHW', 'NHWC'], and 'NHWC' only for BatchNorm2d, but got %d.",
                type.name, static_cast<int>(p.data_format));
  }
  const MindsporeInit inits[] = {{"gamma_init", "gamma", &p.gamma_init},
                                 {"beta_init", "beta", &p.beta_init},
                                 {"moving_mean_init", "moving_mean", &p.moving_mean_init},
                                 {"moving_var_init", "moving_variance", &p.moving_var_init}};
  NormModule *made = nullptr;
  status = create(report, context, type, p, inits, 4, &made);
  if (status != HALOGEN_OK) return status;
  made->layout = last ? HALOGEN_LAYOUT_CHANNEL_LAST : HALOGEN_LAYOUT_CHANNEL_FIRST;
  reinterpret_cast<MindsporeNorm *>(made)->use_batch_statistics = p.use_batch_statistics;
  *module = &made->base;
  return HALOGEN_OK;
}

halogen_status create_instance_norm(halogen_context *context, const NormClass &type,
                                    const halogen_mindspore_instance_norm_params *given, halogen_module **module,
                                    halogen_error *error) {
  const Report report = {context, error};
  halogen_mindspore_instance_norm_params p;
  halogen_status status = read_params(report, context, given, module, &p);
  if (status != HALOGEN_OK) return status;
  const MindsporeInit inits[] = {{"gamma_init", "gamma", &p.gamma_init}, {"beta_init", "beta", &p.beta_init}};
  NormModule *made = nullptr;
  status = create(report, context, type, p, inits, 2, &made);
  if (status == HALOGEN_OK) *module = &made->base;
  return status;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

#define HALOGEN_CREATE(scope, rank, kind)                                                                   \
  halogen_status halogen_mindspore_##scope##rank##_create(halogen_context *context,                         \
                                                          const halogen_mindspore_##scope##_params *params, \
                                                          halogen_module **module, halogen_error *error) {  \
    return create_##scope(context, kind##rank, params, module, error);                                      \
  }
HALOGEN_CREATE(batch_norm, 1d, kBatchNorm)
HALOGEN_CREATE(batch_norm, 2d, kBatchNorm)
HALOGEN_CREATE(batch_norm, 3d, kBatchNorm)
HALOGEN_CREATE(instance_norm, 1d, kInstanceNorm)
HALOGEN_CREATE(instance_norm, 2d, kInstanceNorm)
HALOGEN_CREATE(instance_norm, 3d, kInstanceNorm)
#undef HALOGEN_CREATE

}  // extern "C"
