// Calls of the normalisation kernels on parts of a problem: buffers and arguments from views.
#pragma once

#include "norm_buffers.h"
#include "norm_run.h"

namespace halogen {

/// The vectors that kernels read, in the type that is computed in.
struct Parameters {
  Memory weight, bias;
};

class NormLaunch : private NormBuffers {
 public:
  NormLaunch(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
             const NormScalars &scalars);

  /// Statistics, which `own` receives, and y.
  int fused(const Pass &pass, const Parameters &parameters, const Statistics &own);
  /// y from statistics that are there.
  int apply(const Pass &pass, const Parameters &parameters, const Statistics &st);
  int partial(const Pass &pass, const PairMemory &to);
  int merge(const Pass &pass, const PairMemory &from, const Statistics &to);
  /// Moments from the blocks of the whole problem.
  int moments(const PairMemory &from, const Memory &to);
  int running(const Statistics &own);
  int save(const Statistics &own);
  /// Statistics from the call's moments, and running ones by them. `running_var`: see norm_given.
  int given(const Statistics &to, const Memory &running_var);
  int running(const Statistics &given, const Memory &running_var, double correction);
  /// The call's vectors; `given` statistics if there are.
  int convert(Parameters *parameters, Statistics *given, Scratch *scratch);

 private:
  int fused_row(const Pass &pass, const Parameters &parameters, const Statistics &own);
  int fused_each(const Pass &pass, const Parameters &parameters, const Statistics &own);
  struct SlabArguments {
    Buffer x, residual, y, weight, bias, hi, lo, var;
    bool has_weight, has_bias, has_residual;
  };
  template <class Kernel>
  int each_slab_of(const Pass &pass, const Parameters &parameters, const Statistics &st, const Kernel &kernel);
  int fused_slab(const Pass &pass, const Parameters &parameters, const Statistics &own);
  int apply_row(const Pass &pass, const Parameters &parameters, const Statistics &st);
  int apply_slab(const Pass &pass, const Parameters &parameters, const Statistics &st);
  int partial_slab(const Pass &pass, const PairMemory &to);

  const NormTensors &t_;
  const NormScalars &scalars_;
};

}  // namespace halogen
