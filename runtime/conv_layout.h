// How the weights of a transposed convolution are packed: by phase, in blocks of rows. A pure function of the weights' shape, stride,
// dilation, groups and form; the single form is the same for every instruction-set level.
#pragma once

#include <cstdint>

#include "conv_tiles.h"
#include "kernel_table.h"

namespace halogen {

/// Weights (C_in, C_out / groups, K) and what their packing depends on. All at least 1 and checked (conv_sizes_fit()).
struct ConvWeightShape {
  int64_t C_in, C_out, K;
  int64_t stride, dilation, groups;
  Dtype dtype;

  int64_t group_in() const { return C_in / groups; }
  int64_t group_out() const { return C_out / groups; }
};

/// stride and dilation without their common divisor: a phase k0 < phases has the taps k0 + j*phases, at inputs j*spacing apart.
struct ConvPhases {
  int64_t phases, spacing;
};
ConvPhases conv_phases(const ConvWeightShape &shape);

/// Phases side by side with the same number of taps, in blocks of `width` phases and block / width channels.
struct ConvRun {
  int64_t first;   ///< phase
  int64_t width;   ///< 1, 2, 4, ... up to a block
  int64_t blocks;  ///< more than 1 only at full width
  int64_t taps;
  int64_t offset;  ///< of its packed weights in those of a group, elements
};

constexpr int kMaxConvRuns = 10;

struct ConvLayout {
  ConvRun runs[kMaxConvRuns];
  int32_t count;
  int64_t block;  ///< rows in a block
  bool pairs;     ///< form: words of two input channels' bfloat16; else single values in the type that is computed in
  int64_t depth;  ///< values or words of a group's input channels
  int64_t group_elements;
  int64_t most_taps;  ///< of any phase
  bool gaps;          ///< some outputs are reached by no tap: bias only
};
ConvLayout conv_layout(const ConvWeightShape &shape, bool pairs);

/// Blocks of a run's channels.
inline int64_t conv_channel_blocks(const ConvLayout &layout, const ConvRun &run, int64_t channels) {
  const int64_t in_block = layout.block / run.width;
  return (channels + in_block - 1) / in_block;
}

/// Channels that a part of a group may begin at a multiple of: the most that share a block.
int64_t conv_channel_step(const ConvLayout &layout);

/// Rows of sums that `channels` channels take: whole blocks of every run.
int64_t conv_stored_channels(const ConvLayout &layout, int64_t channels);

/// Bytes of the packed weights of all groups.
int64_t conv_packed_bytes(const ConvWeightShape &shape, const ConvLayout &layout);

/// Whether all that is computed from the shape stays within 31 bits where kernels count, 63 elsewhere.
bool conv_sizes_fit(const ConvWeightShape &shape);

}  // namespace halogen
