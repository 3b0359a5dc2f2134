// Calls of the normalisation kernels on parts of a problem: buffers and arguments from views.
#pragma once

#include "call.h"
#include "norm_kernels.h"
#include "norm_plan.h"
#include "norm_run.h"
#include "tensor.h"

namespace halogen {

/// Mean_hi, mean_lo and var of statistic sets, in the type that is computed in: sets of a sample after each other.
struct Statistics {
  Memory hi, lo, var;
  bool has_lo;
};

/// {mean, M2} of blocks.
struct BlockMemory {
  Memory mean, m2;
};

/// The data of one pass of kernels: from sample `first`.
struct Pass {
  int64_t first, samples;
};

/// The vectors that kernels read, in the type that is computed in.
struct Parameters {
  Memory weight, bias;
};

class NormLaunch {
 public:
  NormLaunch(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
             const NormScalars &scalars);

  /// Statistics, which `own` receives, and y.
  int fused(const Pass &pass, const Parameters &parameters, const Statistics &own);
  /// y from statistics that are there.
  int apply(const Pass &pass, const Parameters &parameters, const Statistics &st);
  int partial(const Pass &pass, const BlockMemory &to);
  int merge(const Pass &pass, const BlockMemory &from, const Statistics &to);
  int running(const Statistics &own);
  int save(const Statistics &own);
  int convert(const Vector &from, int64_t length, const Memory &to);

 private:
  template <NormRole role, class... Arguments>
  int launch(Dtype dtype, Arguments &&...arguments) {
    return find_kernel<role>(dtype, variant_).function(call_, arguments...);
  }
  int fused_row(const Pass &pass, const Parameters &parameters, const Statistics &own);
  int fused_slab(const Pass &pass, const Parameters &parameters, const Statistics &own);
  int apply_row(const Pass &pass, const Parameters &parameters, const Statistics &st);
  int apply_slab(const Pass &pass, const Parameters &parameters, const Statistics &st);
  int partial_slab(const Pass &pass, const BlockMemory &to);
  template <class Body>
  int each_slab(const Body &body);
  Buffer rows(const Memory &memory, const NormStrides &strides, const RowView &view, const Pass &pass) const;
  Buffer slabs(const Memory &memory, const NormStrides &strides, const SlabView &view, const Pass &pass,
               int64_t channel, int64_t slab, int64_t count) const;
  Buffer vector(const Memory &memory, int64_t inner, int64_t outer) const;
  Buffer slab_statistic(const Memory &memory, const SlabView &view, const Pass &pass, int64_t channel, int64_t slab,
                        int64_t count) const;
  Memory of_sets(const Memory &memory, const Pass &pass) const;

  Call *call_;
  const NormProblem &p_;
  const NormPlan &plan_;
  const NormTensors &t_;
  const NormScalars &scalars_;
  Variant variant_;
  halide_type_t storage_, compute_;
  int64_t bytes_, compute_bytes_;
  int64_t sets_;  ///< of a sample, or of all where statistics are per channel
};

}  // namespace halogen
