// Runs one NormProblem through the C ABI, and says what is wrong with the result.
#pragma once

#include <halogen/ops.h>

#include <string>
#include <vector>

#include "norm_problem.h"
#include "tensor.h"
#include "variants.h"

namespace halogen_tests {

/** Where the tensors of a call lie; `output` may equal `input`. */
struct NormMemory {
  void *input, *output, *weight, *bias, *mean, *var, *running_mean, *running_var;
};

/** The arguments of a call, with the tensors they point to. Not movable: `args` holds addresses of its own members. */
struct NormCall {
  NormCall(const NormProblem &problem, const NormMemory &memory, halogen_norm_path path = HALOGEN_NORM_PATH_AUTO,
           DLDevice device = cpu);
  NormCall(const NormCall &) = delete;
  NormCall &operator=(const NormCall &) = delete;

  /** Runs it; on success the kernels go on record. */
  halogen_status run(halogen_context *context);

  TensorView input, output, weight, bias, mean, var, running_mean, running_var;
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;

 private:
  std::string description_;
};

/** What came of a call on memory of its own. */
struct NormResult {
  halogen_status status;
  std::string message;
  halogen_kernel_info ran;
  std::vector<float> output, running_mean, running_var;
};

/** Runs the problem on copies of `data`, in place or not. */
NormResult run_norm(halogen_context *context, const NormProblem &problem, const NormData &data,
                    halogen_norm_path path = HALOGEN_NORM_PATH_AUTO, bool in_place = false);

/** Whether the library has that schedule for that problem: split is not for given statistics, there is nothing to split. */
bool path_applies(const NormProblem &problem, halogen_norm_path path);

/** The kernels that a forced path consists of, in any order; empty for AUTO, which is free to choose. */
std::vector<std::string> expected_kernels(const NormProblem &problem, halogen_norm_path path);

/** Empty if the call succeeded, the kernels that ran are those of `path` and `isa`, and the numbers agree with the reference;
 * else what is wrong, with everything needed to repeat it. */
std::string verify(const NormProblem &problem, const NormReference &expected, const NormResult &result,
                   halogen_norm_path path, const std::string &isa);

/** The first difference beyond tolerance, or "". NaN must meet NaN, infinity the same infinity. */
std::string compare(const char *name, const std::vector<float> &got, const std::vector<double> &expected,
                    const std::vector<double> &tolerance);

/** True if both hold the same bits. */
bool same_bits(const std::vector<float> &a, const std::vector<float> &b);

}  // namespace halogen_tests
