// In what pieces the gradients of a transposed convolution are computed: a pure function of shape, cache size and level. The number of
// threads is not among its arguments.
//
// Both large gradients read the gradient of the output by phases: position q of phase r is output stride*q + r of the full result, so
// that tap k of input l lies at q = l + k*dilation/stride (rounded down), whatever l is. Samples are cut into *strips*, which are as
// short as samples of their own: many rows are read side by side, and must lie on few pages. A *piece* is a range of groups, samples
// and strips that fits in a cache; pieces follow each other, the tasks of a piece run side by side.
#pragma once

#include "conv_plan.h"
#include "integers.h"

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

  int64_t count() const { return ceil_div(all, part); }
  int64_t first(int64_t index) const { return index * part; }
  int64_t size(int64_t index) const { return all - index * part < part ? all - index * part : part; }
};

/// How gradients are computed by columns (conv_gradient_columns.h), in elements of what is computed in.
struct ConvColumns {
  int64_t count;   ///< positions of all samples
  int64_t row;     ///< from a column to the next: taps of all output channels, and room for whole tiles
  int64_t lanes;   ///< of a vector
  int64_t stored;  ///< columns of the input's gradient, in whole tiles
  int64_t x_row;   ///< positions of all samples in an input channel's row
  int64_t tap_tile, row_tile;
  ConvCut input_channels;                ///< tasks of the input's gradient, in a group …
  ConvCut weight_channels, weight_taps;  ///< … and of the weights'

  /// Sums of a task of either.
  int64_t sums_elements() const {
    const int64_t of_weight = round_up(weight_channels.part, row_tile) * round_up(weight_taps.part, tap_tile);
    const int64_t of_input = input_channels.part * stored;
    return of_input > of_weight ? of_input : of_weight;
  }
};

struct ConvGradientPlan {
  halogen_conv_path path;              ///< of the weights' gradient
  const char *reason;                  ///< a sentence, static
  bool too_large;                      ///< with a refusal: beyond what kernels can count
  bool input_columns, weight_columns;  ///< which of those that are wanted are computed by columns …
  bool input_pieces, weight_pieces;    ///< … and which by pieces
  ConvColumns columns;
  int64_t taps;                     ///< rows of a weight's gradient: K in each output channel of a group
  int64_t phases, spread;           ///< phases kept, and how far they are apart
  int64_t strip;                    ///< inputs l of a strip; a sample's last may be shorter
  ConvCut groups, samples, strips;  ///< pieces

  // Memory of a piece, in elements: the gradient by phases, [strip][sample][group][channel][phase][position] …
  int64_t row, channel, group, unit;
  // … and the input, [strip][sample][group][channel or block of channels][position].
  int64_t x_row, x_group, x_unit;
  // The weights' gradient, [group][block][tap][channel in block] or [group][channel][tap].
  int64_t block, blocks, stored_taps, weight_group;

  // Tasks within a piece. A unit is a strip of a sample.
  bool single;          ///< a group has one input channel
  int64_t row_tile;     ///< rows in a register tile of the input's gradient
  int64_t sums_row;     ///< positions of a strip, in whole tiles
  ConvCut task_groups;  ///< of both; more than one only where a task has all of each
  int64_t task_units;   ///< of the input's gradient …
  ConvCut task_channels;
  ConvCut task_blocks, task_taps;  ///< of the weights' gradient
  ConvCut bias_positions;          ///< of the bias' gradient, in each channel of each sample

  bool has_columns() const { return input_columns || weight_columns; }
  bool has_pieces() const { return input_pieces || weight_pieces; }
  int64_t units() const { return samples.part * strips.part; }
  int64_t gradient_elements() const { return units() * unit; }
  int64_t input_elements() const { return units() * x_unit; }
  /// Squares are turned that may reach beyond the last tap.
  int64_t weight_elements() const { return groups.part * weight_group + block * block; }
  /// Sums of a task of the input's gradient, [group][channel][unit][position].
  int64_t sums_channel() const { return task_units * sums_row; }
  int64_t sums_group() const { return (task_channels.part + row_tile - 1) / row_tile * row_tile * sums_channel(); }
  int64_t sums_elements() const { return task_groups.part * sums_group(); }
};

/// Plans a problem in which a gradient is asked for and nothing is empty. `forced` other than AUTO is the way of the weights' gradient.
/// On refusal returns false and `plan->reason` says why.
bool conv_gradient_plan(const ConvGradientProblem &problem, halogen_conv_path forced, const Caches &caches,
                        halogen_isa isa, ConvGradientPlan *plan);

}  // namespace halogen
