// MegEngine's batch and instance normalisation modules: the only place that knows MegEngine's conventions for them.
#include "megengine_words.h"
#include "norm_module.h"

namespace halogen {
namespace {

struct MegengineNorm {
  NormModule norm;
  double eps, momentum;  ///< as given
  bool momentum_is_none, affine, track_running_stats, freeze;
};

const MegengineNorm &as_megengine(const NormModule &module) { return reinterpret_cast<const MegengineNorm &>(module); }

/// Training, with the batch's statistics.
bool trains(const NormModule &module) { return module.base.training && !as_megengine(module).freeze; }

halogen_status check_input(const Report &report, const NormModule &module, const DLTensor &input) {
  if (!module.batch() && input.ndim != 4) {
    return fail(report, HALOGEN_ERROR_RANK, "expected 4D input (got %dD input): %s", input.ndim, kMegengineAsyncError);
  }
  halogen_status status = check_norm_rank(report, module, input);
  if (status != HALOGEN_OK) return status;
  const MegengineNorm &megengine = as_megengine(module);
  // MegEngine itself reads past the end of parameters that are too few.
  const int64_t channels = module.input_channels(input);
  if (channels != module.channels && (!module.batch() || megengine.affine || megengine.track_running_stats)) {
    return fail(report, HALOGEN_ERROR_CHANNELS, "expected an input of %lld channels, got %lld",
                static_cast<long long>(module.channels), static_cast<long long>(channels));
  }
  if (module.batch() && megengine.momentum_is_none && trains(module) && megengine.track_running_stats) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "momentum: unsupported operand type(s) for -: 'int' and 'NoneType'");
  }
  return HALOGEN_OK;
}

/// float32; BatchNorm also float16 with float32 parameters, InstanceNorm with its own.
halogen_status check_dtype(const Report &report, const NormModule &module, const DLTensor &input) {
  const bool half = same_dtype(input.dtype, kFloat16);
  DLDataType state = module.batch() ? kFloat32 : input.dtype;
  state_dtype(module.base, &state);
  const DLDataType wanted = module.batch() ? kFloat32 : input.dtype;
  if ((half || same_dtype(input.dtype, kFloat32)) && same_dtype(state, wanted)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DTYPE, "input: expected float32 or float16, with parameters of %s, got %s and %s",
              module.batch() ? "float32" : "the same", DtypeText(input.dtype).text, DtypeText(state).text);
}

NormUse use(const NormModule &module) {
  const MegengineNorm &megengine = as_megengine(module);
  NormUse use;
  if (!module.batch()) return use;
  use.given = !trains(module) && megengine.track_running_stats;
  use.moves = trains(module) && megengine.track_running_stats;
  use.new_weight = as_float32(1.0 - megengine.momentum);
  return use;
}

void print(const NormModule &module, Text *text) {
  const MegengineNorm &megengine = as_megengine(module);
  text->add(module.batch() ? "%s(%lld, eps=" : "%s(channels=%lld, eps=", module.type->name,
            static_cast<long long>(module.channels));
  text->add_float(megengine.eps);
  if (module.batch()) {
    text->add(", momentum=");
    if (megengine.momentum_is_none) {
      text->add("None");
    } else {
      text->add_float(megengine.momentum);
    }
  }
  text->add(", affine=");
  text->add_bool(megengine.affine);
  if (module.batch()) {
    text->add(", track_running_stats=");
    text->add_bool(megengine.track_running_stats);
  }
  text->add(")");
}

constexpr NormFramework kMegengine = {"weight",    "bias", "running_mean", "running_var", check_input,
                                      check_dtype, use,    print};
constexpr ModuleKind kKind = norm_kind<MegengineNorm>();
constexpr NormClass kBatchNorm1d = {&kMegengine, "BatchNorm1d", HALOGEN_NORM_SCOPE_BATCH, 2, 3, false},
                    kBatchNorm2d = {&kMegengine, "BatchNorm2d", HALOGEN_NORM_SCOPE_BATCH, 4, 4, false},
                    kInstanceNorm = {&kMegengine, "InstanceNorm", HALOGEN_NORM_SCOPE_INSTANCE, 4, 4, false};

