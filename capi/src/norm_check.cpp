#include "norm_check.h"

#include <cmath>
#include <cstring>

#include "context.h"
#include "norm_layout.h"

namespace halogen {
namespace {

halogen_status check_running(const Report &report, const halogen_norm_args &args) {
  if (args.running_mean == nullptr) return HALOGEN_OK;
  if (args.mean != nullptr) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "running_mean: expected the input's own statistics to update from, got given ones (mean, var)");
  }
  if (args.scope == HALOGEN_NORM_SCOPE_GROUP) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_mean: expected scope batch or instance, got group");
  }
  if (!(args.running_weight >= 0 && args.running_weight <= 1)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_weight: expected a number from 0 to 1, got %g",
                args.running_weight);
  }
  if (args.running_var_unbiased != 0 && args.running_var_unbiased != 1) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "running_var_unbiased: expected 0 or 1, got %d",
                args.running_var_unbiased);
  }
  return HALOGEN_OK;
}

halogen_status check_activation(const Report &report, const halogen_norm_args &args) {
  if (args.activation < HALOGEN_ACTIVATION_NONE || args.activation > HALOGEN_ACTIVATION_LEAKY_RELU) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "activation: expected a halogen_activation (0 to %d), got %d",
                HALOGEN_ACTIVATION_LEAKY_RELU, static_cast<int>(args.activation));
  }
  const bool leaky = args.activation == HALOGEN_ACTIVATION_LEAKY_RELU;
  if (!std::isfinite(args.negative_slope) || (!leaky && args.negative_slope != 0)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "negative_slope: expected %s, got %g",
                leaky ? "a finite number" : "0 where the activation is not leaky relu", args.negative_slope);
  }
  return HALOGEN_OK;
}

halogen_status check_scalars(const Report &report, const halogen_norm_args &args) {
  if (args.scope < HALOGEN_NORM_SCOPE_BATCH || args.scope > HALOGEN_NORM_SCOPE_GROUP) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "scope: expected HALOGEN_NORM_SCOPE_BATCH (1), _INSTANCE (2) or _GROUP (3), got %d",
                static_cast<int>(args.scope));
  }
  if (args.path < HALOGEN_NORM_PATH_AUTO || args.path > HALOGEN_NORM_PATH_SPLIT) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "path: expected a halogen_norm_path (0 to %d), got %d",
                HALOGEN_NORM_PATH_SPLIT, static_cast<int>(args.path));
  }
  if (!(args.eps >= 0) || !std::isfinite(args.eps)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "eps: expected a finite number of 0 or more, got %g", args.eps);
  }
  if (args.layout != HALOGEN_LAYOUT_CHANNEL_FIRST && args.layout != HALOGEN_LAYOUT_CHANNEL_LAST) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "layout: expected a halogen_layout (0 or 1), got %d",
                static_cast<int>(args.layout));
  }
  const struct {
    const char *names;
    const DLTensor *first, *second;
  } pairs[] = {{"mean, var", args.mean, args.var},
               {"running_mean, running_var", args.running_mean, args.running_var},
               {"saved_mean, saved_rstd", args.saved_mean, args.saved_rstd}};
  for (const auto &pair : pairs) {
    if ((pair.first == nullptr) == (pair.second == nullptr)) continue;
    const char *second = std::strchr(pair.names, ' ') + 1;
    const int first_length = static_cast<int>(second - pair.names - 2);
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected both or neither, got only %.*s", pair.names,
                pair.first != nullptr ? first_length : static_cast<int>(std::strlen(second)),
                pair.first != nullptr ? pair.names : second);
  }
  if (args.saved_mean != nullptr && args.mean != nullptr) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "saved_mean: expected the input's own statistics to save, got given ones (mean, var)");
  }
  const halogen_status status = check_activation(report, args);
  return status == HALOGEN_OK ? check_running(report, args) : status;
}

halogen_status check_groups(const Report &report, const halogen_norm_args &args, int64_t C, int64_t *groups) {
  *groups = 1;
  if (args.scope != HALOGEN_NORM_SCOPE_GROUP) {
    if (args.num_groups == 0) return HALOGEN_OK;
    return fail(report, HALOGEN_ERROR_ARGUMENT, "num_groups: expected 0 where the scope is not group, got %d",
                args.num_groups);
  }
  if (args.num_groups < 1 || C % args.num_groups != 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "num_groups: expected a divisor of the %lld channels, got %d",
                static_cast<long long>(C), args.num_groups);
  }
  *groups = args.num_groups;
  return HALOGEN_OK;
}

