// OneFlow's batch and instance normalisation modules: the only place that knows OneFlow's conventions for them.
#include "norm_module.h"
#include "oneflow_words.h"

namespace halogen {
namespace {

struct OneflowNorm {
  NormModule norm;
  double eps, momentum;  ///< as given
  bool momentum_is_none, affine, track_running_stats;
  bool tracks;  ///< running statistics are more than there
};

const OneflowNorm &as_oneflow(const NormModule &module) { return reinterpret_cast<const OneflowNorm &>(module); }

/// OneFlow's checks of the input, in its words.
halogen_status check_input(const Report &report, const NormModule &module, const DLTensor &input) {
  const OneflowNorm &oneflow = as_oneflow(module);
  if (!module.batch() && module.type->most_rank == 3 && input.ndim == 2) {
    return fail(report, HALOGEN_ERROR_RANK,
                "InstanceNorm1d returns 0-filled tensor to 2D tensor.This is because InstanceNorm1d reshapes inputs "
                "to(1, N * C, ...) from (N, C,...) and this makesvariances 0.");
  }
  const halogen_status status = check_norm_rank(report, module, input);
  if (status != HALOGEN_OK) return status;
  const auto channels = static_cast<long long>(module.input_channels(input)),
             wanted = static_cast<long long>(module.channels);
  if (channels != wanted && module.batch() && (oneflow.affine || oneflow.track_running_stats)) {
    return fail(report, HALOGEN_ERROR_CHANNELS,
                "expected parameters and statistics of the input's channels ((%lld,) vs (%lld,))", wanted, channels);
  }
  if (channels != wanted && !module.batch() && (oneflow.affine || oneflow.tracks)) {
    // OneFlow looks at the input as (N, C, S), and at a weight of another length as it is.
    return fail(
        report, HALOGEN_ERROR_CHANNELS,
        "Error: The size of tensor a (%lld) must match the size of tensor b (%lld) at non-singleton dimension 2",
        static_cast<long long>(norm_positions(module, input)), wanted);
  }
  if (module.batch() && oneflow.momentum_is_none) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "Error: normalization(): argument 'momentum' must be float, not <class 'NoneType'>");
  }
  return HALOGEN_OK;
}

halogen_status check_dtype(const Report &report, const NormModule &module, const DLTensor &input) {
  return oneflow_check_dtype(report, module.base, input);
}

NormUse use(const NormModule &module) {
  const OneflowNorm &oneflow = as_oneflow(module);
  NormUse use;
  if (!oneflow.tracks) return use;
  use.given = !module.base.training;
  if (!module.base.training) return use;
  use.moves = true;
  // The weight of the old statistic is a float32, whatever the data are.
  const float old_weight = 1.0f - static_cast<float>(oneflow.momentum);
  use.new_weight = oneflow.momentum_is_none ? 0.0 : 1.0 - static_cast<double>(old_weight);
  if (!module.batch()) return use;
  auto *counter = const_cast<DLTensor *>(module_tensor(module.base, "num_batches_tracked"));
  use.counter = reinterpret_cast<int64_t *>(static_cast<char *>(counter->data) + counter->byte_offset);
  return use;
}

void print(const NormModule &module, Text *text) {
  const OneflowNorm &oneflow = as_oneflow(module);
  text->add("%s(%lld, eps=", module.type->name, static_cast<long long>(module.channels));
  text->add_float(oneflow.eps);
  text->add(", momentum=");
  if (oneflow.momentum_is_none) {
    text->add("None");
  } else {
    text->add_float(oneflow.momentum);
  }
  text->add(", affine=");
  text->add_bool(oneflow.affine);
  text->add(", track_running_stats=");
  text->add_bool(oneflow.track_running_stats);
  text->add(")");
}

constexpr NormFramework kOneflow = {"weight",    "bias", "running_mean", "running_var", check_input,
                                    check_dtype, use,    print};
constexpr ModuleKind kKind = norm_kind<OneflowNorm>();
constexpr halogen_norm_scope kBatch = HALOGEN_NORM_SCOPE_BATCH, kInstance = HALOGEN_NORM_SCOPE_INSTANCE;
constexpr NormClass kBatchNorm1d = {&kOneflow, "BatchNorm1d", kBatch, 2, 3, false},
                    kBatchNorm2d = {&kOneflow, "BatchNorm2d", kBatch, 4, 4, false},
                    kBatchNorm3d = {&kOneflow, "BatchNorm3d", kBatch, 5, 5, false},
                    kInstanceNorm1d = {&kOneflow, "InstanceNorm1d", kInstance, 3, 3, false},
                    kInstanceNorm2d = {&kOneflow, "InstanceNorm2d", kInstance, 4, 4, false},
                    kInstanceNorm3d = {&kOneflow, "InstanceNorm3d", kInstance, 5, 5, false};

