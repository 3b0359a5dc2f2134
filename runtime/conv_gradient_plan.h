// In what pieces the gradients of a transposed convolution are computed: a pure function of shape, cache size and level. The number of
// threads is not among its arguments.
//
// Both large gradients read the gradient of the output by phases: position q of phase r is output stride*q + r of the full result, so
// that tap k of input l lies at q = l + k*dilation/stride (rounded down), whatever l is. A *piece* is a range of groups, samples and
// inputs l, whose gradients by phases and whose inputs fit in a cache; pieces follow each other, the tasks of a piece run side by side.
#pragma once

#include "conv_plan.h"

namespace halogen {

struct ConvGradientProblem {
  ConvWeightShape shape;
  int64_t N, L, L_out;
  int64_t pad_left;
  ConvStrides input, grad_output, output, grad_input;
  bool wants_input, wants_weight, wants_bias;
};

/// A range that is cut into equal parts but for the last.
struct ConvCut {
  int64_t all, part;

  int64_t count() const { return (all + part - 1) / part; }
  int64_t first(int64_t index) const { return index * part; }
  int64_t size(int64_t index) const { return all - index * part < part ? all - index * part : part; }
};

struct ConvGradientPlan {
  halogen_conv_path path;              ///< of the weights' gradient
  const char *reason;                  ///< a sentence, static
  bool too_large;                      ///< with a refusal: beyond what kernels can count
  int64_t taps;                        ///< rows of a weight's gradient: K in each output channel of a group
  int64_t phases, spread;              ///< phases kept, and how far they are apart
  ConvCut groups, samples, positions;  ///< pieces

  // Memory of a piece, in elements: the gradient by phases, [sample][group][channel][phase][position] …
  int64_t row, channel, group, sample;
  // … and the input, [sample][group][channel or block of channels][position].
  int64_t x_row, x_group, x_sample;
  // The weights' gradient, [group][block][tap][channel in block] or [group][channel][tap].
  int64_t block, blocks, stored_taps, weight_group;

  // Tasks within a piece.
  int64_t row_tile;                                     ///< rows in a register tile of the input's gradient
  int64_t position_tile;                                ///< positions in it
  ConvCut task_groups;                                  ///< of both; more than one only where a task has all of each
  ConvCut task_samples, task_positions, task_channels;  ///< of the input's gradient
  ConvCut task_blocks, task_taps;                       ///< of the weights' gradient
  ConvCut bias_positions;                               ///< of the bias' gradient, in each channel of each sample

  int64_t pieces() const { return groups.count() * samples.count() * positions.count(); }
  int64_t gradient_elements() const { return samples.part * sample; }
  int64_t input_elements() const { return samples.part * x_sample; }
  int64_t weight_elements() const { return groups.part * weight_group; }
  /// Sums of a task of the input's gradient, [group][channel][sample][position].
  int64_t sums_row() const;
  int64_t sums_group() const;
  int64_t sums_elements() const { return task_groups.part * sums_group(); }
};

/// Plans a problem in which a gradient is asked for and nothing is empty. `forced` other than AUTO is the way of the weights' gradient.
/// On refusal returns false and `plan->reason` says why.
bool conv_gradient_plan(const ConvGradientProblem &problem, halogen_conv_path forced, const Caches &caches,
                        halogen_isa isa, ConvGradientPlan *plan);

}  // namespace halogen
