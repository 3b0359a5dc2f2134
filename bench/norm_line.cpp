#include "norm_line.h"

#include <algorithm>

#include "machine.h"

namespace halogen_bench {
namespace {

constexpr const char *kBackwardName = "backward";

std::string mode_name(const NormLine &line) {
  if (line.mode == Mode::kGiven) return "eval";
  if (line.mode == Mode::kBackward) return kBackwardName;
  return line.problem.scope == HALOGEN_NORM_SCOPE_BATCH ? "train" : line.problem.scope_name;
}

}  // namespace

std::string NormLine::name() const {
  return "norm/" + problem.model + "/" + problem.name + "/" + mode_name(*this) + "/" + dtype.name +
         (channel_last ? "/last" : "/first") + "/threads:" + std::to_string(threads);
}

int NormLine::reads() const {
  if (mode == Mode::kGiven) return 1;
  // A set is so many runs of neighbouring values; the cache holds whole lines.
  constexpr int64_t kCacheLine = 64;
  const int64_t channels = problem.channels_per_set(), row = problem.row();
  const int64_t samples = problem.scope == HALOGEN_NORM_SCOPE_BATCH ? problem.n() : 1;
  const int64_t runs = channel_last ? samples * row : samples, run = channel_last ? channels : channels * row;
  const auto bytes = static_cast<int64_t>(dtype.bytes());
  const int64_t held = runs * std::max(run * bytes, kCacheLine), all = samples * problem.c() * row * bytes;
  return static_cast<size_t>(inputs() * std::min(held, all)) <= l2_bytes() ? 1 : 2;
}

double NormLine::goal() const {
  // Rows as short as a cache line or two are held to less; where they are single values, their channels are neighbours.
  const int64_t row = problem.row() * problem.channels_per_set();
  if (!channel_last && row > 1 && row <= 196) return row <= 16 ? 50 : row <= 49 ? 70 : 80;
  const size_t tensor_bytes = static_cast<size_t>(problem.size()) * dtype.bytes();
  if (!channel_last && dtype.dl.bits < 64 && tensor_bytes > last_level_bytes()) return 105;  // streaming stores
  return mode == Mode::kBackward ? 85 : 75;
}

double mean_goal(const std::string &mode_name) { return mode_name == kBackwardName ? 85 : 90; }

}  // namespace halogen_bench
