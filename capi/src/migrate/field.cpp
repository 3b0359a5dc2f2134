#include "field.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "init/initializer.h"
#include "tensor.h"
#include "text.h"

namespace halogen {
namespace {

/// More than any tensor has along a dimension, and products of two still fit.
constexpr int64_t kMostInteger = INT32_MAX;

constexpr const char *kFlags[] = {"False", "True", nullptr};
constexpr const char *kTristates[] = {"None", "True", "False", nullptr};
/// By halogen_mindspore_init_kind; in lower case where MindSpore has the word as an alias.
constexpr const char *kInitializers[] = {
    "default",         "zeros",     "ones",       "Constant",       "normal", "uniform",
    "truncatedNormal", "he_normal", "he_uniform", "xavier_uniform", "Tensor", nullptr};
constexpr struct {
  const char *name;
  DLDataType dtype;
} kDtypeNames[] = {{"float32", kFloat32}, {"float64", kFloat64}, {"float16", kFloat16}, {"bfloat16", kBfloat16}};

template <class T>
T value_at(const void *params, size_t offset) {
  T value;
  std::memcpy(&value, static_cast<const char *>(params) + offset, sizeof(T));
  return value;
}

template <class T>
void put(void *params, size_t offset, const T &value) {
  std::memcpy(static_cast<char *>(params) + offset, &value, sizeof(T));
}

/// The names of an enum's values, from 0 on; NULL for other types.
const char *const *names_of(const Field &field) {
  switch (field.type) {
    case FieldType::flag:
      return kFlags;
    case FieldType::tristate:
      return kTristates;
    case FieldType::choice:
      return field.choices;
    default:
      return nullptr;
  }
}

int32_t count_of(const char *const *names) {
  int32_t count = 0;
  while (names[count] != nullptr) ++count;
  return count;
}

void shape_text(const int64_t *extents, int64_t count, char *text, size_t size) {
  Text list(text, size);
  for (int64_t i = 0; i < count; ++i) list.add("%s%lld", i > 0 ? ", " : "[", static_cast<long long>(extents[i]));
  list.add("]");
}

void initializer_text(const halogen_mindspore_init &init, char *text, size_t size) {
  const char *name = kInitializers[init.kind];
  Text call(text, size);
  call.add("%s", name);
  if (init.kind <= HALOGEN_MINDSPORE_INIT_ONE || init.kind == HALOGEN_MINDSPORE_INIT_TENSOR) return;
  call.add("(");
  call.add_float(init.value);
  call.add(")");
}

halogen_status no_value(const Report &report, const Field &field, const char *expected, const char *text) {
  return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected %s, got \"%.40s\"", field.name, expected, text);
}

bool parse_integer(const char *text, char **end, int64_t *value) {
  *value = std::strtol(text, end, 10);
  return *end != text && *value >= 0 && *value <= kMostInteger;
}

/// "[1, 3]" or "1,3".
bool parse_pair(const char *text, int64_t (&pair)[2]) {
  char *end = nullptr;
  const char *at = text + (*text == '[' || *text == '(');
  if (!parse_integer(at, &end, &pair[0]) || *end != ',' || !parse_integer(end + 1, &end, &pair[1])) return false;
  return std::strcmp(end, *text == '[' ? "]" : *text == '(' ? ")" : "") == 0;
}

bool parse_initializer(const char *text, halogen_mindspore_init *init) {
  *init = {};
  for (int kind = 0; kInitializers[kind] != nullptr; ++kind) {
    if (std::strcmp(text, kInitializers[kind]) != 0) continue;
    init->kind = static_cast<halogen_mindspore_init_kind>(kind);
    const halogen_initializer normal = initializer_of(HALOGEN_INITIALIZER_NORMAL);
    const bool sigma = kind == HALOGEN_MINDSPORE_INIT_NORMAL || kind == HALOGEN_MINDSPORE_INIT_TRUNCATED_NORMAL;
    if (sigma) init->value = normal.sigma;
    if (kind == HALOGEN_MINDSPORE_INIT_TRUNCATED_NORMAL) {
      init->a = normal.a;
      init->b = normal.b;
    }
    if (kind == HALOGEN_MINDSPORE_INIT_UNIFORM) init->value = normal.high;
    if (kind == HALOGEN_MINDSPORE_INIT_XAVIER_UNIFORM) init->value = normal.gain;
    return kind != HALOGEN_MINDSPORE_INIT_TENSOR && kind != HALOGEN_MINDSPORE_INIT_CONSTANT;
  }
  char *end = nullptr;
  init->kind = HALOGEN_MINDSPORE_INIT_CONSTANT;
  init->value = std::strtod(text, &end);
  return end != text && *end == '\0';
}

}  // namespace

void field_text(const Field &field, const void *params, char *text, size_t size) {
  switch (field.type) {
    case FieldType::integer:
      std::snprintf(text, size, "%lld", static_cast<long long>(value_at<int64_t>(params, field.offset)));
      return;
    case FieldType::number:
      if (field.none != kNeverNone && value_at<int32_t>(params, field.none) != 0) {
        std::snprintf(text, size, "None");
      } else {
        Text(text, size).add_float(value_at<double>(params, field.offset));
      }
      return;
    case FieldType::flag:
    case FieldType::tristate:
    case FieldType::choice:
      std::snprintf(text, size, "%s", names_of(field)[value_at<int32_t>(params, field.offset)]);
      return;
    case FieldType::initializer:
      initializer_text(value_at<halogen_mindspore_init>(params, field.offset), text, size);
      return;
    case FieldType::dtype:
      std::snprintf(text, size, "%s", DtypeText(value_at<DLDataType>(params, field.offset)).text);
      return;
    case FieldType::device: {
      const auto device = value_at<DLDevice>(params, field.offset);
      if (device.device_type == kDLCPU) {
        std::snprintf(text, size, "cpu");
      } else {
        std::snprintf(text, size, "%s:%d", device.device_type == kDLCUDA ? "cuda" : "gpu", device.device_id);
      }
      return;
    }
    case FieldType::pair: {
      const int64_t pair[] = {value_at<int64_t>(params, field.offset),
                              value_at<int64_t>(params, field.offset + sizeof(int64_t))};
      shape_text(pair, 2, text, size);
      return;
    }
    case FieldType::shape:
      shape_text(value_at<const int64_t *>(params, field.offset), value_at<int32_t>(params, field.none), text, size);
      return;
    case FieldType::literal:
      std::snprintf(text, size, "%s", field.choices[0]);
      return;
  }
}

