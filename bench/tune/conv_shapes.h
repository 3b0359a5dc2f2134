// conv_shapes.h: what the tiles of the transposed convolution's kernels are measured on.
#pragma once

#include "tune.h"

namespace halogen_tune {

/// For a candidate of each kernel; lanes of a vector.
std::vector<Shape> rows_shapes(const Params &params);
std::vector<Shape> pairs_shapes(const Params &params);
std::vector<Shape> length_shapes(const Params &params, int lanes);
std::vector<Shape> length_few_shapes(const Params &params, int lanes, int rows);
std::vector<Shape> gradient_shapes(const Params &params, int lanes);
std::vector<Shape> weight_shapes(const Params &params);
std::vector<Shape> weight_length_shapes(const Params &params);

}  // namespace halogen_tune
