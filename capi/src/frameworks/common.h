// What the frameworks' modules have in common: checks of what every module is given, and their state as the operators want it.
#pragma once

#include "module.h"
#include "params.h"
#include "status.h"
#include "tensor.h"

namespace halogen {

/// The tensor of a state entry; NULL where the module has none.
const DLTensor *module_tensor(const halogen_module &module, const char *key);

/// "[2, 3, 4]", of at most 8 dimensions.
struct SizeText {
  char text[200];
  SizeText(const int64_t *sizes, int32_t count);
};

/// An entry of any shape as a vector; absent ones stay so.
struct Flat {
  explicit Flat(const DLTensor *entry);
  Flat(const Flat &) = delete;
  Flat &operator=(const Flat &) = delete;
  const DLTensor *get() const { return exists_ ? &tensor_ : nullptr; }

 private:
  DLTensor tensor_{};
  int64_t length_ = 1;
  bool exists_;
};

/// Checks of a create that all normalisations make.
halogen_status check_eps(const Report &report, double eps);
halogen_status check_place(const Report &report, const DLDataType &dtype, const DLDevice &device);

/// At least 1, and few enough for a tensor of state.
halogen_status check_count(const Report &report, const char *name, int64_t count);

/// The checks that every forward begins with; `input` is safe to look at after them.
halogen_status check_tensors(const Report &report, const halogen_module &module, const ForwardCall &call);

/// The checks that every backward begins with.
halogen_status check_tensors(const Report &report, const halogen_module &module, const BackwardCall &call);

/// Whether parameters and statistics have memory.
halogen_status check_state(const Report &report, const halogen_module &module);

/// The input's device against the module's.
halogen_status check_device(const Report &report, const halogen_module &module, const DLTensor &input);

/// A gradient that is asked for, against the parameter that it is of. @param key NULL: the module has none that learns.
halogen_status check_gradient(const Report &report, const halogen_module &module, const char *name, const char *key,
                              const DLTensor *gradient);

/// The dtype of the parameters and running statistics; false where the module has none.
bool state_dtype(const halogen_module &module, DLDataType *dtype);

/// An output like the input.
OutputForm same_form(const DLTensor &input);

inline bool is_flag(int32_t value) { return value == 0 || value == 1; }
inline double as_float32(double value) { return static_cast<double>(static_cast<float>(value)); }

}  // namespace halogen
