// What the frameworks' transposed convolutions along one axis have in common. A framework says how a class checks its input, and what its
// parameters crop; all else is here.
#pragma once

#include "common.h"
#include "conv_pads.h"
#include "init/initializer.h"

namespace halogen {

struct ConvModule;

/// A class of a framework.
struct ConvClass {
  const char *name;
  /// The framework's checks of the input, in its order and words.
  halogen_status (*check_input)(const Report &report, const ConvModule &module, const DLTensor &input);
  /// Crops and length of the output for an input of `length` positions, at least 1.
  halogen_status (*pads)(const Report &report, const ConvModule &module, const DLTensor &input, int64_t length,
                         ConvPads *pads, int64_t *output_length);
  void (*print)(const ConvModule &module, Text *text);
};

struct ConvSizes {
  int64_t in_channels, out_channels, kernel, stride, dilation, groups;
};

/// A module; a framework's begins with it and goes on with its own parameters.
struct ConvModule {
  halogen_module base;
  const ConvClass *type;
  ConvSizes sizes;
  int32_t thin;  ///< dimension of extent 1 that input and output have besides (N, C, L); 0: none

  int32_t length_dim(const DLTensor &input) const { return thin == 0 || thin == 2 ? input.ndim - 1 : input.ndim - 2; }
  int32_t channel_dim(const DLTensor &input) const { return input.ndim - (thin == 0 ? 2 : 3); }
};

/// A parameter that must be at least 1.
struct Positive {
  const char *name;
  int64_t value;
  halogen_status status = HALOGEN_ERROR_ARGUMENT;
};

/// "in_channels: expected 1 or more, got 0".
halogen_status check_positive(const Report &report, const Positive *parameters, int32_t count);

/// What is left to check of a create, in our own words: the device, and sizes that this library cannot do.
halogen_status check_conv(const Report &report, const ConvSizes &sizes, int64_t padding, int64_t output_padding,
                          const DLDataType &dtype, const DLDevice &device);

/// The framework's shapes of the parameters; the weight's elements in the order (C_in, C_out / groups, K).
struct ConvState {
  const int64_t *weight;
  int32_t weight_dims;
  const int64_t *bias;  ///< NULL: none
  int32_t bias_dims;
  ConvDefaults defaults = ConvDefaults::by_fan;  ///< of reset_parameters
};

halogen_status create_conv(const Report &report, halogen_context *context, const ModuleKind &kind,
                           const ConvClass &type, const ConvSizes &sizes, const ConvState &state,
                           const DLDataType &dtype, const DLDevice &device, ConvModule **module);

/// The crops of `padding`, and the length that they leave, which may be negative: that is the framework's to judge.
halogen_status conv_crops(const Report &report, const ConvPadding &padding, ConvPads *pads, int64_t *output_length);

/// Forward of checked tensors.
halogen_status conv_run_module(ConvModule *module, const ForwardCall &call, const ConvPads &pads);

/// The input's dtype must be the weight's.
halogen_status check_conv_dtype(const Report &report, const ConvModule &module, const DLTensor &input);

halogen_status conv_forward(halogen_module *module, const ForwardCall &call);
halogen_status conv_backward(halogen_module *module, const BackwardCall &call);
halogen_status conv_output(const Report &report, const halogen_module &module, const DLTensor &input, OutputForm *form);
const char *conv_name(const halogen_module &module);
void conv_print(const halogen_module &module, Text *text);
void conv_drop(void *packed);

/// The kind of a framework's module, which is a `Module`.
template <class Module>
constexpr ModuleKind conv_kind() {
  return {sizeof(Module), conv_forward, conv_backward, conv_output, conv_name, conv_print, conv_drop};
}

/// ", stride=(2,)", unless all are `usual`.
void print_sizes(Text *text, const char *name, const int64_t *values, int32_t count, int64_t usual);

}  // namespace halogen
