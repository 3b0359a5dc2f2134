// norm_line.h: a line of the normalisation benchmark, and what it is held to.
#pragma once

#include <string>

#include "problem.h"
#include "tensors.h"

namespace halogen_bench {

enum class Mode { kOwn, kGiven, kBackward };  // forward with the input's statistics, with given ones; backward

struct NormLine {
  Problem problem;
  Mode mode;
  Dtype dtype;
  bool channel_last;
  int threads;

  /// For example norm/resnet50_bn/conv1/train/f32/first/threads:2.
  std::string name() const;

  /// Times each input must be read: 2 where what one mean is taken over does not fit in the second-level cache.
  int reads() const;
  /// The tensors that one call must read or write, and the least of them in any call: with every input read once.
  double tensors_moved() const { return inputs() * reads() + 1; }
  double tensors_moved_at_least() const { return inputs() + 1; }

  /// Percent of the bound that the line must reach.
  double goal() const;

 private:
  int inputs() const { return mode == Mode::kBackward ? 2 : 1; }
};

/// Percent of the bound that the geometric mean of a mode's lines must reach.
double mean_goal(const std::string &mode_name);

}  // namespace halogen_bench
