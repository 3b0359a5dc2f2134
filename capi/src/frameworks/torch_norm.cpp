// PyTorch's batch and instance normalisation modules: the only place that knows torch's conventions for them.
#include "norm.h"
#include "torch_module.h"

namespace halogen {
namespace {

/// One torch class.
struct TorchNorm {
  halogen_norm_scope scope;
  int32_t least_rank, most_rank;
  bool unbatched;     ///< the lesser rank is (C, ...)
  const char *ranks;  ///< as torch's message has them
};

constexpr halogen_norm_scope kBatch = HALOGEN_NORM_SCOPE_BATCH, kInstance = HALOGEN_NORM_SCOPE_INSTANCE;
constexpr TorchNorm kBatchNorm1d = {kBatch, 2, 3, false, "2D or 3D"}, kBatchNorm2d = {kBatch, 4, 4, false, "4D"},
                    kBatchNorm3d = {kBatch, 5, 5, false, "5D"};
constexpr TorchNorm kInstanceNorm1d = {kInstance, 2, 3, true, "2D or 3D"},
                    kInstanceNorm2d = {kInstance, 3, 4, true, "3D or 4D"},
                    kInstanceNorm3d = {kInstance, 4, 5, true, "4D or 5D"};

/// The parameters of both classes have the same fields.
struct TorchNormParams {
  int64_t num_features;
  double eps, momentum;
  bool momentum_is_none, affine, track_running_stats;
};

struct TorchNormModule {
  halogen_module base;
  const TorchNorm *kind;
  TorchNormParams params;
};

constexpr DLDataType kInt64 = {kDLInt, 64, 1};

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

bool is_unbatched(const TorchNorm &kind, const DLTensor &input) {
  return kind.unbatched && input.ndim == kind.least_rank;
}

/// torch's checks of the input, in torch's order and words.
halogen_status check_input(const Report &report, const TorchNormModule &module, const DLTensor &given,
                           bool own_statistics) {
  const TorchNorm &kind = *module.kind;
  if (given.ndim < kind.least_rank || given.ndim > kind.most_rank) {
    return fail(report, HALOGEN_ERROR_RANK, "expected %s input (got %dD input)", kind.ranks, given.ndim);
  }
  const bool unbatched = is_unbatched(kind, given);
  const BatchedView view(given, unbatched);
  const DLTensor &input = view.tensor;
  const int64_t N = input.shape[0], C = input.shape[1];
  const bool batch = kind.scope == HALOGEN_NORM_SCOPE_BATCH;
  int64_t spatial = 1;
  for (int32_t i = 2; i < input.ndim; ++i) {
    if (__builtin_mul_overflow(spatial, input.shape[i], &spatial)) spatial = -1;
  }
  if (C != module.params.num_features) {
    const auto expected = static_cast<long long>(module.params.num_features), got = static_cast<long long>(C);
    if (!batch && module.params.affine) {
      return fail(report, HALOGEN_ERROR_CHANNELS,
                  "expected input's size at dim=%d to match num_features (%lld), but got: %lld.", unbatched ? 0 : 1,
                  expected, got);
    }
    // InstanceNorm repeats its running statistics N times before torch compares lengths.
    const long long repeats = batch ? 1 : static_cast<long long>(N);
    if (module.params.track_running_stats) {
      return fail(report, HALOGEN_ERROR_CHANNELS, "running_mean should contain %lld elements not %lld", got * repeats,
                  expected * repeats);
    }
    if (batch && module.params.affine) {
      return fail(report, HALOGEN_ERROR_CHANNELS, "weight should contain %lld elements not %lld", got, expected);
    }
  }
  if (own_statistics && (batch ? N == 1 && spatial == 1 : spatial == 1)) {
    return fail(report, HALOGEN_ERROR_TOO_FEW_VALUES,
                "Expected more than 1 %s when training, got input size torch.Size(%s)",
                batch ? "value per channel" : "spatial element", TorchSizes(input.shape, input.ndim).text);
  }
  return HALOGEN_OK;
}

halogen_status forward(halogen_module *base, const ForwardCall &call) {
  auto &module = *reinterpret_cast<TorchNormModule *>(base);
  const TorchNormParams &params = module.params;
  const Report report = {base->context, call.error};
  halogen_status status = torch_check_tensors(report, *base, call);
  if (status != HALOGEN_OK) return status;

  const bool batch = module.kind->scope == HALOGEN_NORM_SCOPE_BATCH;
  const bool own_statistics = base->training || !params.track_running_stats;
  status = check_input(report, module, *call.input, own_statistics);
  if (status == HALOGEN_OK) status = torch_check_input(report, *base, *call.input);
  if (status != HALOGEN_OK) return status;

  const bool unbatched = is_unbatched(*module.kind, *call.input);
  const BatchedView input(*call.input, unbatched), output(*call.output, unbatched);
  // Without parameters and statistics torch takes any number of channels; the vectors, if any, have num_features.
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  args.scope = module.kind->scope;
  args.input = &input.tensor;
  args.output = &output.tensor;
  args.weight = torch_state(*base, "weight");
  args.bias = torch_state(*base, "bias");
  args.eps = params.eps;
  args.stream = call.stream;

  auto *tracked = const_cast<DLTensor *>(torch_state(*base, "num_batches_tracked"));
  int64_t *batches = tracked != nullptr
                         ? reinterpret_cast<int64_t *>(static_cast<char *>(tracked->data) + tracked->byte_offset)
                         : nullptr;
  const bool counts = batch && base->training && params.track_running_stats;
  if (!own_statistics) {
    args.mean = torch_state(*base, "running_mean");
    args.var = torch_state(*base, "running_var");
  } else if (base->training && params.track_running_stats) {
    args.running_mean = torch_state(*base, "running_mean");
    args.running_var = torch_state(*base, "running_var");
    args.running_var_unbiased = 1;
    // momentum=None: BatchNorm takes the cumulative average, InstanceNorm leaves the statistics alone.
    args.running_weight = !params.momentum_is_none ? params.momentum
                          : batch                  ? 1.0 / static_cast<double>(*batches + 1)
                                                   : 0.0;
  }
  status = norm_call(base->context, args, call.only_query, call.info, call.error);
  if (status == HALOGEN_OK && counts && !call.only_query) ++*batches;
  return status;
}

halogen_status check_params(const Report &report, const TorchNormParams &params) {
  if (params.num_features < 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "num_features: expected 1 or more, got %lld",
                static_cast<long long>(params.num_features));
  }
  if (params.num_features > INT64_MAX / static_cast<int64_t>(sizeof(double))) {
    return fail(report, HALOGEN_ERROR_SIZE, "num_features: expected at most 2^60 - 1, got %lld",
                static_cast<long long>(params.num_features));
  }
  if (!params.momentum_is_none && !(params.momentum >= 0 && params.momentum <= 1)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "momentum: expected a number from 0 to 1, got %g", params.momentum);
  }
  return HALOGEN_OK;
}

