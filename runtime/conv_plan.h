// In what pieces, and by which kernel, a transposed convolution is computed: a pure function of shape, cache size and level. The number
// of threads is not among its arguments.
//
// Positions u count inputs: phase k0 of position u is output stride*u + dilation*k0 of the full result. A task takes `positions` of
// them, for `channels` output channels of a group of a sample, or for all of `groups` groups: it pads its part of the input, sums
// tiles into its own memory, and finishes them into the output.
#pragma once

#include <halogen/conv.h>

#include "conv_layout.h"
#include "machine.h"

namespace halogen {

/// Elements between neighbours of a tensor seen as (N, C, L).
struct ConvStrides {
  int64_t n, c, l;

  /// From a sample's first element to its last, that one included.
  int64_t span(int64_t C, int64_t L) const { return (C - 1) * c + (L - 1) * l + 1; }
};

struct ConvProblem {
  ConvWeightShape shape;
  int64_t N, L, L_out;
  int64_t pad_left;
  ConvStrides input, output;
  bool finite;  ///< the weights are; else positions at the ends are computed apart
};

struct ConvPlan {
  halogen_conv_path path;
  const char *reason;    ///< a sentence, static
  bool too_large;        ///< with a refusal: beyond what kernels can count
  int64_t tile;          ///< positions in a register tile
  int64_t first, last;   ///< positions that begin the output's strides: [first, last)
  int64_t before;        ///< positions before those of a task that reach into its outputs
  int64_t positions;     ///< of a task, a multiple of the tile less `before`
  int64_t channels;      ///< of a task: a multiple of a block, or all of a group
  int64_t groups;        ///< of a task; more than 1 only with few rows
  bool few_rows;         ///< LENGTH: a group has one or two rows in a block;
  int32_t rows_of_runs;  ///< then: which, their numbers or-ed together
  int64_t position_tasks, channel_tasks, group_tasks;
  int64_t blocks, block_tasks;  ///< of phases of a task: all, or some where there is little else to share
  // A task's memory, in elements.
  int64_t padded_row, padded_elements;  ///< input: a channel's row, all
  int64_t sums_row, sums_elements;      ///< sums: a channel's row, all

  int64_t tasks(const ConvProblem &p) const { return inputs(p) * channel_tasks * block_tasks; }
  /// Parts of the input. Where several tasks read each, they are padded beforehand and once.
  int64_t inputs(const ConvProblem &p) const { return p.N * group_tasks * position_tasks; }
  bool pads_once() const { return channel_tasks * block_tasks > 1; }
  /// Elements that the call takes, and each task that runs.
  int64_t shared_elements(const ConvProblem &p) const { return pads_once() ? inputs(p) * padded_elements : 0; }
  int64_t task_elements() const { return sums_elements + (pads_once() ? 0 : padded_elements); }
};

/// Bytes of a vector and number of vector registers of a level.
struct ConvVectors {
  int bytes, registers;
};
ConvVectors conv_vectors(halogen_isa isa);

/// Whether weights are best packed in pairs for a level: where it has the kernel, which has lanes along rows, and blocks have more than
/// one or two of them; one input channel has no pair.
bool conv_packs_pairs(const ConvWeightShape &shape, halogen_isa isa);

/// Plans a problem whose output is not empty. `forced` other than AUTO is taken or refused. On refusal returns false and
/// `plan->reason` says why.
bool conv_plan(const ConvProblem &problem, const ConvLayout &layout, halogen_conv_path forced, const Caches &caches,
               halogen_isa isa, ConvPlan *plan);

}  // namespace halogen
