// The gradients of a transposed convolution: what a plain double-precision program that scatters says, and a call of the C ABI.
#pragma once

#include "conv_run.h"

namespace halogen_tests {

inline constexpr halogen_conv_path gradient_paths[] = {HALOGEN_CONV_PATH_AUTO, HALOGEN_CONV_PATH_ROWS,
                                                       HALOGEN_CONV_PATH_LENGTH, HALOGEN_CONV_PATH_COLUMNS};

/** One value per element of the input, the weights, the bias. */
template <typename Value>
struct ConvGradients {
  std::vector<Value> input, weight, bias;
};

/** What a backward pass is given beside ConvData: the gradient of the output, and the output, as float32. */
struct ConvBackwardData {
  std::vector<float> grad_output, output;
};

/** Uniform in ±1; the output is the reference's. */
ConvBackwardData ordinary_backward_data(const ConvProblem &problem, const ConvData &data, uint64_t stream);

/** Integers in ±3. */
ConvBackwardData integer_backward_data(const ConvProblem &problem, const ConvData &data, uint64_t stream);

/** Expected, and the sums of the magnitudes of what is added up. */
struct ConvGradientReference {
  ConvGradients<double> value, magnitude;
};
ConvGradientReference gradient_reference(const ConvProblem &problem, const ConvData &data,
                                         const ConvBackwardData &backward);

/** Where the tensors of a call lie; a gradient without memory is not asked for. */
struct ConvBackwardMemory {
  void *input, *weight, *grad_output, *output, *grad_input, *grad_weight, *grad_bias;
};

/** The arguments of a call, with the tensors they point to. Not movable. */
struct ConvBackwardCall {
  ConvBackwardCall(const ConvProblem &problem, const ConvBackwardMemory &memory,
                   halogen_conv_path path = HALOGEN_CONV_PATH_AUTO);
  ConvBackwardCall(const ConvBackwardCall &) = delete;
  ConvBackwardCall &operator=(const ConvBackwardCall &) = delete;

  /** Runs it; on success the kernels go on record. */
  halogen_status run(halogen_context *context);

  TensorView input, weight, grad_output, output, grad_input, grad_weight, grad_bias;
  halogen_conv_transpose1d_backward_args args = HALOGEN_CONV_TRANSPOSE1D_BACKWARD_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;

 private:
  std::string description_;
};

/** Which gradients are asked for. */
struct Wanted {
  bool input = true, weight = true, bias = true;
};

/** What came of a call on memory of its own. */
struct ConvBackwardResult {
  halogen_status status;
  std::string message;
  halogen_kernel_info ran;
  ConvGradients<float> gradients;
};
ConvBackwardResult run_backward(halogen_context *context, const ConvProblem &problem, const ConvData &data,
                                const ConvBackwardData &backward, halogen_conv_path path = HALOGEN_CONV_PATH_AUTO,
                                const Wanted &wanted = {});

/** Empty if the call succeeded on `isa` and the numbers agree with the reference within `unit` times the magnitudes; else what is
 * wrong, with everything needed to repeat it. */
std::string verify(const ConvProblem &problem, const ConvGradientReference &expected, const ConvBackwardResult &result,
                   const std::string &isa, double unit = 1e-6);

/** The same bits in all of them. */
bool same_bits(const ConvGradients<float> &a, const ConvGradients<float> &b);

}  // namespace halogen_tests
