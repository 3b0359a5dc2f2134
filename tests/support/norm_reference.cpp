// The plain reference: no Halide, no blocks, no threads, double precision throughout.
#include <cmath>

#include "norm_problem.h"

namespace halogen_tests {

namespace {

struct Statistic {
  double count = 0, sum = 0, absolute_sum = 0, squares = 0;
  double mean = 0, var = 0;
};

/** Which statistic the row (n, c) belongs to. */
struct Sets {
  explicit Sets(const NormProblem &problem) : channels(problem.c()) {
    if (problem.given || problem.scope == HALOGEN_NORM_SCOPE_BATCH) {
      per_sample = 0;
      channels_per_set = 1;
      count = channels;
      return;
    }
    channels_per_set = problem.scope == HALOGEN_NORM_SCOPE_GROUP ? channels / problem.num_groups : 1;
    per_sample = channels / channels_per_set;
    count = problem.n() * per_sample;
  }
  size_t of(int64_t n, int64_t c) const { return static_cast<size_t>(n * per_sample + c / channels_per_set); }

  int64_t channels, per_sample, channels_per_set, count;
};

template <typename Visit>
void for_each_row(const NormProblem &problem, const Visit &visit) {
  size_t first = 0;
  for (int64_t n = 0; n < problem.n(); ++n) {
    for (int64_t c = 0; c < problem.c(); ++c, first += static_cast<size_t>(problem.s())) visit(n, c, first);
  }
}

std::vector<Statistic> statistics(const NormProblem &problem, const NormData &data, const Sets &sets) {
  std::vector<Statistic> all(static_cast<size_t>(sets.count));
  if (problem.given) {
    for (size_t c = 0; c < all.size(); ++c) {
      all[c].mean = data.mean[c];
      all[c].var = data.var[c];
    }
    return all;
  }
  const size_t row = static_cast<size_t>(problem.s());
  for_each_row(problem, [&](int64_t n, int64_t c, size_t first) {
    Statistic &set = all[sets.of(n, c)];
    for (size_t i = first; i < first + row; ++i) {
      set.count += 1;
      set.sum += data.input[i];
      set.absolute_sum += std::fabs(data.input[i]);
    }
  });
  for (Statistic &set : all) set.mean = set.sum / set.count;
  for_each_row(problem, [&](int64_t n, int64_t c, size_t first) {
    Statistic &set = all[sets.of(n, c)];
    for (size_t i = first; i < first + row; ++i) {
      const double d = data.input[i] - set.mean;
      set.squares += d * d;
    }
  });
  for (Statistic &set : all) set.var = set.squares / set.count;
  return all;
}

void update_running(const NormProblem &problem, const NormData &data, const std::vector<Statistic> &all,
                    NormReference &result) {
  const size_t channels = static_cast<size_t>(problem.c());
  const double repeats = static_cast<double>(all.size()) / static_cast<double>(channels);
  const double f = problem.running_weight;
  for (size_t c = 0; c < channels; ++c) {
    double mean = 0, var = 0, absolute = 0;
    for (size_t i = c; i < all.size(); i += channels) {
      const Statistic &set = all[i];
      const double correction = problem.running == Running::unbiased ? set.count / (set.count - 1) : 1;
      mean += set.mean / repeats;
      var += set.var * correction / repeats;
      absolute += set.absolute_sum / set.count / repeats;
    }
    result.running_mean.push_back((1 - f) * data.running_mean[c] + f * mean);
    result.running_var.push_back((1 - f) * data.running_var[c] + f * var);
    result.running_mean_tolerance.push_back(4e-7 * ((1 - f) * std::fabs(data.running_mean[c]) + f * absolute));
    result.running_var_tolerance.push_back(4e-7 * std::fabs(result.running_var.back()));
  }
}

}  // namespace

NormReference reference(const NormProblem &problem, const NormData &data) {
  NormReference result;
  result.output.resize(data.input.size());
  result.tolerance.resize(data.input.size());
  if (data.input.empty()) return result;
  const Sets sets(problem);
  const std::vector<Statistic> all = statistics(problem, data, sets);
  for_each_row(problem, [&](int64_t n, int64_t c, size_t first) {
    const Statistic &set = all[sets.of(n, c)];
    const size_t channel = static_cast<size_t>(c);
    const double rstd = 1 / std::sqrt(set.var + problem.eps);
    const double weight = problem.weight ? data.weight[channel] : 1;
    const double bias = problem.bias ? data.bias[channel] : 0;
    const double sigma = problem.given ? 0 : std::sqrt(set.var);
    for (size_t i = first; i < first + static_cast<size_t>(problem.s()); ++i) {
      const double d = data.input[i] - set.mean;
      result.output[i] = d * rstd * weight + bias;
      const double scale = std::fabs(weight) * rstd;
      // The last term: below the smallest normal number a float has fewer digits.
      result.tolerance[i] = 4e-7 * (scale * (std::fabs(d) + sigma) + std::fabs(bias)) + 3e-45 * (1 + scale);
    }
  });
  if (problem.running != Running::none) update_running(problem, data, all, result);
  return result;
}

}  // namespace halogen_tests
