// What a module is: named state, and a framework's forward.
#pragma once

#include <halogen/module.h>

#include "context.h"
#include "status.h"

namespace halogen {

constexpr int kMaxState = 8;
constexpr int32_t kMaxStateRank = 8;

/// One entry of a module's state. Its memory is the module's own or, once bound, the caller's.
struct StateEntry {
  const char *key;
  DLTensor tensor;  ///< shape points at `shape`
  int64_t shape[kMaxStateRank];
  int64_t elements;
  void *owned;
};

struct ForwardCall {
  const DLTensor *input, *output;
  void *stream;
  bool only_query;
  halogen_kernel_info *info;
  halogen_error *error;
};

}  // namespace halogen

/// The common part; a framework's module begins with it.
struct halogen_module {
  halogen_context *context;
  halogen_status (*forward)(halogen_module *module, const halogen::ForwardCall &call);
  /// Frees what was derived from the state, which changes or goes; NULL: nothing is.
  void (*forget)(halogen_module *module);
  DLDevice device;
  bool training;
  int32_t state_count;
  halogen::StateEntry state[halogen::kMaxState];
};

namespace halogen {

/// Allocates a zeroed module of `bytes` bytes that begins with a halogen_module.
halogen_module *module_allocate(halogen_context *context, size_t bytes);

/// Appends an entry, filled with 0 or 1. On a GPU, but for integers, it has no memory until the caller binds some. False when out of
/// memory. `shape`: at most kMaxStateRank dimensions.
bool module_add_state(halogen_module *module, const char *key, const DLDataType &dtype, const int64_t *shape,
                      int32_t ndim, bool one);

/// The entry, or NULL.
const StateEntry *module_find(const halogen_module *module, const char *key);

}  // namespace halogen
