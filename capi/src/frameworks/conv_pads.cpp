#include "conv_pads.h"

#include <algorithm>

namespace halogen {

halogen_status conv_pads(const Report &report, const ConvPadding &p, ConvPads *pads) {
  int64_t reach = 0, inputs = 0, full = 0, right = 0;
  bool overflow = __builtin_mul_overflow(p.kernel - 1, p.dilation, &reach) ||
                  __builtin_add_overflow(reach, 1, &reach) || __builtin_mul_overflow(p.length - 1, p.stride, &inputs) ||
                  __builtin_add_overflow(inputs, reach, &full);
  const int64_t crop = std::max<int64_t>(reach - p.stride, 0);
  int64_t left = 0;
  switch (p.mode) {
    case ConvPadMode::sides:
      left = p.padding;
      overflow = overflow || __builtin_sub_overflow(p.padding, p.output_padding, &right);
      break;
    case ConvPadMode::size:
      left = p.padding;
      overflow = overflow || __builtin_sub_overflow(full, p.padding, &right) ||
                 __builtin_sub_overflow(right, p.output_size, &right);
      break;
    case ConvPadMode::same:
      left = crop / 2;
      right = reach - p.stride - left;
      break;
    case ConvPadMode::valid:
      right = std::min<int64_t>(reach - p.stride, 0);
      break;
  }
  if (overflow) return fail(report, HALOGEN_ERROR_SIZE, "output: expected a length below 2^63, got more");
  *pads = {left, right};
  return HALOGEN_OK;
}

}  // namespace halogen
