// Vectors of 16-bit values as words of two.
//
// A vector of 16-bit integers that is worked on in 32 bits takes a permutation to widen and one to narrow, which x86-64 CPUs have few units
// for. Its words' low halves, and their high ones, are vectors of 32-bit lanes by a shift or a mask alone: each half of the lanes is
// computed by itself, the even ones, then the odd ones.
#ifndef HALOGEN_GENERATORS_WORDS_H
#define HALOGEN_GENERATORS_WORDS_H

#include <memory>

#include "Halide.h"

namespace halogen {

/// Rewrites stores of so many 32-bit integers as 16-bit ones, for a little-endian machine. Results do not change.
std::unique_ptr<Halide::Internal::IRMutator> by_words(int lanes);

}  // namespace halogen
#endif
