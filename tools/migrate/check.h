// check.h: whether a converted module gives the same numbers.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "conversion.h"

namespace migrate {

/** Runs both modules of a conversion on the same random state and input, in evaluation and in training mode, and prints the largest
 * differences. Whether all are within float32's rounding. */
bool compare_modules(std::ostream &out, const Conversion &conversion, uint64_t seed);

/** Sets what has no default, so that there is something to compare: 4 channels, a kernel of 4. */
void set_sizes(Params &params);

}  // namespace migrate
