// tune.h: a search over the tiles of one operator's kernels, compiled and measured in this process.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "Halide.h"

namespace halogen_tune {

/// Generator parameters by name.
using Params = std::vector<std::pair<std::string, int>>;

/// The value of a parameter.
int value_of(const Params &params, const std::string &name);

/// What a candidate is run on: buffers that stay, and the work of a run.
struct Shape {
  std::string name;
  double flops;
  std::function<int(const Halide::Callable &)> run;
};

struct Search {
  std::string generator, dtype;
  Params fixed;                                              ///< of every candidate
  std::vector<Params> candidates;                            ///< the present tiles first
  std::function<std::vector<Shape>(const Params &)> shapes;  ///< for a candidate, whose tiles buffers are rounded up to
};

struct Winner {
  Params params;
  std::string evidence;  ///< one line
};

constexpr int kPasses = 3;

/// Runs every candidate on every shape, in turns, and prints GFLOP/s by the shortest of `rounds` times. -> the candidate whose geometric
/// mean is furthest above that of the present tiles in the worst of kPasses, where that is 5 % at least: less may be noise; else the
/// present tiles.
Winner search(const Search &what, const Halide::Target &target, int rounds);

}  // namespace halogen_tune