int32_t last_flag(const halogen_oneflow_batch_norm_params &p) { return p.reserved; }
int32_t last_flag(const halogen_oneflow_instance_norm_params &p) { return p.documented_running_stats; }

template <class Params>
halogen_status create(halogen_context *context, const NormClass &type, const Params *given, halogen_module **module,
                      halogen_error *error) {
  const Report report = {context, error};
  const bool batch = type.scope == HALOGEN_NORM_SCOPE_BATCH;
  Params p;
  halogen_status status = read_params(report, context, given, module, &p);
  if (status != HALOGEN_OK) return status;
  if (!is_flag(p.affine) || !is_flag(p.track_running_stats) || !is_flag(p.momentum_is_none) || !is_flag(last_flag(p)) ||
      (batch && last_flag(p) != 0)) {
    return fail(
        report, HALOGEN_ERROR_ARGUMENT,
        "affine, track_running_stats, momentum_is_none, %s: expected 0 or 1 each (reserved: 0), got %d, %d, %d, "
        "%d",
        batch ? "reserved" : "documented_running_stats", p.affine, p.track_running_stats, p.momentum_is_none,
        last_flag(p));
  }
  if (!p.momentum_is_none && !(p.momentum >= 0 && p.momentum <= 1)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "momentum: expected a number from 0 to 1, got %g", p.momentum);
  }
  status = check_count(report, "num_features", p.num_features);
  if (status == HALOGEN_OK) status = check_eps(report, p.eps);
  if (status == HALOGEN_OK) status = check_place(report, p.dtype, p.device);
  if (status != HALOGEN_OK) return status;
  const bool affine = p.affine != 0, statistics = p.track_running_stats != 0;
  NormModule *made = nullptr;
  status = create_norm(report, context, kKind, type,
                       {affine, affine, statistics, statistics, &p.num_features, 1, false}, p.dtype, p.device, &made);
  if (status != HALOGEN_OK) return status;
  made->channels = p.num_features;
  // InstanceNorm is made of tensor operations, which take their numbers as they are.
  made->eps = batch ? as_float32(p.eps) : p.eps;
  auto *oneflow = reinterpret_cast<OneflowNorm *>(made);
  oneflow->eps = p.eps;
  oneflow->momentum = p.momentum;
  oneflow->momentum_is_none = p.momentum_is_none != 0;
  oneflow->affine = affine;
  oneflow->track_running_stats = statistics;
  oneflow->tracks = statistics && (batch || last_flag(p) != 0);
  *module = &made->base;
  return HALOGEN_OK;
}

/// As OneFlow's DataType has it.
const char *type_name(const DLDataType &dtype) {
  if (dtype.code == kDLBfloat) return "kBFloat16";
  return dtype.bits == 64 ? "kDouble" : dtype.bits == 32 ? "kFloat" : "kFloat16";
}

}  // namespace

halogen_status oneflow_check_dtype(const Report &report, const halogen_module &module, const DLTensor &input) {
  DLDataType state = input.dtype;
  state_dtype(module, &state);
  // Statistics of 16-bit data are float32 to OneFlow, which then wants parameters of the data's type.
  if (input.dtype.bits == 16) state = kFloat32;
  if (same_dtype(input.dtype, state)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DTYPE, "InferDataType Failed. Expected %s, but got %s", type_name(input.dtype),
              type_name(state));
}

}  // namespace halogen

using namespace halogen;

extern "C" {

#define HALOGEN_CREATE(scope, rank, kind)                                                                \
  halogen_status halogen_oneflow_##scope##rank##_create(halogen_context *context,                        \
                                                        const halogen_oneflow_##scope##_params *params,  \
                                                        halogen_module **module, halogen_error *error) { \
    return create(context, kind##rank, params, module, error);                                           \
  }
HALOGEN_CREATE(batch_norm, 1d, kBatchNorm)
HALOGEN_CREATE(batch_norm, 2d, kBatchNorm)
HALOGEN_CREATE(batch_norm, 3d, kBatchNorm)
HALOGEN_CREATE(instance_norm, 1d, kInstanceNorm)
HALOGEN_CREATE(instance_norm, 2d, kInstanceNorm)
HALOGEN_CREATE(instance_norm, 3d, kInstanceNorm)
#undef HALOGEN_CREATE

}  // extern "C"
