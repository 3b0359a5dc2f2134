// The transposed convolution on a GPU: a launch for each class of phases, on the tensors as they are. Weights are not packed.
#pragma once

#include "call.h"
#include "conv_plan.h"
#include "conv_run.h"

namespace halogen {

/// Phases k0 + phases*gap that have as many taps, and the positions at which one of them has an output that is not cropped.
struct ConvGpuClass {
  int64_t first_phase, count, taps;
  int64_t first, positions;
  bool direct;  ///< by threads for each position, without tiles
};

struct ConvGpuPlan {
  const char *reason;  ///< a sentence, static
  bool too_large;      ///< with a refusal: beyond what kernels can count
  ConvGpuClass classes[3];
  int32_t count;
  int64_t samples;  ///< of a launch
};

/// Plans a problem whose output is not empty: a pure function. `forced`: ROWS: tiles, LENGTH: direct. On refusal returns false and
/// `plan->reason` says why.
bool conv_gpu_plan(const ConvProblem &problem, const ConvWeights &weight, halogen_conv_path forced, ConvGpuPlan *plan);

/// Names of the kernels that a plan runs, separated by ' '.
void conv_gpu_kernel_names(const ConvGpuPlan &plan, Dtype dtype, char *names, size_t size);

/// Runs the plan. Returns 0 or a kernel's code; the reason is noted in `call`.
int conv_gpu_run(Call *call, const ConvProblem &problem, const ConvGpuPlan &plan, const ConvWeights &weight,
                 const ConvTensors &tensors, const ConvScalars &scalars);

/// Loads the kernels for float32 data, by running them on a device that the call has begun on.
int conv_gpu_prepare(Call *call, const DLDevice &device);

}  // namespace halogen
