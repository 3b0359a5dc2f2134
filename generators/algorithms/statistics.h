// Mean and variance of blocks of values, and of many blocks together, with one read of memory.
//
// A block holds n <= 4096 values, which stay in L1. Its centre mu is its mean in f32, taken as the first value x_0 plus the mean of
// x - x_0, so that it is exact for a constant block. Then, with d = x - mu,
//   mean = mu + sum(d)/n        M2 = sum((x - mean)^2) = sum(d^2) - sum(d)^2/n
// where the corrections make up for the rounding of mu. The sums run in f32 over lanes of at most 256 values each; lanes are
// added in f64. A mu that is not finite is replaced by 0, so that an infinity in the data gives an infinite mean and a variance
// that is not a number, as the formula does.
//
// Blocks k with n_k, mean_k, M2_k are merged at once, in f64, mean first:
//   N = sum n_k   mean = sum(n_k mean_k)/N   M2 = sum(M2_k + n_k (mean_k - mean)^2)
// (Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983, in its many-way form.)
#ifndef HALOGEN_GENERATORS_STATISTICS_H
#define HALOGEN_GENERATORS_STATISTICS_H

#include <functional>

#include "Halide.h"

namespace halogen {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

/// Part of an S x R set of values that one statistic is taken over: blocks of block_s x block_r.
struct BlockShape {
  Expr S, R, block_s, block_r;

  Expr blocks_s() const;
  Expr blocks_r() const;
  Expr length_s(const Expr &ks) const;
  Expr length_r(const Expr &kr) const;
  /// Values in block (ks, kr), as f64.
  Expr count(const Expr &ks, const Expr &kr) const;
};

/// A run over `length` x `rows` values by `lanes` lanes: whole groups of lanes, then whole vectors, then single values. No
/// masks, so that machines without masked loads lose nothing.
struct LaneSweep {
  RDom groups;   // x: group of lanes, y: row
  RDom vectors;  // x: lane in vector, y: vector, z: row
  RDom singles;  // x: value, y: row; undefined where a vector is one value
};

/// The stages of block_statistics(), for the schedule. shift_*: sums of x - x_0; deviation_*: of {d, d^2}; `block` is {mean, M2}
/// in f64.
struct BlockStatistics {
  Var lane{"lane"}, fold{"fold"}, ks{"ks"}, kr{"kr"}, g{"g"}, b{"b"};
  int lanes, vector, folds;
  LaneSweep sweep;
  RDom fold_lanes, fold_total;
  Func shift_lanes{"shift_lanes"}, shift_folds{"shift_folds"}, shift_sum{"shift_sum"}, centre{"centre"};
  Func deviation_lanes{"deviation_lanes"}, deviation_folds{"deviation_folds"}, deviation_sum{"deviation_sum"};
  Func block{"block"};
};

/// block(ks, kr, g, b) over x(s, r, g, b). `lanes` sums run side by side, `vector` of them in one register; they are added up
/// `folds` at a time.
BlockStatistics block_statistics(const Func &x, const BlockShape &shape, int lanes, int vector, int folds);

/// {mean, M2} in f64 of a block of `count` values from its centre, sum(d) and sum(d^2).
Halide::Tuple block_moments(const Expr &centre, const Expr &sum, const Expr &sum_of_squares, const Expr &count);

/// {mean_hi, mean_lo, var} in f32 from a mean and M2 in f64 over `count` values: mean = mean_hi + mean_lo keeps x - mean exact
/// where the mean is much larger than the deviation.
Halide::Tuple statistic(const Expr &mean, const Expr &m2, const Expr &count);

/// The stages of merge_blocks().
struct MergedStatistics {
  Var g{"g"}, b{"b"};
  RDom blocks;
  Func sum{"sum"}, mean{"mean"}, m2{"m2"}, statistic{"statistic"};
};

/// statistic(g, b) from the blocks `mean(ks, kr, g, b)` and `m2(...)`.
MergedStatistics merge_blocks(const std::function<Expr(Expr, Expr, Expr, Expr)> &mean,
                              const std::function<Expr(Expr, Expr, Expr, Expr)> &m2, const BlockShape &shape);

/// x - centre, rounded once: the compiler may not merge it with the sum it goes into, which would lose its exactness.
Expr difference(const Expr &x, const Expr &centre);

/// `value` (f32) if `test` is finite, else 0. Halide's default float mode assumes finite values, and the compiler folds a test of
/// anything computed in it, a mere conversion included: `test` must be computed in strict_float.
Expr if_finite(const Expr &test, const Expr &value);

}  // namespace halogen
#endif
