// What a module's parameters mean, whatever the framework calls them. Each class' parameters are rows of a table (classes.h): which concept
// they belong to, and how they are read into a Meaning and written from one.
#pragma once

#include <halogen/migrate.h>

#include "field.h"

namespace halogen {

enum class Affine {
  none,
  weight,  ///< no bias
  both,
  fixed  ///< both exist and are applied, but are not trained
};

/// Whose statistics a module uses in training / in evaluation.
enum class Statistics {
  tracked,     ///< the data's, which move the running ones / the running ones
  own,         ///< the data's always
  own_moved,   ///< the same; running ones exist and move always, without effect
  own_unused,  ///< the same; running ones exist and never move
  frozen       ///< the running ones always; they never move
};

struct Meaning {
  int64_t channels = 1, norm_groups = 1;
  const int64_t *shape = nullptr;
  int32_t dims = 0;
  double eps = 1e-5;
  double momentum = 0.1;       ///< weight of the new statistic
  bool momentum_none = false;  ///< BatchNorm: the average of all; InstanceNorm: 0
  Affine affine = Affine::both;
  Statistics statistics = Statistics::own;
  bool biased_running = false;
  bool channels_last = false;
  bool starts_training = true;

  int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, groups = 1;
  bool bias = true;
  int64_t left = 0, right = 0;  ///< cropped, as conv_pads.h has them
  int32_t padding_mode = 0;

  /// Never DEFAULT.
  halogen_mindspore_init weight_init = {}, bias_init = {}, mean_init = {}, var_init = {};
  DLDataType dtype = {kDLFloat, 32, 1};
  DLDevice device = {kDLCPU, 0};
};

enum class Concept {
  channels,
  norm_groups,
  shape,
  eps,
  momentum,
  affine,
  statistics,
  running_variance,
  data_format,
  in_channels,
  out_channels,
  kernel,
  stride,
  crops,
  dilation,
  groups,
  bias,
  padding_mode,
  conv_mode,
  compute_mode,
  weight_init,
  bias_init,
  mean_init,
  var_init,
  training,
  dtype,
  device,
  count
};

struct ConceptRule {
  /// Whether a module that means `got` does what was wanted.
  bool (*same)(const Meaning &wanted, const Meaning &got);
  halogen_difference_kind otherwise;
  const char *reason;
};
const ConceptRule &rule_of(Concept what);

/// What a write has to say: a remark, or why the parameters cannot say it.
struct Remark {
  const char *text = nullptr;
  bool cannot = false;
};

struct Row {
  Concept what;
  Field fields[2];
  int32_t count;
  void (*read)(const void *params, Meaning *meaning);
  Remark (*write)(const Meaning &meaning, void *params);  ///< NULL: there is nothing to choose
};

struct Rows {
  const Row *begin_row, *end_row;
  const Row *begin() const { return begin_row; }
  const Row *end() const { return end_row; }
};

template <size_t n>
constexpr Rows rows(const Row (&array)[n]) {
  return {array, array + n};
}

}  // namespace halogen
