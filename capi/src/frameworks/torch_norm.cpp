// PyTorch's batch and instance normalisation modules: the only place that knows torch's conventions for them.
#include "norm_module.h"
#include "torch_words.h"

namespace halogen {
namespace {

struct TorchNorm {
  NormModule norm;
  double momentum;
  bool momentum_is_none, affine, bias, track_running_stats;
};

const TorchNorm &as_torch(const NormModule &module) { return reinterpret_cast<const TorchNorm &>(module); }

bool own_statistics(const NormModule &module) { return module.base.training || !as_torch(module).track_running_stats; }

/// torch's checks of the input, in torch's order and words.
halogen_status check_input(const Report &report, const NormModule &module, const DLTensor &input) {
  const halogen_status status = check_norm_rank(report, module, input);
  if (status != HALOGEN_OK) return status;
  const TorchNorm &torch = as_torch(module);
  const bool unbatched = module.is_unbatched(input), batch = module.batch();
  const int64_t N = unbatched ? 1 : input.shape[0], C = module.input_channels(input);
  const int64_t spatial = norm_positions(module, input);
  if (C != module.channels) {
    const auto expected = static_cast<long long>(module.channels), got = static_cast<long long>(C);
    if (!batch && torch.affine) {
      return fail(report, HALOGEN_ERROR_CHANNELS,
                  "expected input's size at dim=%d to match num_features (%lld), but got: %lld.", unbatched ? 0 : 1,
                  expected, got);
    }
    // InstanceNorm repeats its running statistics N times before torch compares lengths.
    const long long repeats = batch ? 1 : static_cast<long long>(N);
    if (torch.track_running_stats) {
      return fail(report, HALOGEN_ERROR_CHANNELS, "running_mean should contain %lld elements not %lld", got * repeats,
                  expected * repeats);
    }
    if (batch && torch.affine) {
      return fail(report, HALOGEN_ERROR_CHANNELS, "weight should contain %lld elements not %lld", got, expected);
    }
  }
  if (own_statistics(module) && (batch ? N == 1 && spatial == 1 : spatial == 1)) {
    int64_t sizes[kMaxStateRank] = {1};
    for (int32_t i = 0; i < input.ndim; ++i) sizes[i + unbatched] = input.shape[i];
    return fail(report, HALOGEN_ERROR_TOO_FEW_VALUES,
                "Expected more than 1 %s when training, got input size torch.Size(%s)",
                batch ? "value per channel" : "spatial element", SizeText(sizes, input.ndim + unbatched).text);
  }
  return HALOGEN_OK;
}

halogen_status check_dtype(const Report &report, const NormModule &module, const DLTensor &input) {
  return torch_check_dtype(report, module.base, input);
}

NormUse use(const NormModule &module) {
  const TorchNorm &torch = as_torch(module);
  NormUse use;
  use.given = !own_statistics(module);
  if (!module.base.training || !torch.track_running_stats) return use;
  use.moves = true;
  use.new_weight = torch.momentum;
  auto *counter = const_cast<DLTensor *>(module_tensor(module.base, "num_batches_tracked"));
  auto *batches = reinterpret_cast<int64_t *>(static_cast<char *>(counter->data) + counter->byte_offset);
  if (module.batch()) use.counter = batches;
  if (torch.momentum_is_none) {
    // BatchNorm takes the cumulative average, InstanceNorm leaves the statistics alone.
    use.new_weight = module.batch() ? 1.0 / static_cast<double>(*batches + 1) : 0.0;
  }
  return use;
}

void print(const NormModule &module, Text *text) {
  const TorchNorm &torch = as_torch(module);
  text->add("%s(%lld, eps=", module.type->name, static_cast<long long>(module.channels));
  text->add_float(module.eps);
  text->add(", momentum=");
  if (torch.momentum_is_none) {
    text->add("None");
  } else {
    text->add_float(torch.momentum);
  }
  text->add(", affine=");
  text->add_bool(torch.affine);
  text->add(", bias=");
  text->add_bool(torch.affine && torch.bias);
  text->add(", track_running_stats=");
  text->add_bool(torch.track_running_stats);
  text->add(")");
}

constexpr NormFramework kTorch = {"weight",    "bias", "running_mean", "running_var", check_input,
                                  check_dtype, use,    print};
constexpr ModuleKind kKind = norm_kind<TorchNorm>();
constexpr halogen_norm_scope kBatch = HALOGEN_NORM_SCOPE_BATCH, kInstance = HALOGEN_NORM_SCOPE_INSTANCE;
constexpr NormClass kBatchNorm1d = {&kTorch, "BatchNorm1d", kBatch, 2, 3, false},
                    kBatchNorm2d = {&kTorch, "BatchNorm2d", kBatch, 4, 4, false},
                    kBatchNorm3d = {&kTorch, "BatchNorm3d", kBatch, 5, 5, false},
                    kInstanceNorm1d = {&kTorch, "InstanceNorm1d", kInstance, 2, 3, true},
                    kInstanceNorm2d = {&kTorch, "InstanceNorm2d", kInstance, 3, 4, true},
                    kInstanceNorm3d = {&kTorch, "InstanceNorm3d", kInstance, 4, 5, true};

/// Both classes have the same parameters.
template <class Params>
halogen_status check_params(const Report &report, const Params &p) {
  if (!is_flag(p.affine) || !is_flag(p.track_running_stats) || !is_flag(p.momentum_is_none) || !is_flag(p.bias)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "affine, track_running_stats, momentum_is_none, bias: expected 0 or 1 each, got %d, %d, %d, %d",
                p.affine, p.track_running_stats, p.momentum_is_none, p.bias);
  }
  if (p.reserved != 0) return fail(report, HALOGEN_ERROR_ARGUMENT, "reserved: expected 0, got %d", p.reserved);
  halogen_status status = check_count(report, "num_features", p.num_features);
  if (status != HALOGEN_OK) return status;
  if (!p.momentum_is_none && !(p.momentum >= 0 && p.momentum <= 1)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "momentum: expected a number from 0 to 1, got %g", p.momentum);
  }
  status = check_eps(report, p.eps);
  return status == HALOGEN_OK ? check_place(report, p.dtype, p.device) : status;
}

