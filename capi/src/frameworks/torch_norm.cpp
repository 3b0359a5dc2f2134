// PyTorch's batch and instance normalisation modules: the only place that knows torch's conventions for them.
#include <halogen/torch.h>

#include <cmath>
#include <cstdio>
#include <cstring>

#include "module.h"
#include "norm.h"
#include "struct_size.h"
#include "tensor.h"

namespace halogen {
namespace {

/// One torch class. Another rank is another row.
struct TorchNorm {
  halogen_norm_scope scope;
  int32_t batched_rank;    ///< dimensions of (N, C, ...)
  bool accepts_unbatched;  ///< also (C, ...)
  const char *ranks;       ///< as torch's message has them
};

constexpr TorchNorm kBatchNorm2d = {HALOGEN_NORM_SCOPE_BATCH, 4, false, "4D"};
constexpr TorchNorm kInstanceNorm2d = {HALOGEN_NORM_SCOPE_INSTANCE, 4, true, "3D or 4D"};

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

/// "torch.Size([2, 3, 4, 4])". torch looks at an unbatched input as a batch of one.
const char *size_text(const DLTensor &tensor, bool unbatched, char (&text)[200]) {
  size_t used = static_cast<size_t>(std::snprintf(text, sizeof(text), "torch.Size([%s", unbatched ? "1, " : ""));
  for (int32_t i = 0; i < tensor.ndim && used < sizeof(text); ++i) {
    used += static_cast<size_t>(std::snprintf(text + used, sizeof(text) - used, "%s%lld", i > 0 ? ", " : "",
                                              static_cast<long long>(tensor.shape[i])));
  }
  if (used < sizeof(text)) std::snprintf(text + used, sizeof(text) - used, "])");
  return text;
}

/// torch's checks of the input, in torch's order and words.
halogen_status check_input(const Report &report, const TorchNormModule &module, const DLTensor &input,
                           bool own_statistics) {
  const TorchNorm &kind = *module.kind;
  const bool batched = input.ndim == kind.batched_rank;
  if (!batched && !(kind.accepts_unbatched && input.ndim == kind.batched_rank - 1)) {
    return fail(report, HALOGEN_ERROR_RANK, "expected %s input (got %dD input)", kind.ranks, input.ndim);
  }
  const int32_t channel_dim = batched ? 1 : 0;
  const int64_t N = batched ? input.shape[0] : 1, C = input.shape[channel_dim];
  const bool batch = kind.scope == HALOGEN_NORM_SCOPE_BATCH;
  int64_t spatial = 1;
  for (int32_t i = channel_dim + 1; i < input.ndim; ++i) {
    if (__builtin_mul_overflow(spatial, input.shape[i], &spatial)) spatial = -1;
  }
  if (C != module.params.num_features) {
    const auto expected = static_cast<long long>(module.params.num_features), got = static_cast<long long>(C);
    if (!batch && module.params.affine) {
      return fail(report, HALOGEN_ERROR_CHANNELS,
                  "expected input's size at dim=%d to match num_features (%lld), but got: %lld.", channel_dim, expected,
                  got);
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
    char text[200];
    return fail(report, HALOGEN_ERROR_TOO_FEW_VALUES, "Expected more than 1 %s when training, got input size %s",
                batch ? "value per channel" : "spatial element", size_text(input, !batched, text));
  }
  return HALOGEN_OK;
}

/// (C, ...) as (1, C, ...).
struct BatchedView {
  DLTensor tensor;
  int64_t shape[8];
  int64_t strides[8];

  BatchedView(const DLTensor &from, int32_t batched_rank) : tensor(from) {
    if (from.ndim >= batched_rank || from.shape == nullptr) return;
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

/// The tensor of a state entry; NULL where the module has none.
const DLTensor *state(const TorchNormModule &module, const char *key) {
  const StateEntry *entry = module_find(&module.base, key);
  return entry != nullptr ? &entry->tensor : nullptr;
}

halogen_status check_bound(const Report &report, const halogen_module &module) {
  for (int32_t i = 0; i < module.state_count; ++i) {
    if (module.state[i].tensor.data == nullptr) {
      return fail(report, HALOGEN_ERROR_NULL_POINTER,
                  "%s: expected memory on the GPU, got none: halogen_module_bind_state() gives it",
                  module.state[i].key);
    }
  }
  return HALOGEN_OK;
}

halogen_status forward(halogen_module *base, const ForwardCall &call) {
  auto &module = *reinterpret_cast<TorchNormModule *>(base);
  const TorchNormParams &params = module.params;
  const Report report = {base->context, call.error};
  // Whatever the tensors are checked for again below, shape must be readable here.
  Tensor checked;
  halogen_status status = check_tensor(report, "input", call.input, kFloat32, !call.only_query, &checked);
  if (status == HALOGEN_OK && call.output == nullptr) status = fail_null(report, "output");
  if (status == HALOGEN_OK && !call.only_query) status = check_bound(report, *base);
  if (status != HALOGEN_OK) return status;

  const bool batch = module.kind->scope == HALOGEN_NORM_SCOPE_BATCH;
  const bool own_statistics = base->training || !params.track_running_stats;
  status = check_input(report, module, *call.input, own_statistics);
  if (status != HALOGEN_OK) return status;
  if (call.input->device.device_type != base->device.device_type ||
      call.input->device.device_id != base->device.device_id) {
    return fail(report, HALOGEN_ERROR_DEVICE, "input: expected the module's device (type %d, id %d), got (%d, %d)",
                static_cast<int>(base->device.device_type), base->device.device_id,
                static_cast<int>(call.input->device.device_type), call.input->device.device_id);
  }

  const BatchedView input(*call.input, module.kind->batched_rank),
      output(*call.output, call.input->ndim == module.kind->batched_rank ? 0 : module.kind->batched_rank);
  // Without parameters and statistics torch takes any number of channels; the vectors, if any, have num_features.
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  args.scope = module.kind->scope;
  args.input = &input.tensor;
  args.output = &output.tensor;
  args.weight = state(module, "weight");
  args.bias = state(module, "bias");
  args.eps = params.eps;
  args.stream = call.stream;

  auto *tracked = const_cast<DLTensor *>(state(module, "num_batches_tracked"));
  int64_t *batches = tracked != nullptr
                         ? reinterpret_cast<int64_t *>(static_cast<char *>(tracked->data) + tracked->byte_offset)
                         : nullptr;
  const bool counts = batch && base->training && params.track_running_stats;
  if (!own_statistics) {
    args.mean = state(module, "running_mean");
    args.var = state(module, "running_var");
  } else if (base->training && params.track_running_stats) {
    args.running_mean = state(module, "running_mean");
    args.running_var = state(module, "running_var");
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

halogen_status check_params(const Report &report, const TorchNormParams &params, const DLDataType &dtype,
                            const DLDevice &device) {
  if (params.num_features < 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "num_features: expected 1 or more, got %lld",
                static_cast<long long>(params.num_features));
  }
  if (params.num_features > INT64_MAX / static_cast<int64_t>(sizeof(float))) {
    return fail(report, HALOGEN_ERROR_SIZE, "num_features: expected at most 2^61 - 1, got %lld",
                static_cast<long long>(params.num_features));
  }
  if (!(params.eps >= 0) || !std::isfinite(params.eps)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "eps: expected a finite number of 0 or more, got %g", params.eps);
  }
  if (!params.momentum_is_none && !(params.momentum >= 0 && params.momentum <= 1)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "momentum: expected a number from 0 to 1, got %g", params.momentum);
  }
  if (dtype.code != kFloat32.code || dtype.bits != kFloat32.bits || dtype.lanes != 1) {
    return fail(report, HALOGEN_ERROR_DTYPE, "dtype: expected float32, got %s", DtypeText(dtype).text);
  }
  const int type = device.device_type;
  if (type != kDLCPU && (type != gpu_device_type() || type == 0)) {
    return fail(report, HALOGEN_ERROR_DEVICE, "device: expected device_type %d (CPU)%s%s, got %d", kDLCPU,
                gpu_device_type() != 0 ? " or " : "", gpu_name(), type);
  }
  return HALOGEN_OK;
}

bool is_flag(int32_t value) { return value == 0 || value == 1; }

template <class Params>
halogen_status create(halogen_context *context, const TorchNorm &kind, const Params *given, halogen_module **module,
                      halogen_error *error) {
  const Report report = {context, error};
  if (context == nullptr) return fail_null(report, "context");
  if (given == nullptr) return fail_null(report, "params");
  if (module == nullptr) return fail_null(report, "module");
  Params read;
  halogen_status status = read_struct(report, "params", given, &read);
  if (status != HALOGEN_OK) return status;
  if (!is_flag(read.affine) || !is_flag(read.track_running_stats) || !is_flag(read.momentum_is_none)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "affine, track_running_stats, momentum_is_none: expected 0 or 1 each, got %d, %d, %d", read.affine,
                read.track_running_stats, read.momentum_is_none);
  }
  const TorchNormParams params = {read.num_features,          read.eps,         read.momentum,
                                  read.momentum_is_none != 0, read.affine != 0, read.track_running_stats != 0};
  status = check_params(report, params, read.dtype, read.device);
  if (status != HALOGEN_OK) return status;

  auto *made = reinterpret_cast<TorchNormModule *>(module_allocate(context, sizeof(TorchNormModule)));
  bool complete = made != nullptr;
  if (complete) {
    made->kind = &kind;
    made->params = params;
    made->base.forward = forward;
    made->base.device = read.device;
    const int64_t C = params.num_features;
    if (params.affine) {
      complete = module_add_state(&made->base, "weight", kFloat32, C, 1) &&
                 module_add_state(&made->base, "bias", kFloat32, C, 0);
    }
    if (complete && params.track_running_stats) {
      complete = module_add_state(&made->base, "running_mean", kFloat32, C, 0) &&
                 module_add_state(&made->base, "running_var", kFloat32, C, 1) &&
                 module_add_state(&made->base, "num_batches_tracked", kInt64, -1, 0);
    }
  }
  if (!complete) {
    if (made != nullptr) halogen_module_destroy(&made->base);
    return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for a module of %lld features",
                static_cast<long long>(params.num_features));
  }
  *module = &made->base;
  return HALOGEN_OK;
}

template <class Params>
halogen_status init(Params *params, size_t struct_size, int64_t num_features, int32_t affine, int32_t track,
                    halogen_error *error) {
  const Report report = {nullptr, error};
  if (params == nullptr) return fail_null(report, "params");
  if (struct_size < sizeof(size_t) || struct_size > kMaxStructSize || struct_size % sizeof(int32_t) != 0) {
    return fail(report, HALOGEN_ERROR_STRUCT_SIZE, "struct_size: expected sizeof *params (%zu), got %zu",
                sizeof(Params), struct_size);
  }
  std::memset(static_cast<void *>(params), 0, struct_size);
  Params defaults = {};
  defaults.struct_size = struct_size;
  defaults.num_features = num_features;
  defaults.eps = 1e-5;
  defaults.momentum = 0.1;
  defaults.affine = affine;
  defaults.track_running_stats = track;
  defaults.dtype = kFloat32;
  defaults.device = {kDLCPU, 0};
  params->struct_size = struct_size;
  write_struct(defaults, params);
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_torch_batch_norm_params_init(halogen_torch_batch_norm_params *params, size_t struct_size,
                                                    int64_t num_features, halogen_error *error) {
  return init(params, struct_size, num_features, 1, 1, error);
}

halogen_status halogen_torch_instance_norm_params_init(halogen_torch_instance_norm_params *params, size_t struct_size,
                                                       int64_t num_features, halogen_error *error) {
  return init(params, struct_size, num_features, 0, 0, error);
}

halogen_status halogen_torch_batch_norm2d_create(halogen_context *context,
                                                 const halogen_torch_batch_norm_params *params, halogen_module **module,
                                                 halogen_error *error) {
  return create(context, kBatchNorm2d, params, module, error);
}

halogen_status halogen_torch_instance_norm2d_create(halogen_context *context,
                                                    const halogen_torch_instance_norm_params *params,
                                                    halogen_module **module, halogen_error *error) {
  return create(context, kInstanceNorm2d, params, module, error);
}

}  // extern "C"