halogen_status field_check(const Report &report, const Field &field, const void *params) {
  if (const char *const *names = names_of(field)) {
    const auto value = value_at<int32_t>(params, field.offset);
    const int32_t count = count_of(names);
    if (value >= 0 && value < count) return HALOGEN_OK;
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected 0 to %d, got %d", field.name, count - 1, value);
  }
  if (field.type == FieldType::integer || field.type == FieldType::pair) {
    for (size_t i = 0; i < (field.type == FieldType::pair ? 2u : 1u); ++i) {
      const auto value = value_at<int64_t>(params, field.offset + i * sizeof(int64_t));
      if (value >= 0 && value <= kMostInteger) continue;
      return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected 0 to %lld, got %lld", field.name,
                  static_cast<long long>(kMostInteger), static_cast<long long>(value));
    }
  }
  if (field.type == FieldType::initializer) {
    const int kind = value_at<halogen_mindspore_init>(params, field.offset).kind;
    if (kind >= 0 && kind < count_of(kInitializers)) return HALOGEN_OK;
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected a halogen_mindspore_init_kind (0 to %d), got %d",
                field.name, count_of(kInitializers) - 1, kind);
  }
  if (field.type == FieldType::shape) {
    const auto dims = value_at<int32_t>(params, field.none);
    if (dims < 1 || dims > 8) {
      return fail(report, HALOGEN_ERROR_ARGUMENT, "normalized_dims: expected 1 to 8, got %d", dims);
    }
    if (value_at<const int64_t *>(params, field.offset) == nullptr) return fail_null(report, field.name);
  }
  return HALOGEN_OK;
}

void field_copy(const Field &field, const void *from, void *to) {
  const auto copy = [&](size_t offset, size_t size) {
    std::memcpy(static_cast<char *>(to) + offset, static_cast<const char *>(from) + offset, size);
  };
  switch (field.type) {
    case FieldType::integer:
    case FieldType::number:
    case FieldType::shape:
    case FieldType::device:
      copy(field.offset, sizeof(int64_t));
      break;
    case FieldType::flag:
    case FieldType::tristate:
    case FieldType::choice:
    case FieldType::dtype:
      copy(field.offset, sizeof(int32_t));
      break;
    case FieldType::initializer:
      copy(field.offset, sizeof(halogen_mindspore_init));
      break;
    case FieldType::pair:
      copy(field.offset, 2 * sizeof(int64_t));
      break;
    case FieldType::literal:
      break;
  }
  if (field.none != kNeverNone) copy(field.none, sizeof(int32_t));
}

halogen_status field_parse(const Report &report, const Field &field, const char *text, void *params) {
  char *end = nullptr;
  if (const char *const *names = names_of(field)) {
    for (int32_t i = 0; names[i] != nullptr; ++i) {
      if (std::strcmp(text, names[i]) != 0) continue;
      put(params, field.offset, i);
      return HALOGEN_OK;
    }
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected %s, %s%s, got \"%.40s\"", field.name, names[0], names[1],
                names[2] != nullptr ? ", ..." : "", text);
  }
  switch (field.type) {
    case FieldType::integer: {
      int64_t value = 0;
      if (!parse_integer(text, &end, &value) || *end != '\0') {
        return no_value(report, field, "an integer from 0 to 2^31 - 1", text);
      }
      put(params, field.offset, value);
      return HALOGEN_OK;
    }
    case FieldType::number: {
      const bool none = field.none != kNeverNone && std::strcmp(text, "None") == 0;
      const double value = none ? value_at<double>(params, field.offset) : std::strtod(text, &end);
      if (!none && (end == text || *end != '\0')) return no_value(report, field, "a number", text);
      put(params, field.offset, value);
      if (field.none != kNeverNone) put(params, field.none, static_cast<int32_t>(none));
      return HALOGEN_OK;
    }
    case FieldType::initializer: {
      halogen_mindspore_init init;
      if (!parse_initializer(text, &init)) return no_value(report, field, "a number, zeros, ones, normal, ...", text);
      put(params, field.offset, init);
      return HALOGEN_OK;
    }
    case FieldType::dtype:
      for (const auto &known : kDtypeNames) {
        if (std::strcmp(text, known.name) != 0) continue;
        put(params, field.offset, known.dtype);
        return HALOGEN_OK;
      }
      return no_value(report, field, "float32, float64, float16 or bfloat16", text);
    case FieldType::pair: {
      int64_t pair[2];
      if (!parse_pair(text, pair)) return no_value(report, field, "two integers, [1, 3]", text);
      put(params, field.offset, pair);
      return HALOGEN_OK;
    }
    default:
      return fail(report, HALOGEN_ERROR_UNSUPPORTED, "%s: expected the struct's own field to be set, got text",
                  field.name);
  }
}

}  // namespace halogen
