// One normalisation as data: what is asked for, the numbers it works on, and what a plain double-precision program says.
#pragma once

#include <halogen/ops.h>

#include <cstdint>
#include <string>
#include <vector>

namespace halogen_tests {

enum class Running { none, biased, unbiased };

/** What is asked for; all of it but the numbers. */
struct NormProblem {
  std::vector<int64_t> shape;
  halogen_norm_scope scope = HALOGEN_NORM_SCOPE_BATCH;
  int32_t num_groups = 0;
  bool given = false; /**< with given statistics */
  bool weight = true;
  bool bias = true;
  Running running = Running::none;
  double running_weight = 0.1;
  double eps = 1e-5;

  int64_t n() const { return shape[0]; }
  int64_t c() const { return shape[1]; }
  /** The product of all dimensions behind the second. */
  int64_t s() const;
};

/** The numbers. All vectors are filled, whether the problem uses them or not. */
struct NormData {
  std::vector<float> input, weight, bias, mean, var, running_mean, running_var;
};

/** Ordinary data: every channel has its own mean within ±2 and spread within 0.5 to 2. Same problem and stream, same data. */
NormData ordinary_data(const NormProblem &problem, uint64_t stream);

/** What a double-precision program computes, and how far a float32 kernel may be off. */
struct NormReference {
  std::vector<double> output, tolerance;
  std::vector<double> running_mean, running_var, running_mean_tolerance, running_var_tolerance;
};

/** y = (x - mean) / sqrt(var + eps) * weight + bias, in two plain passes over the doubles.
 *
 * An element may be off by 4e-7 * (|weight| * rstd * (|x - mean| + σ) + |bias|), σ = 0 with given statistics: tighter than with
 * |x| + |mean| in place of |x - mean| + σ as soon as the mean is large, because the kernels carry the mean as two floats. */
NormReference reference(const NormProblem &problem, const NormData &data);

/** One line that says which problem this is. */
std::string describe(const NormProblem &problem);

/** A tensor of rank 2 to 8 with `s` elements behind the second dimension; the rank changes with `pick`. */
std::vector<int64_t> shape_of(int64_t n, int64_t c, int64_t s, size_t pick = 0);

}  // namespace halogen_tests
