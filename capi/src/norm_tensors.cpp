#include "norm_tensors.h"

#include <cmath>

#include "context.h"
#include "norm_layout.h"

namespace halogen {
namespace {

constexpr int32_t kMaxData = 5, kMaxVectors = 9;

/// Rows of a vector of f64.
int64_t rows_of(VectorOf of) { return of == VectorOf::moments ? 3 : of == VectorOf::sums ? 2 : 0; }

halogen_status overlapping(const Report &report, const Tensor &a, const Tensor &b) {
  return fail(report, HALOGEN_ERROR_OVERLAP, "%s: expected memory of its own, got memory that it shares with %s",
              a.name, b.name);
}

halogen_status check_dtype(const Report &report, const VectorField &field, Dtype data) {
  Dtype dtype = data;
  const bool known = field.given == nullptr || dtype_of(field.given->dtype, &dtype);
  const Dtype wide = rows_of(field.of) > 0 ? Dtype::f64 : compute_dtype(data);
  const bool in_one_type = field.of != VectorOf::channels;
  field.vector->dtype = dtype;
  if (known && (dtype == wide || (!in_one_type && dtype == data))) return HALOGEN_OK;
  const bool either = wide != data && !in_one_type;
  return fail(report, HALOGEN_ERROR_DTYPE, "%s: expected %s%s%s, got %s", field.name,
              DtypeText(dlpack_of(in_one_type ? wide : data)).text, either ? " or " : "",
              either ? DtypeText(dlpack_of(wide)).text : "", DtypeText(field.given->dtype).text);
}

/// (C), for statistics of each sample (N, sets), or (rows, C).
halogen_status check_extents(const Report &report, const VectorField &field, const NormProblem &p, bool need_data,
                             Tensor *checked) {
  const DLDataType dtype = dlpack_of(field.vector->dtype);
  const int64_t rows = rows_of(field.of);
  if (rows == 0 && (field.of == VectorOf::channels || p.per_channel())) {
    return check_vector(report, field.name, field.given, dtype, p.C, need_data, checked);
  }
  const halogen_status status = check_tensor(report, field.name, field.given, dtype, need_data, checked);
  if (status != HALOGEN_OK) return status;
  // Of no channels at all there are no sets.
  const int64_t sets = p.C == 0 ? 0 : p.C / p.channels_per_set();
  const int64_t first = rows > 0 ? rows : p.N, second = rows > 0 ? p.C : sets;
  if (checked->ndim != 2 || checked->shape[0] != first || checked->shape[1] != second) {
    char got[160];
    return fail(report, HALOGEN_ERROR_SHAPE, "%s: expected (%lld, %lld), got %s", field.name,
                static_cast<long long>(first), static_cast<long long>(second), shape_text(*checked, got));
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
  return check_same_device(report, tensor, input);
}

/// All of the data channel-first, or all channel-last; what is not is copied.
void choose_strides(halogen_layout layout, DataField *data, int32_t count, NormProblem *p, NormCopies *copies) {
  NormStrides strides[2][kMaxData];
  bool fits[2][kMaxData];
  int32_t fitting[2] = {0, 0};
  for (int last = 0; last < 2; ++last) {
    for (int32_t i = 0; i < count; ++i) {
      fits[last][i] = data[i].present() && norm_strides(data[i].tensor, layout, last == 1, *p, &strides[last][i]);
      fitting[last] += fits[last][i] ? 1 : 0;
    }
  }
  const int last = fitting[1] > fitting[0] ? 1 : 0;
  p->channel_last = last == 1;
  for (int32_t i = 0; i < count; ++i) {
    DataField &field = data[i];
    *field.strides = fits[last][i] ? strides[last][i] : norm_dense(*p, p->channel_last);
    field.copied = field.present() && !fits[last][i];
    if (!field.copied) continue;
    const Strided caller = norm_strided(field.tensor, layout);
    copies->copy[copies->count++] = {field.memory, caller, norm_dense_strided(caller, p->channel_last), !field.written,
                                     field.written};
  }
}

/// A written tensor may be another of the call itself, place by place, where that is allowed, or apart from it.
halogen_status check_apart(const Report &report, const NormProblem &p, const DataField *data, int32_t written,
                           int32_t other) {
  const DataField &a = data[written], &b = data[other];
  const bool allowed = (a.may_be >> other & 1) != 0;
  if (allowed && same_data(data, written, other)) return HALOGEN_OK;
  if (a.copied || b.copied ? !overlap(a.tensor, b.tensor) : apart(p, a.tensor, *a.strides, b.tensor, *b.strides)) {
    return HALOGEN_OK;
  }
  return fail(report, HALOGEN_ERROR_OVERLAP, "%s: expected %s%s%smemory of its own, got memory that overlaps the %s",
              a.name, allowed ? "the " : "", allowed ? b.name : "",
              allowed ? " itself (the same first byte and strides) or " : "", b.name);
}

}  // namespace

halogen_status check_no_overlap(const Report &report, const Tensor &written, const Tensor &other) {
  return overlap(written, other) ? overlapping(report, written, other) : HALOGEN_OK;
}

bool same_data(const DataField *data, int32_t i, int32_t j) {
  return data[i].present() && data[j].present() && same_start(data[i].tensor, data[j].tensor) &&
         same_places(data[i].tensor, data[j].tensor);
}

bool whole_lines(const NormProblem &p, const DataField &field) {
  constexpr int64_t kLine = 64;
  const int64_t bytes = dtype_bytes(p.dtype);
  const auto lines = [&](int64_t elements) { return elements * bytes % kLine == 0; };
  const auto row = [&](int64_t values, int64_t stride) { return lines(values) && lines(stride); };
  const bool rows = p.channel_last ? row(p.C, field.strides->s)
                    : p.S == 1     ? row(p.channels_per_set(), p.channels_per_set() * field.strides->c)
                                   : row(p.S, field.strides->c);
  return rows && lines(field.strides->n) &&
         (p.gpu || reinterpret_cast<uintptr_t>(field.memory->address()) % kLine == 0);
}

halogen_status check_norm_data(const Report &report, halogen_layout layout, bool need_data, DataField *data,
                               int32_t count, NormProblem *p, NormCopies *copies) {
  for (int32_t i = 0; i < count; ++i) {
    DataField &field = data[i];
    *field.memory = {};
    if (!field.present() && !field.required) continue;
    const halogen_status status = check_data(report, field.name, field.given, need_data, &field.tensor);
    if (status != HALOGEN_OK) return status;
  }
  const Tensor &input = data[0].tensor;
  if (input.ndim < 2) {
    return fail(report, HALOGEN_ERROR_RANK, "input: expected 2 to 8 dimensions (N, C, ...), got %d", input.ndim);
  }
  halogen_status status = check_device(report, input);
  for (int32_t i = 0; i < count && status == HALOGEN_OK; ++i) {
    *data[i].memory = data[i].present() ? data[i].tensor.memory : Memory{input.memory.device, nullptr, 0};
    if (i > 0 && data[i].present()) status = check_same_shape(report, data[i].tensor, input);
  }
  if (status != HALOGEN_OK) return status;
  norm_extents(input, layout, p);
  dtype_of(input.dtype, &p->dtype);
  p->gpu = input.memory.device.device_type != kDLCPU;
  copies->count = 0;
  if (input.elements == 0) return HALOGEN_OK;

  choose_strides(layout, data, count, p, copies);
  for (int32_t i = 0; i < count && status == HALOGEN_OK; ++i) {
    if (!data[i].written || !data[i].present()) continue;
    if (overlaps_itself(data[i].tensor)) {
      return fail(report, HALOGEN_ERROR_OVERLAP, "%s: expected a place for every element, got strides that share some",
                  data[i].name);
    }
    for (int32_t j = 0; j < count && status == HALOGEN_OK; ++j) {
      // A query without data is answered for tensors apart from each other.
      const bool has_addresses = data[i].tensor.memory.base != nullptr && data[j].tensor.memory.base != nullptr;
      if (i != j && data[j].present() && has_addresses) status = check_apart(report, *p, data, i, j);
    }
  }
  return status;
}

halogen_status check_norm_vectors(const Report &report, const DataField *data, int32_t data_count, const NormProblem &p,
                                  bool need_data, const VectorField *fields, int32_t count) {
  const Tensor &input = data[0].tensor;
  Tensor checked[kMaxVectors];
  for (int32_t i = 0; i < count; ++i) {
    const VectorField &field = fields[i];
    *field.vector = {{input.memory.device, nullptr, 0}, p.dtype, field.given != nullptr};
    if (field.given == nullptr) continue;
    halogen_status status = check_dtype(report, field, p.dtype);
    if (status == HALOGEN_OK) status = check_extents(report, field, p, need_data, &checked[i]);
    if (status == HALOGEN_OK) status = check_same_device(report, checked[i], input);
    if (status != HALOGEN_OK) return status;
    field.vector->memory = checked[i].memory;
    for (int32_t j = 0; j < data_count && need_data; ++j) {
      if (!data[j].present() || !(data[j].written || field.written) || !overlap(data[j].tensor, checked[i])) continue;
      return data[j].written ? overlapping(report, data[j].tensor, checked[i])
                             : overlapping(report, checked[i], data[j].tensor);
    }
  }
  for (int32_t i = 0; i < count && need_data; ++i) {
    for (int32_t j = 0; j < count; ++j) {
      if (i == j || !fields[i].written || fields[i].given == nullptr || fields[j].given == nullptr) continue;
      if (overlap(checked[i], checked[j])) return overlapping(report, checked[i], checked[j]);
    }
  }
  return HALOGEN_OK;
}

halogen_status check_norm_groups(const Report &report, halogen_norm_scope scope, int32_t num_groups, NormProblem *p) {
  p->groups = 1;
  if (scope != HALOGEN_NORM_SCOPE_GROUP) {
    if (num_groups == 0) return HALOGEN_OK;
    return fail(report, HALOGEN_ERROR_ARGUMENT, "num_groups: expected 0 where the scope is not group, got %d",
                num_groups);
  }
  if (num_groups < 1 || p->C % num_groups != 0) {
    return fail(report, HALOGEN_ERROR_GROUPS, "num_groups: expected a divisor of the %lld channels, got %d",
                static_cast<long long>(p->C), num_groups);
  }
  p->groups = num_groups;
  return HALOGEN_OK;
}

halogen_status check_norm_enums(const Report &report, halogen_norm_scope scope, halogen_norm_path path,
                                halogen_layout layout, double eps) {
  if (scope < HALOGEN_NORM_SCOPE_BATCH || scope > HALOGEN_NORM_SCOPE_GROUP) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "scope: expected HALOGEN_NORM_SCOPE_BATCH (1), _INSTANCE (2) or _GROUP (3), got %d",
                static_cast<int>(scope));
  }
  if (path < HALOGEN_NORM_PATH_AUTO || path > HALOGEN_NORM_PATH_SPLIT) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "path: expected a halogen_norm_path (0 to %d), got %d",
                HALOGEN_NORM_PATH_SPLIT, static_cast<int>(path));
  }
  if (layout != HALOGEN_LAYOUT_CHANNEL_FIRST && layout != HALOGEN_LAYOUT_CHANNEL_LAST) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "layout: expected a halogen_layout (0 or 1), got %d",
                static_cast<int>(layout));
  }
  if (!(eps >= 0) || !std::isfinite(eps)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "eps: expected a finite number of 0 or more, got %g", eps);
  }
  return HALOGEN_OK;
}

