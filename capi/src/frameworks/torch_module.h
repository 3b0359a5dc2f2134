// What torch's normalisation modules have in common: dtypes, devices, state, and their parameters' structs.
#pragma once

#include <halogen/torch.h>

#include "module.h"
#include "status.h"
#include "struct_size.h"
#include "tensor.h"

namespace halogen {

/// The tensor of a state entry; NULL where the module has none.
const DLTensor *torch_state(const halogen_module &module, const char *key);

/// "[2, 3, 4]", of at most 8 dimensions.
struct TorchSizes {
  char text[200];
  TorchSizes(const int64_t *sizes, int32_t count);
};

/// The checks that every create makes.
halogen_status torch_check_create(const Report &report, double eps, const DLDataType &dtype, const DLDevice &device);

/// The checks that every forward begins with; `input` is safe to look at after them.
halogen_status torch_check_tensors(const Report &report, const halogen_module &module, const ForwardCall &call);

/// The input's dtype and device against the module's, in torch's words where torch has any.
halogen_status torch_check_input(const Report &report, const halogen_module &module, const DLTensor &input);

halogen_status torch_out_of_memory(const Report &report, halogen_module *incomplete);

inline bool is_flag(int32_t value) { return value == 0 || value == 1; }

/// The first steps of a create.
template <class Params>
halogen_status torch_read_params(const Report &report, halogen_context *context, const Params *given,
                                 halogen_module **module, Params *read) {
  if (context == nullptr) return fail_null(report, "context");
  if (given == nullptr) return fail_null(report, "params");
  if (module == nullptr) return fail_null(report, "module");
  return read_struct(report, "params", given, read);
}

/// Fills a params struct of any header version with `defaults`.
template <class Params>
halogen_status torch_init_params(Params *params, size_t struct_size, Params defaults, halogen_error *error) {
  const Report report = {nullptr, error};
  if (params == nullptr) return fail_null(report, "params");
  if (struct_size < sizeof(size_t) || struct_size > kMaxStructSize || struct_size % sizeof(int32_t) != 0) {
    return fail(report, HALOGEN_ERROR_STRUCT_SIZE, "struct_size: expected sizeof *params (%zu), got %zu",
                sizeof(Params), struct_size);
  }
  std::memset(static_cast<void *>(params), 0, struct_size);
  defaults.struct_size = struct_size;
  defaults.eps = 1e-5;
  defaults.dtype = kFloat32;
  defaults.device = {kDLCPU, 0};
  params->struct_size = struct_size;
  write_struct(defaults, params);
  return HALOGEN_OK;
}

}  // namespace halogen
