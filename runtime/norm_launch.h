// Calls of the normalisation kernels on parts of a problem: buffers and arguments from views.
#pragma once

#include "call.h"
#include "norm_kernels.h"
#include "norm_plan.h"
#include "norm_run.h"
#include "tensor.h"

namespace halogen {

/// mean_hi, mean_lo and var of consecutive sets.
struct Statistics {
  Memory hi, lo, var;
  bool has_lo;

  Statistics at(int64_t set) const { return {hi.at(set, 4), lo.at(set, 4), var.at(set, 4), has_lo}; }
};

/// {mean, M2} of blocks (ks, kr, g), `kr_stored` of them along kr.
struct BlockMemory {
  Memory mean, m2;
  int64_t ks, kr_stored;

  BlockMemory from(int64_t kr) const { return {mean.at(kr * ks, 8), m2.at(kr * ks, 8), ks, kr_stored}; }
};

class NormLaunch {
 public:
  NormLaunch(Call *call, const NormProblem &problem, const NormPlan &plan, const NormTensors &tensors,
             const NormScalars &scalars);

  /// Statistics, which `own` receives, and y.
  int fused_row(const NormView &v, const Memory &x, const Memory &y, const Statistics &own);
  /// y from statistics that are there.
  int apply_row(const NormOrder &o, const Memory &x, const Memory &y, const Statistics &st);
  int fused_slab(const Statistics &own);
  int apply_slab(const Statistics &st);
  int partial(const NormView &v, const Memory &x, const BlockMemory &to, int64_t kr);
  int merge(const NormView &v, const BlockMemory &from, int64_t kr, const Statistics &to);
  int running(const Statistics &own);

 private:
  template <NormKernel kernel, class... Arguments>
  int launch(Arguments &&...arguments) {
    return norm_kernel<kernel>(variant_).function(call_, arguments...);
  }
  template <class Body>
  int each_slab(const Body &body);
  Buffer slabs(const Memory &memory, int64_t channel, int64_t slab, int64_t count) const;
  Buffer channels(const Memory &memory, int64_t channel, int64_t slab, int64_t count) const;
  Buffer parameters(const Memory &memory, int64_t rows, int64_t sets) const;

  Call *call_;
  const NormProblem &p_;
  const NormPlan &plan_;
  const NormTensors &t_;
  const NormScalars &scalars_;
  Variant variant_;
};

}  // namespace halogen
