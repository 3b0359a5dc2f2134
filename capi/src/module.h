// What a module is: named state, and what its framework does with it.
#pragma once

#include <halogen/init.h>
#include <halogen/module.h>

#include "context.h"
#include "status.h"
#include "tensor.h"
#include "text.h"

namespace halogen {

constexpr int kMaxState = 8;
constexpr int32_t kMaxStateRank = 8;

enum class StateRole { parameter, statistic, counter };

/// One entry of a module's state. Its memory is the module's own or, once bound, the caller's.
struct StateEntry {
  const char *key;
  StateRole role;
  bool one;                  ///< begins with 1, else with 0
  halogen_status mismatch;   ///< of a tensor of another shape
  halogen_initializer init;  ///< what reset_parameters fills it with; TENSOR: leaves it
  DLTensor tensor;           ///< shape points at `shape`
  int64_t shape[kMaxStateRank];
  int64_t elements;
  void *owned;         ///< memory of the context's allocator
  DeviceBlock *block;  ///< memory of a GPU
};

struct ForwardCall {
  const DLTensor *input, *output;
  void *stream;
  bool only_query;
  halogen_kernel_info *info;
  halogen_error *error;
};

struct BackwardCall {
  const DLTensor *input, *grad_output;
  halogen_module_gradients gradients;
  void *stream;
  halogen_kernel_info *info;
  halogen_error *error;
};

struct OutputForm {
  int64_t shape[kMaxStateRank];
  int32_t ndim;
};

/// What a kind of module does; constant, one per kind.
struct ModuleKind {
  size_t bytes;  ///< of the module
  halogen_status (*forward)(halogen_module *module, const ForwardCall &call);
  halogen_status (*backward)(halogen_module *module, const BackwardCall &call);
  /// The checks of the input that forward makes, and the shape of its output.
  halogen_status (*output)(const Report &report, const halogen_module &module, const DLTensor &input, OutputForm *form);
  /// The framework's name of the class.
  const char *(*name)(const halogen_module &module);
  /// What the framework prints for the module.
  void (*print)(const halogen_module &module, Text *text);
  /// Frees what was derived from the state; NULL: nothing is.
  void (*drop)(void *derived);
};

}  // namespace halogen

/// The common part; a framework's module begins with it. A module may be copied byte by byte; see module_clone().
struct halogen_module {
  halogen_context *context;
  const halogen::ModuleKind *kind;
  /// What was derived from the state, which several threads may want to make at the same time; atomic.
  void *derived;
  DLDevice device;
  bool training;
  int32_t state_count;
  halogen::StateEntry state[halogen::kMaxState];
};

namespace halogen {

/// Allocates a zeroed module in training mode.
halogen_module *module_allocate(halogen_context *context, const ModuleKind &kind, const DLDevice &device);

/// Appends an entry, filled with 0 or 1. On a GPU, but for counters, it has no memory until the caller binds some. False when out of
/// memory. `shape`: at most kMaxStateRank dimensions.
bool module_add_state(halogen_module *module, const char *key, StateRole role, const DLDataType &dtype,
                      const int64_t *shape, int32_t ndim, bool one);

/// The entry, or NULL.
const StateEntry *module_find(const halogen_module *module, const char *key);

/// Destroys what could not be completed.
halogen_status module_out_of_memory(const Report &report, halogen_module *incomplete);

/// To be called before state changes.
void module_forget(halogen_module *module);

/// Memory for an entry of its shape, of any dtype, on any device.
struct StateMemory {
  void *owned = nullptr;
  DeviceBlock *block = nullptr;
  Memory memory{};
};

inline int64_t entry_bytes(const StateEntry &entry, const DLDataType &dtype) {
  return entry.elements * (dtype.bits / 8);
}

/// The entry's memory becomes `memory`; what it owned goes back.
void module_replace(halogen_module *module, StateEntry *entry, const StateMemory &memory);

void fill_state(const StateEntry &entry);

/// Copies an entry's bytes from memory of the CPU to where the entry lies; done when it returns.
halogen_status module_copy_in(halogen_context *context, const StateEntry &entry, const void *from,
                              halogen_error *error);

/// Has `fill(entry)`, which returns a status, write an entry of the CPU's memory; one on a GPU by way of it, so that the
/// numbers are the same on every device.
template <class Fill>
halogen_status module_fill(const Report &report, halogen_context *context, const StateEntry &entry, const Fill &fill) {
  if (entry.tensor.device.device_type == kDLCPU) return fill(entry);
  StateEntry host = entry;
  host.tensor.data = context->workspace.acquire(static_cast<size_t>(entry_bytes(entry, entry.tensor.dtype)));
  if (host.tensor.data == nullptr) {
    return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for %s", entry.key);
  }
  host.tensor.device = {kDLCPU, 0};
  host.tensor.byte_offset = 0;
  host.tensor.shape = host.shape;
  halogen_status status = fill(host);
  if (status == HALOGEN_OK) status = module_copy_in(context, entry, host.tensor.data, report.error);
  context->workspace.release(host.tensor.data);
  return status;
}

}  // namespace halogen
