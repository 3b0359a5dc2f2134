// Every framework's notion of padding for a transposed convolution, as the canonical operator's two crops: the one place where they are
// translated.
#pragma once

#include <cstdint>

#include "status.h"

namespace halogen {

enum class ConvPadMode {
  sides,  ///< `padding` cropped on both sides, `output_padding` given back on the right (torch, oneflow, megengine; mindspore "pad")
  size,   ///< `padding` cropped on the left, the right so that the output has `output_size` (torch's output_size)
  same,   ///< an output of length * stride; of an odd crop the right side has more (mindspore)
  valid  ///< no crop; an output of length * stride + max(reach - stride, 0), reach = dilation * (kernel - 1) + 1 (mindspore)
};

struct ConvPadding {
  ConvPadMode mode;
  int64_t padding, output_padding, output_size;
  int64_t length, kernel, stride, dilation;
};

struct ConvPads {
  int64_t left, right;
};

/// HALOGEN_ERROR_SIZE where a number is beyond 2^63 - 1; else OK. Whether the framework allows the numbers is its adapter's to check.
halogen_status conv_pads(const Report &report, const ConvPadding &padding, ConvPads *pads);

}  // namespace halogen