halogen_status check_device(const Report &report, const Tensor &tensor, const Tensor &input) {
  const DLDevice &device = tensor.memory.device, &expected = input.memory.device;
  if (device.device_type == expected.device_type && device.device_id == expected.device_id) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected the input's device (type %d, id %d), got (%d, %d)",
              tensor.name, static_cast<int>(expected.device_type), expected.device_id,
              static_cast<int>(device.device_type), device.device_id);
}

halogen_status check_supported_device(const Report &report, const DLDevice &device) {
  const int type = device.device_type;
  if (type == kDLCPU || (type == gpu_device_type() && type != 0)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_DEVICE,
              "input: expected a tensor on the CPU (device_type %d)%s%s, got device_type %d", kDLCPU,
              gpu_device_type() != 0 ? " or " : "", gpu_name(), type);
}

halogen_status overlapping(const Report &report, const Tensor &a, const Tensor &b) {
  return fail(report, HALOGEN_ERROR_OVERLAP, "%s: expected memory of its own, got memory that it shares with %s",
              a.name, b.name);
}

/// A vector of the call: its field, its name, and where it goes.
struct Field {
  const DLTensor *tensor;
  const char *name;
  Vector *vector;
  bool written;
  bool per_set;  ///< of statistic sets, in the type that is computed in; else of channels
};
constexpr int kFields = 8;

halogen_status check_dtype(const Report &report, const Field &field, Dtype data) {
  Dtype dtype = data;
  const bool known = field.tensor == nullptr || dtype_of(field.tensor->dtype, &dtype);
  const Dtype wide = compute_dtype(data);
  field.vector->dtype = dtype;
  if (known && (dtype == wide || (!field.per_set && dtype == data))) return HALOGEN_OK;
  const bool either = wide != data && !field.per_set;
  return fail(report, HALOGEN_ERROR_DTYPE, "%s: expected %s%s%s, got %s", field.name,
              DtypeText(dlpack_of(field.per_set ? wide : data)).text, either ? " or " : "",
              either ? DtypeText(dlpack_of(wide)).text : "", DtypeText(field.tensor->dtype).text);
}

/// (C), or for statistics of each sample (N, sets).
halogen_status check_extents(const Report &report, const Field &field, const NormProblem &p, bool need_data,
                             Tensor *checked) {
  const DLDataType dtype = dlpack_of(field.vector->dtype);
  const int64_t sets = p.C / p.channels_per_set();
  if (!field.per_set || p.per_channel()) {
    return check_vector(report, field.name, field.tensor, dtype, p.C, need_data, checked);
  }
  const halogen_status status = check_tensor(report, field.name, field.tensor, dtype, need_data, checked);
  if (status != HALOGEN_OK) return status;
  if (checked->ndim != 2 || checked->shape[0] != p.N || checked->shape[1] != sets) {
    char got[160];
    return fail(report, HALOGEN_ERROR_SHAPE, "%s: expected (%lld, %lld), got %s", field.name,
                static_cast<long long>(p.N), static_cast<long long>(sets), shape_text(*checked, got));
  }
  return HALOGEN_OK;
}

/// `data`: input, output and, if any, residual.
halogen_status check_fields(const Report &report, const Tensor *const (&data)[3], const NormProblem &problem,
                            bool need_data, const Field (&fields)[kFields]) {
  Tensor checked[kFields];
  for (int i = 0; i < kFields; ++i) {
    const Field &field = fields[i];
    *field.vector = {{data[0]->memory.device, nullptr, 0}, problem.dtype, field.tensor != nullptr};
    if (field.tensor == nullptr) continue;
    halogen_status status = check_dtype(report, field, problem.dtype);
    if (status == HALOGEN_OK) status = check_extents(report, field, problem, need_data, &checked[i]);
    if (status == HALOGEN_OK) status = check_device(report, checked[i], *data[0]);
    if (status != HALOGEN_OK) return status;
    field.vector->memory = checked[i].memory;
    if (!need_data) continue;
    if (overlap(*data[1], checked[i])) return overlapping(report, *data[1], checked[i]);
    for (const Tensor *tensor : {data[0], data[2]}) {
      if (field.written && tensor != nullptr && overlap(*tensor, checked[i])) {
        return overlapping(report, checked[i], *tensor);
      }
    }
  }
  if (!need_data) return HALOGEN_OK;
  for (int i = 0; i < kFields; ++i) {
    for (int j = 0; j < kFields; ++j) {
      if (i == j || !fields[i].written || fields[i].tensor == nullptr || fields[j].tensor == nullptr) continue;
      if (overlap(checked[i], checked[j])) return overlapping(report, checked[i], checked[j]);
    }
  }
  return HALOGEN_OK;
}

