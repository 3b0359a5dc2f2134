// Runs one NormProblem through the C ABI, and says what is wrong with the result.
#pragma once

#include <halogen/ops.h>

#include <string>
#include <vector>

#include "norm_kernels.h"
#include "norm_problem.h"
#include "norm_storage.h"
#include "tensor.h"
#include "variants.h"

namespace halogen_tests {

/** The arguments of a call, with the tensors they point to. Not movable: `args` holds addresses of its own members. */
struct NormCall {
  NormCall(const NormProblem &problem, const NormMemory &memory, halogen_norm_path path = HALOGEN_NORM_PATH_AUTO,
           DLDevice device = cpu);
  NormCall(const NormCall &) = delete;
  NormCall &operator=(const NormCall &) = delete;

  /** Runs it; on success the kernels go on record. */
  halogen_status run(halogen_context *context);

  TensorView input, output, weight, bias, mean, var, running_mean, running_var, residual, saved_mean, saved_rstd;
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;

 private:
  std::string description_;
};

/** What came of a call. */
struct NormResult : NormOutputs {
  halogen_status status = HALOGEN_OK;
  std::string message;
  halogen_kernel_info ran{};
  bool gaps_intact = true; /**< no byte beside the elements was written */
};

/** Which tensor the output is; its own, or that one, which has the same place. */
enum class OutputIs { own, input, residual };

/** Runs the problem on copies of `data`. */
NormResult run_norm(halogen_context *context, const NormProblem &problem, const NormData &data,
                    halogen_norm_path path = HALOGEN_NORM_PATH_AUTO, OutputIs output = OutputIs::own);

/** Runs it in memory that is there already. */
NormResult run_norm_in(halogen_context *context, const NormProblem &problem, const NormMemory &memory,
                       halogen_norm_path path = HALOGEN_NORM_PATH_AUTO);

/** Empty if the call succeeded, the kernels that ran are those of `path` and `isa`, and the numbers agree with the reference;
 * else what is wrong, with everything needed to repeat it. */
std::string verify(const NormProblem &problem, const NormReference &expected, const NormResult &result,
                   halogen_norm_path path, const std::string &isa);

/** The first difference beyond tolerance, or "". NaN must meet NaN, infinity the same infinity. */
std::string compare(const char *name, const Values &got, const Values &expected, const Values &tolerance);

/** Runs the problem on every variant by every path that it has, and checks each against the reference. */
void check_everywhere(const NormProblem &problem, const NormData &data, OutputIs output = OutputIs::own);

/** True if both hold the same bits. */
bool same_bits(const Values &a, const Values &b);

/** True if the calls wrote the same bits everywhere. */
bool same_outputs(const NormOutputs &a, const NormOutputs &b);

}  // namespace halogen_tests
