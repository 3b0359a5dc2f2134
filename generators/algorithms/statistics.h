// Mean and variance of blocks of values, and of many blocks together, with one read of memory.
//
// A block holds n <= 4096 values. Its centre mu is near its mean: the mean of about an eighth of them, from several places. Whatever
// the values are, (mean - mu)^2 is then at most a few times the variance, so the sums below lose no digits to a badly chosen
// centre; on ordinary data it is a hundredth of it. mu is the first value x_0 plus the sample's mean difference from it, the
// latter rounded to a multiple of
//   g = 2^floor(log2(mean |x - x_0|)) / 16
// so that a constant block has its value as centre, and for small integers every difference and square is exact. Then, with
// d = x - mu,
//   mean = mu + sum(d)/n        M2 = sum((x - mean)^2) = sum(d^2) - sum(d)^2/n
// The sums run in the type of the data, f32 at least: over a row in lanes, then over rows; the totals of a block are in f64. A mu that is
// not finite is replaced by 0, so that an infinity in the data gives an infinite mean and a variance that is not a
// number, as the formula does.
//
// Blocks k with n_k, mean_k, M2_k are merged at once, in f64, mean first:
//   N = sum n_k   mean = sum(n_k mean_k)/N   M2 = sum(M2_k + n_k (mean_k - mean)^2)
// (Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983, in its many-way form.)
#ifndef HALOGEN_GENERATORS_STATISTICS_H
#define HALOGEN_GENERATORS_STATISTICS_H

#include "lane_sums.h"

namespace halogen {

/// The stages of block_statistics(), for the schedule. sample: {sum(x - x_0), sum(|x - x_0|)}; deviation: {sum(d), sum(d^2)};
/// block: {mean, M2} in f64.
struct BlockStatistics {
  BlockVars vars;
  LaneSums sample, deviation;
  Func centre{"centre"};
  Func block{"block"};
};

/// block(ks, kr, g, b) over x(s, r, g, b).
BlockStatistics block_statistics(const Func &x, const BlockShape &shape, const Lanes &lanes);

/// x_0 + sum/count with the second term rounded to the grid of the formula above; count is of the values in the sums.
Expr sampled_centre(const Expr &first, const Expr &sum, const Expr &sum_of_magnitudes, const Expr &count);

/// {mean, M2} in f64 of a block of `count` values from its centre, sum(d) and sum(d^2).
Halide::Tuple block_moments(const Expr &centre, const Expr &sum, const Expr &sum_of_squares, const Expr &count);

/// {mean_hi, mean_lo, var} of a type from a mean and M2 in f64 over `count` values: mean = mean_hi + mean_lo keeps x - mean exact
/// where the mean is much larger than the deviation.
Halide::Tuple statistic(const Type &type, const Expr &mean, const Expr &m2, const Expr &count);

/// The stages of merge_blocks().
struct MergedStatistics {
  Var g{"g"}, b{"b"};
  RDom blocks;
  Func sum{"sum"}, mean{"mean"}, m2{"m2"}, statistic{"statistic"};
};

/// statistic(g, b), of a type, from the blocks `mean(ks, kr, g, b)` and `m2(...)`.
MergedStatistics merge_blocks(const std::function<Expr(Expr, Expr, Expr, Expr)> &mean,
                              const std::function<Expr(Expr, Expr, Expr, Expr)> &m2, const BlockShape &shape,
                              const Type &type);

/// x - centre, rounded once: the compiler may not merge it with the sum it goes into, which would lose its exactness.
Expr difference(const Expr &x, const Expr &centre);

/// `value` if `test` is finite, else 0. Halide's default float mode assumes finite values, and the compiler folds a test of
/// anything computed in it, a mere conversion included: `test` must be computed in strict_float.
Expr if_finite(const Expr &test, const Expr &value);

}  // namespace halogen
#endif
