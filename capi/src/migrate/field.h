// A parameter of a params struct, by name and as text: how Python prints it.
#pragma once

#include <halogen/mindspore.h>

#include <cstddef>
#include <type_traits>

#include "status.h"

namespace halogen {

enum class FieldType { integer, number, flag, tristate, choice, initializer, dtype, device, pair, shape, literal };

constexpr size_t kNeverNone = ~size_t{0};

struct Field {
  const char *name;
  FieldType type;
  size_t offset;
  size_t none = kNeverNone;  ///< number: where the flag for None is; shape: where the number of dimensions is
  const char *const *choices = nullptr;  ///< choice: the values' names, NULL at the end; literal: the text
};

template <class T>
constexpr FieldType field_type() {
  if constexpr (std::is_same_v<T, int64_t>) return FieldType::integer;
  if constexpr (std::is_same_v<T, double>) return FieldType::number;
  if constexpr (std::is_same_v<T, int32_t>) return FieldType::flag;
  if constexpr (std::is_same_v<T, halogen_tristate>) return FieldType::tristate;
  if constexpr (std::is_same_v<T, halogen_mindspore_init>) return FieldType::initializer;
  if constexpr (std::is_same_v<T, DLDataType>) return FieldType::dtype;
  if constexpr (std::is_same_v<T, DLDevice>) return FieldType::device;
  if constexpr (std::is_same_v<T, int64_t[2]>) return FieldType::pair;
  if constexpr (std::is_enum_v<T>) return FieldType::choice;
}

#define HALOGEN_FIELD(Params, member) \
  Field { #member, field_type < decltype(Params::member)>(), offsetof(Params, member) }
#define HALOGEN_CHOICE(Params, member, names) \
  Field { #member, FieldType::choice, offsetof(Params, member), kNeverNone, names }

/// The value's text, cut to `size`.
void field_text(const Field &field, const void *params, char *text, size_t size);

/// Whether the struct holds a value of the field's type; flags and enums of other languages may be anything.
halogen_status field_check(const Report &report, const Field &field, const void *params);

/// Copies the value.
void field_copy(const Field &field, const void *from, void *to);

/// Sets the value from text.
halogen_status field_parse(const Report &report, const Field &field, const char *text, void *params);

}  // namespace halogen
