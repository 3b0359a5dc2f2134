// One transposed convolution as data: what is asked for, the numbers, and what a plain double-precision program that scatters says.
#pragma once

#include <halogen/conv.h>

#include <cstdint>
#include <string>
#include <vector>

#include "random.h"

namespace halogen_tests {

/** What is asked for; all of it but the numbers. */
struct ConvProblem {
  int64_t n = 1, c_in = 1, c_out = 1, length = 1, kernel = 1;
  int64_t stride = 1, dilation = 1, groups = 1, pad_left = 0, pad_right = 0;
  bool batched = true; /**< else (C, L), and n is 1 */
  bool bias = true;
  halogen_activation input_activation = HALOGEN_ACTIVATION_NONE, activation = HALOGEN_ACTIVATION_NONE;
  double input_slope = 0.1, slope = 0.2;

  int64_t out_length() const { return (length - 1) * stride + dilation * (kernel - 1) + 1 - pad_left - pad_right; }
  /** stride without its common divisor with dilation. */
  int64_t phases() const;
  std::vector<int64_t> input_shape() const;
  std::vector<int64_t> weight_shape() const { return {c_in, c_out / groups, kernel}; }
  std::vector<int64_t> output_shape() const;
};

/** The numbers; bias is filled, whether the problem uses it or not. */
struct ConvData {
  std::vector<float> input, weight, bias;
};

/** Uniform in ±1. Same problem and stream, same data. */
ConvData ordinary_data(const ConvProblem &problem, uint64_t stream);

/** Integers in ±3: every sum is exact. */
ConvData integer_data(const ConvProblem &problem, uint64_t stream);

/** A problem with every parameter drawn at random, small; its output is not empty. */
ConvProblem random_problem(Random &random);

/** The same, but with activations that are exact on integers, and this slope behind the sums. */
ConvProblem exact_problem(Random &random, double slope);

/** A problem of these sizes, cropped by as much at both ends. */
ConvProblem conv_shape(int64_t n, int64_t c_in, int64_t c_out, int64_t kernel, int64_t stride, int64_t pad,
                       int64_t length, int64_t groups = 1);

/** What a double-precision program computes, and how far a float32 kernel may be off: 1e-6 times the same sum of magnitudes. */
struct ConvReference {
  std::vector<double> output, tolerance;
};
ConvReference reference(const ConvProblem &problem, const ConvData &data);

/** One line that says which problem this is. */
std::string describe(const ConvProblem &problem);

}  // namespace halogen_tests