halogen_status check_norm_activation(const Report &report, halogen_activation activation, double negative_slope) {
  if (activation < HALOGEN_ACTIVATION_NONE || activation > HALOGEN_ACTIVATION_LEAKY_RELU) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "activation: expected a halogen_activation (0 to %d), got %d",
                HALOGEN_ACTIVATION_LEAKY_RELU, static_cast<int>(activation));
  }
  const bool leaky = activation == HALOGEN_ACTIVATION_LEAKY_RELU;
  if (!std::isfinite(negative_slope) || (!leaky && negative_slope != 0)) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "negative_slope: expected %s, got %g",
                leaky ? "a finite number" : "0 where the activation is not leaky relu", negative_slope);
  }
  return HALOGEN_OK;
}

halogen_status check_norm_moments(const Report &report, halogen_norm_scope scope, const DLTensor *other,
                                  const char *other_name) {
  if (scope != HALOGEN_NORM_SCOPE_BATCH) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "moments: expected scope batch (1), got %d", static_cast<int>(scope));
  }
  if (other == nullptr) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected NULL where moments are given", other_name);
}

halogen_status check_pair(const Report &report, const char *first_name, const DLTensor *first, const char *second_name,
                          const DLTensor *second) {
  if ((first == nullptr) == (second == nullptr)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_ARGUMENT, "%s, %s: expected both or neither, got only %s", first_name, second_name,
              first != nullptr ? first_name : second_name);
}

halogen_status check_norm_offsets(const Report &report, const GpuState &gpu, const Call &call, const DataField *data,
                                  int32_t data_count, const VectorField *vectors, int32_t vector_count) {
  for (int32_t i = 0; i < data_count + vector_count; ++i) {
    const bool vector = i >= data_count;
    const Memory &memory = vector ? vectors[i - data_count].vector->memory : data[i].tensor.memory;
    const char *name = vector ? vectors[i - data_count].name : data[i].name;
    const halogen_status status = check_offset(report, gpu, call, name, memory);
    if (status != HALOGEN_OK) return status;
  }
  return HALOGEN_OK;
}

}  // namespace halogen
