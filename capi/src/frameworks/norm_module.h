// What the frameworks' batch and instance normalisations have in common. A framework says how a class checks its input, and what a call
// of it amounts to; all else is here.
#pragma once

#include <halogen/ops.h>

#include "common.h"

namespace halogen {

struct NormModule;

/// What a call amounts to in a module's present mode.
struct NormUse {
  bool given = false;          ///< running statistics normalise, else the input's own
  bool moves = false;          ///< running statistics move
  bool unbiased = true;        ///< by the unbiased variance
  double new_weight = 0;       ///< of the new statistic
  int64_t *counter = nullptr;  ///< counts the call
};

/// One framework's view of its normalisations.
struct NormFramework {
  const char *weight, *bias, *mean, *var;  ///< keys
  /// The framework's checks of the input, in its order and words.
  halogen_status (*check_input)(const Report &report, const NormModule &module, const DLTensor &input);
  halogen_status (*check_dtype)(const Report &report, const NormModule &module, const DLTensor &input);
  NormUse (*use)(const NormModule &module);
  void (*print)(const NormModule &module, Text *text);
};

/// One class of a framework.
struct NormClass {
  const NormFramework *framework;
  const char *name;
  halogen_norm_scope scope;
  int32_t least_rank, most_rank;
  bool unbatched;  ///< the lesser rank is (C, ...)
};

/// A module; a framework's begins with it and goes on with its own parameters.
struct NormModule {
  halogen_module base;
  const NormClass *type;
  int64_t channels;
  double eps;  ///< as it is computed with
  halogen_layout layout;
  bool learns;  ///< weight and bias get gradients

  bool batch() const { return type->scope == HALOGEN_NORM_SCOPE_BATCH; }
  int64_t input_channels(const DLTensor &input) const {
    return input.shape[layout == HALOGEN_LAYOUT_CHANNEL_LAST ? input.ndim - 1 : is_unbatched(input) ? 0 : 1];
  }
  bool is_unbatched(const DLTensor &input) const { return type->unbatched && input.ndim == type->least_rank; }
};

/// Values per channel and sample; -1 where that is beyond 2^63 - 1.
int64_t norm_positions(const NormModule &module, const DLTensor &input);

/// "expected 2D or 3D input (got 4D input)", which all but MindSpore say.
halogen_status check_norm_rank(const Report &report, const NormModule &module, const DLTensor &input);

/// What a module is made of.
struct NormState {
  bool weight, bias, statistics, counter;
  const int64_t *shape;  ///< of all but the counter
  int32_t ndim;
  bool statistics_first;  ///< in the order of the keys
};

/// Makes a module whose kind is `kind`, with its state.
halogen_status create_norm(const Report &report, halogen_context *context, const ModuleKind &kind,
                           const NormClass &type, const NormState &state, const DLDataType &dtype,
                           const DLDevice &device, NormModule **module);

halogen_status norm_forward(halogen_module *module, const ForwardCall &call);
halogen_status norm_backward(halogen_module *module, const BackwardCall &call);
halogen_status norm_output(const Report &report, const halogen_module &module, const DLTensor &input, OutputForm *form);
const char *norm_name(const halogen_module &module);
void norm_print(const halogen_module &module, Text *text);

/// The kind of a framework's module, which is a `Module`.
template <class Module>
constexpr ModuleKind norm_kind() {
  return {sizeof(Module), norm_forward, norm_backward, norm_output, norm_name, norm_print, nullptr};
}

}  // namespace halogen
