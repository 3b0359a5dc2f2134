// Calls of the kernels of a backward pass.
#pragma once

#include "norm_backward.h"
#include "norm_buffers.h"

namespace halogen {

/// Mean_hi, mean_lo and var or rstd of statistic sets.
struct Spreads {
  Memory hi, lo, spread;
  bool has_lo, is_rstd;
};

/// dx = scale dy + slope (x - mean_hi) + offset: of channels, and of statistic sets, whose reciprocal deviation is beside them.
struct Coefficients {
  Memory scale, slope, offset, rstd;
};

class NormBackwardLaunch : private NormBuffers {
 public:
  NormBackwardLaunch(Call *call, const NormProblem &problem, const NormPlan &plan, const NormBackwardTensors &tensors,
                     const NormBackwardScalars &scalars);

  /// The call's vectors; statistics, if there are.
  int convert(Memory *weight, Spreads *statistics, Scratch *scratch);
  /// Statistics from the call's moments; `unused`: a vector that norm_given writes beside them.
  int given(const Spreads &to, const Memory &unused);
  /// The gradient behind the activation, or without one a copy.
  int mask(const Memory &to, const NormStrides &strides);
  /// Sums of blocks of a pass, and of all.
  int sums(const Pass &pass, const Memory &dy, const Memory &mean_hi, const PairMemory &to);
  int merge(const Pass &pass, const PairMemory &from, const PairMemory &to);
  /// Both rows of sums, which begin `from_row` and `to_row` values after each other; `unused`: twice as many, written beside them.
  int copy_sums(const Memory &from, int64_t from_row, const Memory &to, int64_t to_row, const Memory &unused);
  /// Of no values: 0.
  int no_sums(const PairMemory &to);
  /// Sums and dx at once.
  int fused(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st, const PairMemory &to);
  /// dx, and with `has_columns` the sums of chunks of rows, (C, chunks), from which the parameters' gradients are put together.
  int fused_each(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st, bool has_columns,
                 const PairMemory &to);
  int merge_columns(const PairMemory &from, const PairMemory &to);
  int columns_are(const PairMemory &sums, const Vector &weight, const Vector &bias);
  int coefficients(const PairMemory &sums, const Memory &weight, const Spreads &st, const Coefficients &to);
  int apply(const Pass &pass, const Memory &dy, const Spreads &st, const Coefficients &by);
  /// dx = weight / sqrt(var + eps) * dy. CPU only.
  int scale(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st);
  int gradients(const PairMemory &sums, const Spreads &st, const Vector &weight, const Vector &bias);

 private:
  int fused_row(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st, const PairMemory &to);
  int fused_slab(const Pass &pass, const Memory &dy, const Memory &weight, const Spreads &st, const PairMemory &to);
  int apply_row(const Pass &pass, const Memory &dy, const Spreads &st, const Coefficients &by);
  int apply_slab(const Pass &pass, const Memory &dy, const Spreads &st, const Coefficients &by);
  const Memory &result(const Memory &dy) const;
  const NormStrides &result_strides() const;
  int64_t samples() const { return p_.per_channel() ? 1 : p_.N; }
  int64_t values() const;
  Memory of_channels(const Memory &memory, const Pass &pass) const;
  Buffer pairs(const Memory &memory) const;
  Buffer statistics(const Memory &memory) const;
  Buffer slab_channels(const Memory &memory, const SlabView &view, const Pass &pass, int64_t channel, int64_t slab,
                       int64_t count) const;

  const NormBackwardTensors &t_;
  const NormBackwardScalars &scalars_;
};

}  // namespace halogen
