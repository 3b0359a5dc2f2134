// tune.h: a search over the tiles of one operator's kernels, compiled and measured in this process.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "Halide.h"

namespace halogen_tune {

/// Generator parameters by name.
using Params = std::vector<std::pair<std::string, int>>;

/// What a candidate is run on: buffers that stay, and the work of a run.
struct Shape {
  std::string name;
  double flops;
  std::function<int(const Halide::Callable &)> run;
};

/// Runs every candidate of `generator` on every shape, in turns, and prints GFLOP/s by the shortest of `rounds` times. `shapes` makes
/// them for a candidate, whose tiles buffers are rounded up to. -> the candidate with the largest geometric mean, and its evidence;
/// but `current`, which is one of them, where no other is 5 % better: less may be noise.
struct Winner {
  Params params;
  std::string evidence;  ///< one line
};
Winner search(const std::string &generator, const std::vector<Params> &candidates, const Params &current,
              const std::function<std::vector<Shape>(const Params &)> &shapes, int rounds);

/// The value of a parameter.
int value_of(const Params &params, const std::string &name);

}  // namespace halogen_tune
