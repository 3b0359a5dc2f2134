// The buffers of normalisation kernels, forward and backward, from views.
#pragma once

#include <initializer_list>

#include "call.h"
#include "norm_kernels.h"
#include "norm_plan.h"
#include "norm_run.h"
#include "scratch.h"
#include "tensor.h"

namespace halogen {

/// The data of one pass of kernels: from sample `first`.
struct Pass {
  int64_t first, samples;
};

/// Two sums, or moments, in f64: of blocks, or of what they are merged to.
struct PairMemory {
  Memory first, second;
};

inline const halide_type_t kDoubleType(halide_type_float, 64);

/// A vector that kernels read, and where it is in the type that is computed in.
struct Converted {
  const Vector &from;
  int64_t length;
  Memory *to;
};

/// What launches of both directions have in common.
class NormBuffers {
 protected:
  /// `any`: memory that stands for vectors that are not there.
  NormBuffers(Call *call, const NormProblem &problem, const NormPlan &plan, const Memory &any);

  /// Vectors in a 16-bit type, in the type that is computed in; others are where they are.
  int convert(std::initializer_list<Converted> vectors, Scratch *scratch);

  template <NormRole role, class... Arguments>
  int launch(Dtype dtype, Arguments &&...arguments) {
    return find_kernel<role>(dtype, variant_).function(call_, arguments...);
  }

  /// Slabs of `slab` channels in one launch, the channels that are left in another: body(first channel, slab, slabs).
  template <class Body>
  int each_slab(const Body &body) {
    const int64_t slab = plan_.slab, slabs = p_.C / slab, left = p_.C % slab;
    const int code = body(int64_t{0}, slab, slabs);
    return code != 0 || left == 0 ? code : body(slabs * slab, left, int64_t{1});
  }

  Buffer rows(const Memory &memory, const NormStrides &strides, const RowView &view, const Pass &pass) const;
  /// Sets that are rows, (s, g, b), with an r of 1 where there are four dimensions; and what their values have, (s, g).
  Buffer row_sets(const Memory &memory, const NormStrides &strides, const RowView &view, const Pass &pass,
                  bool four) const;
  Buffer of_values(const Memory &memory, const RowView &view) const;
  Buffer slabs(const Memory &memory, const NormStrides &strides, const SlabView &view, const Pass &pass,
               int64_t channel, int64_t slab, int64_t count) const;
  Buffer vector(const Memory &memory, int64_t inner, int64_t outer) const;
  Buffer slab_parameters(const Memory &memory, int64_t channel, int64_t slab, int64_t count) const;
  Buffer slab_statistic(const Memory &memory, const SlabView &view, const Pass &pass, int64_t channel, int64_t slab,
                        int64_t count) const;
  Memory of_sets(const Memory &memory, const Pass &pass) const;
  /// Results of the blocks of a pass, of one of a PairMemory's parts: for kernels with lanes along rows, and across channels.
  Buffer row_blocks(const Memory &memory, const RowView &view, const Pass &pass) const;
  Buffer slab_chunks(const Memory &memory, const SlabView &view, const Pass &pass, int64_t channel, int64_t slab,
                     int64_t count) const;
  /// What a merge sees: blocks of shape (along, down, sums, samples), of S x R values each but for the last ones.
  struct Merge {
    int64_t S, R, block_s, block_r, sums, samples;
    halide_dimension_t dims[4];
  };
  Merge merged(const Pass &pass) const;

  Call *call_;
  const NormProblem &p_;
  const NormPlan &plan_;
  Memory any_;
  Variant variant_;
  halide_type_t storage_, compute_;
  int64_t bytes_, compute_bytes_;
  int64_t sets_;  ///< statistic sets of a sample, or of all where statistics are per channel
};

}  // namespace halogen
