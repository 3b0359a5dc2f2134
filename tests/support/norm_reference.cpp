// The plain reference: no Halide, no blocks, no threads, more precision than the kernels throughout.
#include <algorithm>
#include <cmath>

#include "norm_problem.h"

namespace halogen_tests {

namespace {

template <typename Real>
struct Statistic {
  Real count = 0, sum = 0, absolute_sum = 0, squares = 0;
  Real mean = 0, var = 0;
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

template <typename Real>
std::vector<Statistic<Real>> statistics(const NormProblem &problem, const NormData &data, const Sets &sets) {
  std::vector<Statistic<Real>> all(static_cast<size_t>(sets.count));
  if (problem.given) {
    for (size_t c = 0; c < all.size(); ++c) {
      all[c].mean = data.mean[c];
      all[c].var = data.var[c];
    }
    return all;
  }
  const size_t row = static_cast<size_t>(problem.s());
  for_each_row(problem, [&](int64_t n, int64_t c, size_t first) {
    Statistic<Real> &set = all[sets.of(n, c)];
    for (size_t i = first; i < first + row; ++i) {
      set.count += 1;
      set.sum += data.input[i];
      set.absolute_sum += std::fabs(data.input[i]);
    }
  });
  for (Statistic<Real> &set : all) set.mean = set.sum / set.count;
  for_each_row(problem, [&](int64_t n, int64_t c, size_t first) {
    Statistic<Real> &set = all[sets.of(n, c)];
    for (size_t i = first; i < first + row; ++i) {
      const Real d = data.input[i] - set.mean;
      set.squares += d * d;
    }
  });
  for (Statistic<Real> &set : all) set.var = set.squares / set.count;
  return all;
}

/** Of the arithmetic, per unit of what is added up. */
double unit(const NormProblem &problem) { return same(problem.dtype, float64) ? 4e-15 : 4e-7; }

/** Below the smallest normal number there are fewer digits. */
double smallest(const NormProblem &problem) { return same(problem.dtype, float64) ? 1e-323 : 3e-45; }

/** Of a variance. 16-bit numbers have few digits, so that many a sum of their squares is a tie, and on some data ties round to the same
 * side again and again: up to 128 times by 2^-25 of the sum. A 16-bit result shows nothing of it. */
double variance_unit(const NormProblem &problem) { return problem.half() ? 4e-6 : unit(problem); }

/** Appends a value that is off by `error` before it is rounded to its type. */
void append(double value, double error, DLDataType dtype, bool rounds, Values &values, Values &tolerance) {
  const double stored = rounded(value, dtype);
  values.push_back(std::isinf(stored) ? stored : value);
  tolerance.push_back(error + (rounds ? half_ulp(std::fabs(value) + error, dtype) : 0));
}

template <typename Real>
void update_running(const NormProblem &problem, const NormData &data, const std::vector<Statistic<Real>> &all,
                    NormReference &result) {
  const size_t channels = static_cast<size_t>(problem.c());
  const Real repeats = static_cast<Real>(all.size()) / static_cast<Real>(channels);
  const Real f = problem.running_weight;
  const DLDataType dtype = problem.parameter_type();
  const bool rounds = bytes_of(dtype) == 2;
  for (size_t c = 0; c < channels; ++c) {
    Real mean = 0, var = 0, absolute = 0;
    for (size_t i = c; i < all.size(); i += channels) {
      const Statistic<Real> &set = all[i];
      const Real correction = problem.running == Running::unbiased ? set.count / (set.count - 1) : 1;
      mean += set.mean / repeats;
      var += set.var * correction / repeats;
      absolute += set.absolute_sum / set.count / repeats;
    }
    const Real new_var = (1 - f) * data.running_var[c] + f * var;
    append(static_cast<double>((1 - f) * data.running_mean[c] + f * mean),
           unit(problem) * static_cast<double>((1 - f) * std::fabs(data.running_mean[c]) + f * absolute), dtype, rounds,
           result.running_mean, result.running_mean_tolerance);
    append(static_cast<double>(new_var), variance_unit(problem) * static_cast<double>(std::fabs(new_var)), dtype,
           rounds, result.running_var, result.running_var_tolerance);
  }
}

template <typename Real>
void save(const NormProblem &problem, const std::vector<Statistic<Real>> &all, NormReference &result) {
  for (const Statistic<Real> &set : all) {
    const double mean = static_cast<double>(set.mean), sigma = static_cast<double>(std::sqrt(set.var));
    const double rstd = static_cast<double>(1 / std::sqrt(set.var + static_cast<Real>(problem.eps)));
    const double mean_error = unit(problem) * (std::fabs(mean) + sigma) + smallest(problem);
    double rstd_error = (variance_unit(problem) + unit(problem)) / 2 * rstd;
    // Means of blocks are one double each.
    if (same(problem.dtype, float64)) rstd_error += unit(problem) * std::fabs(mean) * rstd * rstd;
    append(mean, mean_error, problem.compute_type(), false, result.saved_mean, result.saved_mean_tolerance);
    append(rstd, rstd_error, problem.compute_type(), false, result.saved_rstd, result.saved_rstd_tolerance);
  }
}

template <typename Real>
NormReference reference_in(const NormProblem &problem, const NormData &data) {
  NormReference result;
  result.output.reserve(data.input.size());
  result.tolerance.reserve(data.input.size());
  if (data.input.empty()) return result;
  const Sets sets(problem);
  const std::vector<Statistic<Real>> all = statistics<Real>(problem, data, sets);
  const bool wide = same(problem.dtype, float64), leaky = problem.activation == HALOGEN_ACTIVATION_LEAKY_RELU;
  const double u = unit(problem), least = smallest(problem);
  const double slope = problem.activation == HALOGEN_ACTIVATION_NONE ? 1 : problem.negative_slope;
  for_each_row(problem, [&](int64_t n, int64_t c, size_t first) {
    const Statistic<Real> &set = all[sets.of(n, c)];
    const size_t channel = static_cast<size_t>(c);
    const Real rstd = 1 / std::sqrt(set.var + static_cast<Real>(problem.eps));
    const double weight = problem.weight ? data.weight[channel] : 1;
    const double bias = problem.bias ? data.bias[channel] : 0;
    const double scale = std::fabs(weight) * static_cast<double>(rstd);
    double spread = problem.given ? 0 : static_cast<double>(std::sqrt(set.var));
    if (wide) spread += std::fabs(static_cast<double>(set.mean));
    for (size_t i = first; i < first + static_cast<size_t>(problem.s()); ++i) {
      const double residual = problem.residual ? data.residual[i] : 0;
      const Real d = data.input[i] - set.mean;
      const Real sum = d * rstd * weight + bias + residual;
      const double value = static_cast<double>(sum < 0 ? (slope == 0 ? 0 : sum * static_cast<Real>(slope)) : sum);
      double error =
          u * (scale * (std::fabs(static_cast<double>(d)) + spread) + std::fabs(bias) + std::fabs(residual)) +
          least * (1 + scale);
      if (leaky) error *= std::max(1.0, std::fabs(slope));
      append(value, error, problem.dtype, problem.half(), result.output, result.tolerance);
    }
  });
  if (problem.running != Running::none) update_running(problem, data, all, result);
  if (problem.saved) save(problem, all, result);
  return result;
}

}  // namespace

NormReference reference(const NormProblem &problem, const NormData &data) {
  // Doubles are as good as exact beside float32; a slow software float128 on AArch64 is kept for float64.
  return same(problem.dtype, float64) ? reference_in<long double>(problem, data) : reference_in<double>(problem, data);
}

}  // namespace halogen_tests
