#include "conv_layout.h"

#include <algorithm>

#include "integers.h"

namespace halogen {
namespace {

int64_t common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/// Cuts phases [first, end) into runs, the widest first.
void add_runs(const ConvWeightShape &shape, int64_t first, int64_t end, int64_t taps, ConvLayout *layout) {
  for (int64_t width = layout->block; width >= 1; width /= 2) {
    const int64_t blocks = width == layout->block ? (end - first) / width : (end - first) / width % 2;
    if (blocks == 0) continue;
    ConvRun &run = layout->runs[layout->count++];
    run = {first, width, blocks, taps, layout->group_elements};
    layout->group_elements +=
        blocks * conv_channel_blocks(*layout, run, shape.group_out()) * layout->depth * taps * layout->block;
    first += blocks * width;
  }
}

}  // namespace

ConvPhases conv_phases(const ConvWeightShape &shape) {
  const int64_t divisor = common_divisor(shape.stride, shape.dilation);
  return {shape.stride / divisor, shape.dilation / divisor};
}

ConvLayout conv_layout(const ConvWeightShape &shape, bool pairs) {
  const int64_t phases = conv_phases(shape).phases;
  const int64_t least = shape.K / phases, more = shape.K % phases;
  ConvLayout layout = {};
  layout.pairs = pairs;
  layout.depth = pairs ? (shape.group_in() + 1) / 2 : shape.group_in();
  layout.block = kConvBlockBytes / dtype_bytes(compute_dtype(shape.dtype));
  add_runs(shape, 0, more, least + 1, &layout);
  if (least > 0) add_runs(shape, more, phases, least, &layout);
  layout.most_taps = more > 0 ? least + 1 : least;
  layout.gaps = least == 0 || phases != shape.stride;
  return layout;
}

int64_t conv_channel_step(const ConvLayout &layout) {
  int64_t step = 1;
  for (int32_t i = 0; i < layout.count; ++i) step = std::max(step, layout.block / layout.runs[i].width);
  return step;
}

int64_t conv_stored_channels(const ConvLayout &layout, int64_t channels) {
  int64_t stored = 1;
  for (int32_t i = 0; i < layout.count; ++i) {
    const ConvRun &run = layout.runs[i];
    stored = std::max(stored, conv_channel_blocks(layout, run, channels) * (layout.block / run.width));
  }
  return stored;
}

int64_t conv_packed_bytes(const ConvWeightShape &shape, const ConvLayout &layout) {
  return shape.groups * layout.group_elements * dtype_bytes(compute_dtype(shape.dtype));
}

bool conv_sizes_fit(const ConvWeightShape &shape) {
  // The largest of what is counted: rows, rounded up to blocks, times what each sums.
  int64_t product = 1;
  const int64_t rows = std::max(shape.group_out(), int64_t{16});
  const int64_t factors[] = {rows, shape.group_in(), shape.K};
  for (const int64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) return false;
  }
  if (product > kMaxElements / 2 || shape.stride > kMaxElements / 64) return false;
  int64_t reach = 0;
  if (__builtin_mul_overflow(shape.K, shape.dilation, &reach) || reach > kMaxElements / 64) return false;
  return !__builtin_mul_overflow(product, 2 * shape.groups, &product);
}

}  // namespace halogen