halogen_status check_batch_norm(const Report &report, const halogen_megengine_batch_norm_params &p) {
  if (!is_flag(p.affine) || !is_flag(p.track_running_stats) || !is_flag(p.momentum_is_none) || !is_flag(p.freeze)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "affine, track_running_stats, momentum_is_none, freeze: expected 0 or 1 each, got %d, %d, %d, %d",
                p.affine, p.track_running_stats, p.momentum_is_none, p.freeze);
  }
  if (p.freeze != 0 && p.track_running_stats == 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "track_running_stats must be initilized to True if freeze is True");
  }
  const halogen_status status = check_count(report, "num_features", p.num_features);
  if (status != HALOGEN_OK) return status;
  if (!p.momentum_is_none && !(p.momentum >= 0 && p.momentum <= 1)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "momentum: expected a number from 0 to 1, got %g", p.momentum);
  }
  return HALOGEN_OK;
}

halogen_status create(const Report &report, halogen_context *context, const NormClass &type, int64_t channels,
                      double eps, const NormState &state, const DLDataType &dtype, const DLDevice &device,
                      MegengineNorm **module) {
  halogen_status status = check_eps(report, eps);
  if (status == HALOGEN_OK) status = check_place(report, dtype, device);
  NormModule *made = nullptr;
  if (status == HALOGEN_OK) status = create_norm(report, context, kKind, type, state, dtype, device, &made);
  if (status != HALOGEN_OK) return status;
  made->channels = channels;
  made->eps = as_float32(eps);
  *module = reinterpret_cast<MegengineNorm *>(made);
  (*module)->eps = eps;
  (*module)->affine = state.weight;
  (*module)->track_running_stats = state.statistics;
  return HALOGEN_OK;
}

halogen_status create_batch_norm(halogen_context *context, const NormClass &type,
                                 const halogen_megengine_batch_norm_params *given, halogen_module **module,
                                 halogen_error *error) {
  const Report report = {context, error};
  halogen_megengine_batch_norm_params p;
  halogen_status status = read_params(report, context, given, module, &p);
  if (status == HALOGEN_OK) status = check_batch_norm(report, p);
  if (status != HALOGEN_OK) return status;
  const int64_t shape[] = {1, p.num_features, 1, 1};
  const bool affine = p.affine != 0;
  MegengineNorm *made = nullptr;
  status = create(report, context, type, p.num_features, p.eps,
                  {affine, affine, p.track_running_stats != 0, false, shape, 4, false}, p.dtype, p.device, &made);
  if (status != HALOGEN_OK) return status;
  made->momentum = p.momentum;
  made->momentum_is_none = p.momentum_is_none != 0;
  made->freeze = p.freeze != 0;
  made->norm.learns = p.freeze == 0;
  *module = &made->norm.base;
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_megengine_batch_norm1d_create(halogen_context *context,
                                                     const halogen_megengine_batch_norm_params *params,
                                                     halogen_module **module, halogen_error *error) {
  return create_batch_norm(context, kBatchNorm1d, params, module, error);
}

halogen_status halogen_megengine_batch_norm2d_create(halogen_context *context,
                                                     const halogen_megengine_batch_norm_params *params,
                                                     halogen_module **module, halogen_error *error) {
  return create_batch_norm(context, kBatchNorm2d, params, module, error);
}

halogen_status halogen_megengine_instance_norm_create(halogen_context *context,
                                                      const halogen_megengine_instance_norm_params *params,
                                                      halogen_module **module, halogen_error *error) {
  const Report report = {context, error};
  halogen_megengine_instance_norm_params p;
  halogen_status status = read_params(report, context, params, module, &p);
  if (status == HALOGEN_OK) status = check_count(report, "num_channels", p.num_channels);
  if (status != HALOGEN_OK) return status;
  if (!is_flag(p.affine) || p.reserved != 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "affine, reserved: expected 0 or 1, and 0, got %d, %d", p.affine,
                p.reserved);
  }
  MegengineNorm *made = nullptr;
  status = create(report, context, kInstanceNorm, p.num_channels, p.eps,
                  {p.affine != 0, p.affine != 0, false, false, &p.num_channels, 1, false}, p.dtype, p.device, &made);
  if (status == HALOGEN_OK) *module = &made->norm.base;
  return status;
}

}  // extern "C"
