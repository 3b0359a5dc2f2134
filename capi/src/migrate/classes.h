// Every module class: its name, what it corresponds to, and its parameters.
#pragma once

#include <halogen/migrate.h>

#include "meaning.h"

namespace halogen {

/// Classes of one family convert into each other.
enum class Family {
  batch_norm1d,
  batch_norm2d,
  batch_norm3d,
  instance_norm1d,
  instance_norm2d,
  instance_norm3d,
  group_norm,
  layer_norm,
  conv_transpose
};

struct ModuleClass {
  const char *name;
  Family family;
  const Rows *rows;
  size_t size;
  /// Copies a struct of any header version into one of this version.
  halogen_status (*read)(const Report &report, const char *name, const void *from, void *to);
  /// Copies one of this version into one of any version.
  void (*write)(const void *from, void *to);
  /// The defaults; what has none is 1.
  void (*init)(void *params);
};

/// NULL for numbers that are no class.
const ModuleClass *class_of(halogen_module_class number);

/// As above, reported.
halogen_status find_class(const Report &report, const char *name, halogen_module_class number,
                          const ModuleClass **found);

/// Memory for any params struct.
struct ParamsBuffer {
  alignas(16) unsigned char bytes[HALOGEN_MODULE_PARAMS_MAX];
};

/// Reads a struct whose values are then of their types.
halogen_status read_checked(const Report &report, const char *name, const ModuleClass &module_class, const void *from,
                            ParamsBuffer *to);

/// What parameters mean.
Meaning meaning_of(const ModuleClass &module_class, const ParamsBuffer &params);

}  // namespace halogen
