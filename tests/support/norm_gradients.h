// The backward pass of one NormProblem: its numbers, what a plain double-precision program says, and a run through the C ABI.
#pragma once

#include <halogen/ops.h>

#include <string>

#include "norm_problem.h"
#include "norm_storage.h"
#include "tensor.h"
#include "variants.h"

namespace halogen_tests {

/** Which gradients are asked for, and whose memory that of the input is. */
struct GradientWish {
  enum class InputIs { own, input, grad_output };
  bool input = true, residual = false, weight = true, bias = true;
  InputIs input_is = InputIs::own;
};

/** The numbers, each one that its tensor can hold. `problem.saved`: mean and rstd are given, else recomputed. The output is any
 * numbers: only its signs matter. */
struct GradientData {
  GradientData(const NormProblem &problem, uint64_t stream);
  NormData forward;
  Values grad_output, output, saved_mean, saved_rstd;
};

struct GradientReference {
  Values input, residual, weight, bias;
  Values input_tolerance, residual_tolerance, weight_tolerance, bias_tolerance;
};

/** The formulas of Ioffe and Szegedy (2015), in plain passes of doubles. Every gradient may be off by u times the sum of the
 * magnitudes of its terms, u = 1e-6 (float64: 1e-14, with |mean| beside |x - mean|, as the mean is one number, and σ, where
 * statistics are recomputed), and half a unit in the last place of its type. */
GradientReference reference_gradients(const NormProblem &problem, const GradientData &data);

/** Memory of a device, or of the host. */
class Placement {
 public:
  virtual ~Placement() = default;
  virtual void *put(size_t slot, const void *bytes, size_t size) = 0;
  virtual void get(size_t slot, void *bytes, size_t size) = 0;
  virtual DLDevice device() const = 0;
};

/** What came of a call. */
struct GradientResult {
  halogen_status status = HALOGEN_OK;
  std::string message;
  halogen_kernel_info ran{};
  halogen_kernel_info query{}; /**< what halogen_norm_backward_query() says of the same call */
  bool gaps_intact = true;
  Values input, residual, weight, bias;
};

/** Runs it on copies of the data; what is not asked for stays NaN. `placement` NULL: where the copies are. */
GradientResult run_gradients(halogen_context *context, const NormProblem &problem, const GradientData &data,
                             const GradientWish &wish, halogen_norm_path path = HALOGEN_NORM_PATH_AUTO,
                             Placement *placement = nullptr);

/** Empty if the call succeeded on `isa` and all that was asked for agrees; else what is wrong. */
std::string verify_gradients(const NormProblem &problem, const GradientReference &expected,
                             const GradientResult &result, const GradientWish &wish, const std::string &isa);

/** That, and the kernels that ran and that a query names are those of `path`; of AUTO those of any path that applies. On a CPU. */
std::string verify_gradients(const NormProblem &problem, const GradientReference &expected,
                             const GradientResult &result, const GradientWish &wish, const std::string &isa,
                             halogen_norm_path path);

}  // namespace halogen_tests
