// The struct_size rule of halogen/core.h, once for every struct of the ABI.
#pragma once

#include <cstddef>
#include <cstring>

#include "status.h"

namespace halogen {

/// Above this a struct_size is taken for an uninitialised field, and the bytes behind it are not looked at.
constexpr size_t kMaxStructSize = 16384;

/// Whether a struct of `size` bytes at `from` can be read where `known` bytes are known: a smaller one may only end between
/// fields (laid out in groups of 8 bytes, so that no pointer is cut in two), a larger one may hold only zeros where nothing is known.
inline bool struct_is_readable(const void *from, size_t size, size_t known) {
  if (size < sizeof(size_t) || size > kMaxStructSize || size % sizeof(size_t) != 0) return false;
  const char *bytes = static_cast<const char *>(from);
  for (size_t i = known; i < size; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

/// Copies a struct of any header version over one of this version, which keeps what the other lacks.
template <class T>
halogen_status read_over(const Report &report, const char *name, const T *from, T *to) {
  const size_t size = from->struct_size;
  if (!struct_is_readable(from, size, sizeof(T))) {
    return fail(
        report, HALOGEN_ERROR_STRUCT_SIZE,
        "%s: expected struct_size %zu (or smaller, or larger with zeros in the fields this library does not know), "
        "got %zu",
        name, sizeof(T), size);
  }
  std::memcpy(to, from, size < sizeof(T) ? size : sizeof(T));
  to->struct_size = sizeof(T);
  return HALOGEN_OK;
}

/// Copies a struct of any header version into one of this version; what it lacks is zero.
template <class T>
halogen_status read_struct(const Report &report, const char *name, const T *from, T *to) {
  std::memset(static_cast<void *>(to), 0, sizeof(T));
  return read_over(report, name, from, to);
}

/// For structs that are only written to.
template <class T>
halogen_status check_struct(const Report &report, const char *name, const T *to) {
  if (struct_is_readable(to, to->struct_size, to->struct_size)) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_STRUCT_SIZE, "%s: expected struct_size %zu, got %zu", name, sizeof(T),
              to->struct_size);
}

/// Writes a struct of this version into one of any version; fields that it lacks are dropped.
template <class T>
void write_struct(const T &from, T *to) {
  const size_t size = to->struct_size;
  std::memcpy(to, &from, size < sizeof(T) ? size : sizeof(T));
  to->struct_size = size;
}

/// Fills a params struct of any version, of which the caller gives the size, with `defaults`.
template <class T>
halogen_status init_struct(const Report &report, size_t struct_size, const T &defaults, T *params) {
  if (params == nullptr) return fail_null(report, "params");
  if (struct_size < sizeof(size_t) || struct_size > kMaxStructSize || struct_size % sizeof(int32_t) != 0) {
    return fail(report, HALOGEN_ERROR_STRUCT_SIZE, "struct_size: expected sizeof *params (%zu), got %zu", sizeof(T),
                struct_size);
  }
  std::memset(static_cast<void *>(params), 0, struct_size);
  params->struct_size = struct_size;
  write_struct(defaults, params);
  return HALOGEN_OK;
}

}  // namespace halogen