halogen_status check_same_shape(const Report &report, const Tensor &tensor, const Tensor &input) {
  if (input.ndim != tensor.ndim) {
    return fail(report, HALOGEN_ERROR_RANK, "%s: expected the input's %d dimensions, got %d", tensor.name, input.ndim,
                tensor.ndim);
  }
  bool same = true;
  for (int32_t i = 0; same && i < input.ndim; ++i) same = input.shape[i] == tensor.shape[i];
  if (!same) {
    char expected[160], got[160];
    return fail(report, HALOGEN_ERROR_SHAPE, "%s: expected the input's shape %s, got %s", tensor.name,
                shape_text(input, expected), shape_text(tensor, got));
  }
  if (!same_dtype(tensor.dtype, input.dtype)) {
    return fail(report, HALOGEN_ERROR_DTYPE, "%s: expected %s, as the input, got %s", tensor.name,
                DtypeText(input.dtype).text, DtypeText(tensor.dtype).text);
  }
  return check_device(report, tensor, input);
}

/// All of the data channel-first, or all channel-last; what is not is copied.
halogen_status choose_strides(const Report &report, halogen_layout layout, const Tensor *const (&data)[3],
                              NormCall *call) {
  NormProblem &p = call->problem;
  NormStrides strides[2][3];
  bool fits[2][3];
  int count[2] = {0, 0};
  for (int last = 0; last < 2; ++last) {
    for (int i = 0; i < 3; ++i) {
      fits[last][i] = data[i] == nullptr || norm_strides(*data[i], layout, last == 1, p, &strides[last][i]);
      count[last] += fits[last][i] ? 1 : 0;
    }
  }
  const int last = count[1] > count[0] ? 1 : 0;
  if (p.gpu && count[last] < 3) {
    return fail(
        report, HALOGEN_ERROR_LAYOUT,
        "%s: expected channel-first or channel-last data as the others', got other strides (nothing is copied on a "
        "GPU)",
        (!fits[last][0]   ? data[0]
         : !fits[last][1] ? data[1]
                          : data[2])
            ->name);
  }
  NormStrides *const to[] = {&p.x, &p.y, &p.residual};
  NormCopies::Copy *const copies[] = {&call->copies.input, &call->copies.output, &call->copies.residual};
  for (int i = 0; i < 3; ++i) {
    *to[i] = fits[last][i] ? strides[last][i] : norm_dense(p, last == 1);
    copies[i]->needed = !fits[last][i];
    if (!copies[i]->needed) continue;
    copies[i]->caller = norm_strided(*data[i], layout);
    copies[i]->kernel = norm_dense_strided(copies[i]->caller, last == 1);
  }
  if (data[2] == nullptr) p.residual = p.x;
  p.channel_last = last == 1;
  return HALOGEN_OK;
}

/// The output may be another tensor of the call itself, place by place.
halogen_status check_output(const Report &report, const NormCall &call, const Tensor &output, const Tensor &other,
                            const NormStrides &strides, bool copied) {
  const NormStrides &y = call.problem.y;
  if (same_start(output, other) && same_places(output, other)) return HALOGEN_OK;
  if (copied || call.copies.output.needed ? !overlap(output, other) : apart(call.problem, output, y, other, strides)) {
    return HALOGEN_OK;
  }
  return fail(report, HALOGEN_ERROR_OVERLAP,
              "output: expected the %s itself (the same first byte and strides) or memory of its own, got memory that "
              "overlaps the %s",
              other.name, other.name);
}

}  // namespace