template <class Params>
halogen_status create(halogen_context *context, const TorchNorm &kind, const Params *given, halogen_module **module,
                      halogen_error *error) {
  const Report report = {context, error};
  Params read;
  halogen_status status = read_params(report, context, given, module, &read);
  if (status != HALOGEN_OK) return status;
  if (!is_flag(read.affine) || !is_flag(read.track_running_stats) || !is_flag(read.momentum_is_none) ||
      !is_flag(read.bias)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "affine, track_running_stats, momentum_is_none, bias: expected 0 or 1 each, got %d, %d, %d, %d",
                read.affine, read.track_running_stats, read.momentum_is_none, read.bias);
  }
  const TorchNormParams params = {read.num_features,          read.eps,         read.momentum,
                                  read.momentum_is_none != 0, read.affine != 0, read.track_running_stats != 0};
  status = check_params(report, params);
  if (status == HALOGEN_OK) status = torch_check_create(report, params.eps, read.dtype, read.device);
  if (status != HALOGEN_OK) return status;

  auto *made = reinterpret_cast<TorchNormModule *>(module_allocate(context, sizeof(TorchNormModule)));
  if (made == nullptr) return torch_out_of_memory(report, nullptr);
  made->kind = &kind;
  made->params = params;
  made->base.forward = forward;
  made->base.device = read.device;
  const auto add = [&](const char *key, bool one) {
    return module_add_state(&made->base, key, read.dtype, &params.num_features, 1, one);
  };
  bool complete = !params.affine || (add("weight", true) && (read.bias == 0 || add("bias", false)));
  if (complete && params.track_running_stats) {
    complete = add("running_mean", false) && add("running_var", true) &&
               module_add_state(&made->base, "num_batches_tracked", kInt64, nullptr, 0, false);
  }
  if (!complete) return torch_out_of_memory(report, &made->base);
  *module = &made->base;
  return HALOGEN_OK;
}

}  // namespace
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
