// One normalisation as data: what is asked for, the numbers it works on, and what a plain double-precision program says.
#pragma once

#include <halogen/ops.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dtype.h"
#include "norm_form.h"

namespace halogen_tests {

enum class Running { none, biased, unbiased };

/** What is asked for; all of it but the numbers. */
struct NormProblem {
  std::vector<int64_t> shape; /**< N, C, ..., also where the call names the channels last */
  halogen_norm_scope scope = HALOGEN_NORM_SCOPE_BATCH;
  int32_t num_groups = 0;
  bool given = false; /**< with given statistics */
  bool weight = true;
  bool bias = true;
  Running running = Running::none;
  double running_weight = 0.1;
  double eps = 1e-5;
  DLDataType dtype = float32;
  bool float_vectors = false; /**< 16-bit data: the vectors are float32 */
  Place input_place = Place::first, output_place = Place::first, residual_place = Place::first;
  bool named_last = false; /**< the call's shapes are (N, ..., C), and its field says so */
  bool residual = false;
  halogen_activation activation = HALOGEN_ACTIVATION_NONE;
  double negative_slope = 0;
  bool saved = false; /**< saved_mean and saved_rstd are asked for */

  int64_t n() const { return shape[0]; }
  int64_t c() const { return shape[1]; }
  /** The product of all dimensions behind the second. */
  int64_t s() const;
  bool half() const { return bytes_of(dtype) == 2; }
  DLDataType compute_type() const { return half() ? float32 : dtype; }
  DLDataType parameter_type() const { return float_vectors ? compute_type() : dtype; }
  bool epilogue() const { return residual || activation != HALOGEN_ACTIVATION_NONE; }
  /** All data tensors at one place. */
  void put_all(Place place) { input_place = output_place = residual_place = place; }
};

/** The numbers, each one that its tensor can hold; data in the order N, C, ... All vectors are filled, whether the problem uses
 * them or not; the residual only if it does. */
struct NormData {
  Values input, weight, bias, mean, var, running_mean, running_var, residual;
};

/** Ordinary data: every channel has its own mean within ±2 and spread within 0.5 to 2. Same problem and stream, same data. */
NormData ordinary_data(const NormProblem &problem, uint64_t stream);

/** What its tensor can hold of each number. */
void round_to_types(const NormProblem &problem, NormData &data);

/** What a double-precision program computes, and how far a kernel may be off. */
struct NormReference {
  Values output, tolerance;
  Values running_mean, running_var, running_mean_tolerance, running_var_tolerance;
  Values saved_mean, saved_rstd, saved_mean_tolerance, saved_rstd_tolerance;
};

/** y = activation((x - mean) / sqrt(var + eps) * weight + bias + residual), in two plain passes; for float64 data with more digits
 * than those.
 *
 * With u = 4e-7, arithmetic in float32 may be off by u * (|weight| * rstd * (|x - mean| + σ) + |bias| + |residual|), σ = 0 with given
 * statistics: tighter than with |x| + |mean| in place of |x - mean| + σ as soon as the mean is large, because the kernels carry the
 * mean as two floats. 16-bit results are rounded from that once: half a unit in their last place more. float64 is its own: u = 4e-15,
 * for there the sums of blocks and of a slab's width, thousands of them, are in the type of the data; and as the mean is one number,
 * |mean| is added to |x - mean| + σ. */
NormReference reference(const NormProblem &problem, const NormData &data);

/** One line that says which problem this is. */
std::string describe(const NormProblem &problem);

/** A tensor of rank 2 to 8 with `s` elements behind the second dimension; the rank changes with `pick`. */
std::vector<int64_t> shape_of(int64_t n, int64_t c, int64_t s, size_t pick = 0);

}  // namespace halogen_tests
