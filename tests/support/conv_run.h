// Runs one ConvProblem through the C ABI, and says what is wrong with the result.
#pragma once

#include <halogen/conv.h>

#include <string>
#include <vector>

#include "conv_problem.h"
#include "tensor.h"
#include "variants.h"

namespace halogen_tests {

/** Every schedule, AUTO first. */
inline constexpr halogen_conv_path conv_paths[] = {HALOGEN_CONV_PATH_AUTO, HALOGEN_CONV_PATH_ROWS,
                                                   HALOGEN_CONV_PATH_LENGTH};

/** Whether the library has that schedule for that problem. */
bool path_applies(const ConvProblem &problem, halogen_conv_path path);

/** Where the tensors of a call lie. */
struct ConvMemory {
  void *input, *output, *weight, *bias;
};

/** The arguments of a call, with the tensors they point to. Not movable: `args` holds addresses of its own members. */
struct ConvCall {
  ConvCall(const ConvProblem &problem, const ConvMemory &memory, halogen_conv_path path = HALOGEN_CONV_PATH_AUTO);
  ConvCall(const ConvCall &) = delete;
  ConvCall &operator=(const ConvCall &) = delete;

  /** Runs it; on success the kernels go on record. */
  halogen_status run(halogen_context *context);

  TensorView input, output, weight, bias;
  halogen_conv_transpose1d_args args = HALOGEN_CONV_TRANSPOSE1D_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;

 private:
  std::string description_;
};

/** What came of a call on memory of its own. */
struct ConvResult {
  halogen_status status;
  std::string message;
  halogen_kernel_info ran;
  std::vector<float> output;
};

ConvResult run_conv(halogen_context *context, const ConvProblem &problem, const ConvData &data,
                    halogen_conv_path path = HALOGEN_CONV_PATH_AUTO);

/** Empty if the call succeeded, the kernels that ran are those of `path` and `isa`, and the numbers agree with the reference;
 * else what is wrong, with everything needed to repeat it. */
std::string verify(const ConvProblem &problem, const ConvReference &expected, const ConvResult &result,
                   halogen_conv_path path, const std::string &isa);

/** The first difference beyond tolerance, or "". NaN must meet NaN, infinity the same infinity. */
std::string compare(const char *name, const std::vector<float> &got, const std::vector<double> &expected,
                    const std::vector<double> &tolerance);

/** True if both hold the same bits. */
bool same_bits(const std::vector<float> &a, const std::vector<float> &b);

/** Packed weights that are freed with it; a failure fails the test. */
class PackedWeights {
 public:
  PackedWeights(halogen_context *context, const ConvProblem &problem, const ConvData &data);
  ~PackedWeights() { halogen_conv_transpose1d_weights_destroy(handle_); }
  PackedWeights(const PackedWeights &) = delete;
  PackedWeights &operator=(const PackedWeights &) = delete;

  const halogen_conv_weights *get() const { return handle_; }

 private:
  halogen_conv_weights *handle_ = nullptr;
};

}  // namespace halogen_tests
