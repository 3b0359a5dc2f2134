// Transposed convolution by phases (docs/scheduling.md), in parts that kernels are made of.
//
// Of s' = stride / gcd(stride, dilation) phases, phase k0 has the taps k0 + j*s', and with d' = dilation / gcd(stride, dilation)
//   z(stride*u + dilation*k0, co) = sum over ci, j of w(ci, co, k0 + j*s') * x(u - j*d', ci)
// Every z is one sum, in the order ci, j, whichever kernel computes it: results are the same bits.
#ifndef HALOGEN_GENERATORS_CONV_H
#define HALOGEN_GENERATORS_CONV_H

#include "Halide.h"
#include "precision.h"

namespace halogen {

/// The sum over (j, ci) for the row `lane` of block (kb, cb), at position u.
struct TapSum {
  Halide::Var lane{"lane"}, u{"u"}, kb{"kb"}, cb{"cb"};
  Halide::RDom taps;        // j, ci; of pairs: j, pair of ci, which of the two
  Halide::Func sum{"sum"};  // (lane, u, kb, cb)
};

/// x(i, ci) or x(i, ci, kb) begins (taps - 1) * dilation before the first position, and positions are `step` apart.
/// w(lane, j, ci, kb, cb): packed weights.
TapSum tap_sum(Halide::ImageParam x, Halide::ImageParam w, const Halide::Expr &step, const Halide::Expr &dilation);

/// The same of bfloat16, by pairs of input channels: x(r, i, pair) and w(r, lane, j, pair, kb, cb), r which of the two.
TapSum pair_sum(Halide::ImageParam x, Halide::ImageParam w, const Halide::Expr &step, const Halide::Expr &dilation);

/// Whether a level's kernels for data of a dtype also make the words that pair_sum() reads: those that levels above it share.
bool takes_pairs(Dtype dtype, const Halide::Target &target);

/// Two values of bfloat16 as one word, the first in its lower half.
Halide::Expr bfloat16_pair(const Halide::Expr &first, const Halide::Expr &second);

}  // namespace halogen
#endif
