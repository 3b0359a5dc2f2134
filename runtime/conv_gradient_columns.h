// Gradients where there are few positions, as products with *columns*: the values of the gradient of the output, over all channels and
// taps, that one position of the input reaches. Lanes run along taps, of which there are many, and nothing is turned.
#pragma once

#include "conv_gradient_work.h"

namespace halogen {

/// Computes those gradients that the plan has by columns. Returns 0 or a kernel's code.
int conv_gradient_columns(const ConvGradientWork &work);

}  // namespace halogen
