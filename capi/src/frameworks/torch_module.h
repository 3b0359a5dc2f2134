// What torch's normalisation modules have in common: dtypes, devices, state, and their parameters' structs.
#pragma once

#include "module.h"
#include "params.h"
#include "status.h"
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

}  // namespace halogen