template <class Params>
halogen_status create(halogen_context *context, const NormClass &type, const Params *given, halogen_module **module,
                      halogen_error *error) {
  const Report report = {context, error};
  Params p;
  halogen_status status = read_params(report, context, given, module, &p);
  if (status == HALOGEN_OK) status = check_params(report, p);
  if (status != HALOGEN_OK) return status;
  const bool affine = p.affine != 0, tracks = p.track_running_stats != 0;
  NormModule *made = nullptr;
  status =
      create_norm(report, context, kKind, type,
                  {affine, affine && p.bias != 0, tracks, tracks, &p.num_features, 1, false}, p.dtype, p.device, &made);
  if (status != HALOGEN_OK) return status;
  made->channels = p.num_features;
  made->eps = p.eps;
  auto *torch = reinterpret_cast<TorchNorm *>(made);
  torch->momentum = p.momentum;
  torch->momentum_is_none = p.momentum_is_none != 0;
  torch->affine = affine;
  torch->bias = p.bias != 0;
  torch->track_running_stats = tracks;
  *module = &made->base;
  return HALOGEN_OK;
}

}  // namespace

halogen_status torch_check_dtype(const Report &report, const halogen_module &module, const DLTensor &input) {
  DLDataType state;
  if (!state_dtype(module, &state) || same_dtype(state, input.dtype)) return HALOGEN_OK;
  const char *why = !same_dtype(state, kFloat32) ? "expect parameter to have scalar type of Float"
                    : input.dtype.bits != 16     ? "all inputs must share same datatype."
                                                 : nullptr;
  if (why == nullptr) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DTYPE, "mixed dtype (CPU): %s (input %s, module %s)", why,
              DtypeText(input.dtype).text, DtypeText(state).text);
}

}  // namespace halogen

using namespace halogen;

extern "C" {

#define HALOGEN_CREATE(name, kind)                                                                     \
  halogen_status halogen_torch_##name##_create(halogen_context *context, const HALOGEN_PARAMS *params, \
                                               halogen_module **module, halogen_error *error) {        \
    return create(context, kind, params, module, error);                                               \
  }
#define HALOGEN_PARAMS halogen_torch_batch_norm_params
HALOGEN_CREATE(batch_norm1d, kBatchNorm1d)
HALOGEN_CREATE(batch_norm2d, kBatchNorm2d)
HALOGEN_CREATE(batch_norm3d, kBatchNorm3d)
#undef HALOGEN_PARAMS
#define HALOGEN_PARAMS halogen_torch_instance_norm_params
HALOGEN_CREATE(instance_norm1d, kInstanceNorm1d)
HALOGEN_CREATE(instance_norm2d, kInstanceNorm2d)
HALOGEN_CREATE(instance_norm3d, kInstanceNorm3d)
#undef HALOGEN_PARAMS
#undef HALOGEN_CREATE

}  // extern "C"