halogen_status check_norm(const Report &report, const halogen_norm_args &args, bool need_data, NormCall *call) {
  Tensor input, output, residual;
  halogen_status status = check_scalars(report, args);
  if (status == HALOGEN_OK) status = check_data(report, "input", args.input, need_data, &input);
  if (status == HALOGEN_OK) status = check_data(report, "output", args.output, need_data, &output);
  if (status == HALOGEN_OK && args.residual != nullptr) {
    status = check_data(report, "residual", args.residual, need_data, &residual);
  }
  if (status != HALOGEN_OK) return status;
  if (input.ndim < 2) {
    return fail(report, HALOGEN_ERROR_RANK, "input: expected 2 to 8 dimensions (N, C, ...), got %d", input.ndim);
  }
  const Tensor *const data[] = {&input, &output, args.residual != nullptr ? &residual : nullptr};
  status = check_supported_device(report, input.memory.device);
  if (status == HALOGEN_OK) status = check_same_shape(report, output, input);
  if (status == HALOGEN_OK && data[2] != nullptr) status = check_same_shape(report, residual, input);
  if (status != HALOGEN_OK) return status;

  NormProblem &p = call->problem;
  p = {};
  call->copies = {};
  norm_extents(input, args.layout, &p);
  dtype_of(input.dtype, &p.dtype);
  p.scope = args.scope;
  p.own_statistics = args.mean == nullptr;
  p.epilogue = args.residual != nullptr || args.activation != HALOGEN_ACTIVATION_NONE;
  p.gpu = input.memory.device.device_type != kDLCPU;
  status = check_groups(report, args, p.C, &p.groups);
  if (status != HALOGEN_OK) return status;

  call->empty = input.elements == 0;
  if (!call->empty) {
    status = choose_strides(report, args.layout, data, call);
    if (status != HALOGEN_OK) return status;
    if (overlaps_itself(output)) {
      return fail(report, HALOGEN_ERROR_OVERLAP,
                  "output: expected a place for every element, got strides that share some");
    }
  }
  // A query without data is answered for tensors apart from each other, and aligned.
  const bool has_addresses = input.memory.base != nullptr && output.memory.base != nullptr;
  if (!call->empty && (need_data || has_addresses)) {
    status = check_output(report, *call, output, input, p.x, call->copies.input.needed);
    if (status == HALOGEN_OK && data[2] != nullptr) {
      status = check_output(report, *call, output, residual, p.residual, call->copies.residual.needed);
    }
    if (status != HALOGEN_OK) return status;
    const bool on_residual = data[2] != nullptr && same_start(residual, output) && !call->copies.output.needed;
    p.in_place = same_start(input, output) || on_residual;
  }
  constexpr int64_t kLine = 64;
  const int64_t bytes = dtype_bytes(p.dtype);
  p.whole_lines = !p.channel_last && p.S * bytes % kLine == 0 && p.y.c * bytes % kLine == 0 &&
                  p.y.n * bytes % kLine == 0 &&
                  (p.gpu || reinterpret_cast<uintptr_t>(output.memory.address()) % kLine == 0);

  NormTensors &t = call->tensors;
  t.input = input.memory;
  t.output = output.memory;
  t.residual = data[2] != nullptr ? residual.memory : Memory{input.memory.device, nullptr, 0};
  const Field fields[kFields] = {{args.weight, "weight", &t.weight, false, false},
                                 {args.bias, "bias", &t.bias, false, false},
                                 {args.mean, "mean", &t.mean, false, false},
                                 {args.var, "var", &t.var, false, false},
                                 {args.running_mean, "running_mean", &t.running_mean, true, false},
                                 {args.running_var, "running_var", &t.running_var, true, false},
                                 {args.saved_mean, "saved_mean", &t.saved_mean, true, true},
                                 {args.saved_rstd, "saved_rstd", &t.saved_rstd, true, true}};
  status = check_fields(report, data, p, need_data, fields);
  if (status == HALOGEN_OK && t.running_mean.exists && t.running_mean.dtype != t.running_var.dtype) {
    return fail(report, HALOGEN_ERROR_DTYPE, "running_var: expected %s, as running_mean, got %s",
                DtypeText(args.running_mean->dtype).text, DtypeText(args.running_var->dtype).text);
  }
  const double slope = args.activation == HALOGEN_ACTIVATION_NONE ? 1 : args.negative_slope;
  call->scalars = {args.eps, args.running_weight, args.running_var_unbiased != 0, slope};
  call->device = input.memory.device;
  return status;
}

halogen_status check_norm_offsets(const Report &report, const NormTensors &t, const GpuState &gpu, const Call &call) {
  const struct {
    const char *name;
    const Memory &memory;
  } all[] = {{"input", t.input},
             {"output", t.output},
             {"residual", t.residual},
             {"weight", t.weight.memory},
             {"bias", t.bias.memory},
             {"mean", t.mean.memory},
             {"var", t.var.memory},
             {"running_mean", t.running_mean.memory},
             {"running_var", t.running_var.memory},
             {"saved_mean", t.saved_mean.memory},
             {"saved_rstd", t.saved_rstd.memory}};
  for (const auto &tensor : all) {
    if (tensor.memory.base == nullptr || tensor.memory.offset == 0) continue;
    const uint64_t alignment = gpu.offset_alignment(call);
    if (tensor.memory.offset % alignment == 0) continue;
    return fail(report, HALOGEN_ERROR_LAYOUT,
                "%s: expected a byte_offset that is a multiple of this device's %llu, got %llu", tensor.name,
                static_cast<unsigned long long>(alignment), static_cast<unsigned long long>(tensor.memory.offset));
  }
  return HALOGEN_OK;
}

}  // namespace halogen
