// What the calls of a transposed convolution check, forward and backward: each check says in its message what was expected.
#pragma once

#include <halogen/conv.h>

#include <initializer_list>

#include "conv_plan.h"
#include "status.h"
#include "tensor.h"

namespace halogen {

/// The arguments that are numbers and enums, by the names that they have in both structs.
struct ConvOptions {
  halogen_activation input_activation, activation;
  double input_slope, activation_slope;
  halogen_conv_path path;
  halogen_layout layout;
};
template <class Args>
ConvOptions conv_options(const Args &args) {
  return {args.input_activation, args.activation, args.input_slope, args.activation_slope, args.path, args.layout};
}
halogen_status conv_check_options(const Report &report, const ConvOptions &options);

/// The slope of what is negative in the input: 1 leaves it as it is.
inline double conv_input_slope(const ConvOptions &options) {
  return options.input_activation == HALOGEN_ACTIVATION_LEAKY_RELU ? options.input_slope : 1;
}
/// The same of the output, where its activation is none or a relu.
inline double conv_output_slope(const ConvOptions &options) {
  return options.activation == HALOGEN_ACTIVATION_LEAKY_RELU ? options.activation_slope
         : options.activation == HALOGEN_ACTIVATION_RELU     ? 0
                                                             : 1;
}

/// The output's length by halogen_conv_transpose1d_output_length()'s formula.
halogen_status conv_output_length(const Report &report, int64_t length, int64_t kernel, int64_t stride,
                                  int64_t dilation, int64_t pad_left, int64_t pad_right, int64_t *output_length);

/// What all tensors of a call have in common: the weights' dtype and device.
struct ConvKind {
  Dtype dtype;
  DLDevice device;
};

/// A tensor of the call.
halogen_status conv_check_tensor(const Report &report, const char *name, const DLTensor *tensor, const ConvKind &kind,
                                 bool need_data, Tensor *checked);

/// The same, a vector of one value for each output channel.
halogen_status conv_check_vector(const Report &report, const char *name, const DLTensor *tensor, const ConvKind &kind,
                                 int64_t channels, bool need_data, Tensor *checked);

/// Makes a call ready for the GPU that its tensors are on. Tensors without memory are right.
halogen_status conv_begin_on_gpu(const Report &report, halogen_context *context, const DLDevice &device,
                                 std::initializer_list<const Tensor *> tensors, Call *call);

/// `written` shares no memory with `other`.
halogen_status conv_check_apart(const Report &report, const Tensor &written, const Tensor &other);

/// Every element of a tensor that is written has a place of its own.
halogen_status conv_check_places(const Report &report, const Tensor &written);

/// The shape of a tensor is `expected`: that of (N, C, L) in `layout`, without N where `like` has none.
halogen_status conv_check_shape(const Report &report, const Tensor &tensor, const Tensor &like, halogen_layout layout,
                                int64_t N, int64_t C, int64_t L);

/// What an input of 2 or 3 dimensions says.
struct ConvExtents {
  int64_t N, L, L_out;
};
/// Checks the input's rank and channels, and that there is an output's length.
halogen_status conv_check_input(const Report &report, const Tensor &input, const ConvWeightShape &shape,
                                halogen_layout layout, int64_t pad_left, int64_t pad_right, ConvExtents *extents);

/// Strides of a tensor of 2 or 3 dimensions, seen as (N, C, L). A dimension of extent 1 has the stride that suits kernels best.
ConvStrides conv_strides(const Tensor &tensor, halogen_layout layout);

}  // namespace halogen
