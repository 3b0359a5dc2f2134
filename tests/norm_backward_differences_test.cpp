// Gradients against central differences of the forward pass, in float64: the formulas, on every path.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_gradient_kernels.h"
#include "support/norm_gradients.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** Of y, sum(grad_output * y), by the plain program that the kernels' forward passes are compared with. */
double loss(const NormProblem &problem, const NormData &at, const Values &grad_output) {
  const Values y = reference(problem, at).output;
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i) sum += y[i] * grad_output[i];
  return sum;
}

/** How far a value must be from 0 before the activation, for a step not to reach it. */
constexpr double kink = 0.01, step = 1e-5;

/** Data, and y, no value of which is near the activation's kink: the residual moves those that are. */
GradientData data_of(const NormProblem &problem, uint64_t stream) {
  GradientData data(problem, stream);
  NormProblem linear = problem;
  linear.activation = HALOGEN_ACTIVATION_NONE;
  linear.negative_slope = 0;
  if (problem.activation != HALOGEN_ACTIVATION_NONE) {
    REQUIRE(problem.residual);
    const Values before = reference(linear, data.forward).output;
    for (size_t i = 0; i < before.size(); ++i) {
      if (std::fabs(before[i]) < kink) data.forward.residual[i] += 3 * kink;
    }
    for (const double y : reference(linear, data.forward).output) REQUIRE(std::fabs(y) >= kink);
  }
  data.output = reference(problem, data.forward).output;
  NormProblem saving = problem;
  saving.saved = true;
  const NormReference statistics = reference(saving, data.forward);
  data.saved_mean = statistics.saved_mean;
  data.saved_rstd = statistics.saved_rstd;
  return data;
}

/** The derivatives by a tensor's values; NaN where none is taken: an emulator takes some. */
Values differences(const NormProblem &problem, const GradientData &data, Values NormData::*parameter) {
  NormProblem plain = problem;
  plain.saved = false;
  NormData at = data.forward;
  Values all;
  const size_t count = (at.*parameter).size(), every = quick() && count > 12 ? 11 : 1;
  for (size_t i = 0; i < count; ++i) {
    if (i % every != 0) {
      all.push_back(std::nan(""));
      continue;
    }
    double &value = (at.*parameter)[i];
    const double middle = value;
    value = middle + step;
    const double up = loss(plain, at, data.grad_output);
    value = middle - step;
    all.push_back((up - loss(plain, at, data.grad_output)) / (2 * step));
    value = middle;
  }
  return all;
}

/** The step's square times a third derivative of a few hundred at most, and y's rounding by the step's: 1e-16 * 30 / 1e-5. */
constexpr double tolerance = 1e-7;

void compare_with(const char *name, const Values &expected, const Values &gradient) {
  REQUIRE(expected.size() == gradient.size());
  for (size_t i = 0; i < gradient.size(); ++i) {
    if (std::isnan(expected[i])) continue;
    INFO(name, "[", i, "]: ", gradient[i], ", by differences ", expected[i]);
    const bool close = std::fabs(expected[i] - gradient[i]) < tolerance;
    CHECK(close);
  }
}

/** On every variant and path; returns the paths other than AUTO. */
int check_differences(const NormProblem &problem, uint64_t stream) {
  const GradientData data = data_of(problem, stream);
  GradientWish wish;
  wish.residual = problem.residual;
  const Values input = differences(problem, data, &NormData::input);
  const Values weight = differences(problem, data, &NormData::weight),
               bias = differences(problem, data, &NormData::bias);
  const Values residual = problem.residual ? differences(problem, data, &NormData::residual) : Values();
  int paths = 0;
  for (const Variant &variant : variants_of(float64)) {
    paths = -1;
    for (const halogen_norm_path path : norm_paths) {
      if (!backward_path_applies(problem, path, wish)) continue;
      ++paths;
      INFO(variant.name, " path ", path_name(path), ", ", describe(problem));
      const GradientResult result = run_gradients(context_of(variant), problem, data, wish, path);
      REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
      CHECK(unexpected_kernels(problem, wish, path, result) == "");
      compare_with("grad_input", input, result.input);
      compare_with("grad_weight", weight, result.weight);
      compare_with("grad_bias", bias, result.bias);
      if (problem.residual) compare_with("grad_residual", residual, result.residual);
    }
  }
  return paths;
}

/** Statistics saved and recomputed; no activation, relu and leaky relu. */
int check_options(NormProblem problem, uint64_t stream) {
  problem.dtype = float64;
  int paths = 0;
  for (const bool saved : {false, true}) {
    if (saved && problem.given) continue;
    for (const halogen_activation activation :
         {HALOGEN_ACTIVATION_NONE, HALOGEN_ACTIVATION_RELU, HALOGEN_ACTIVATION_LEAKY_RELU}) {
      problem.saved = saved;
      problem.activation = activation;
      problem.negative_slope = activation == HALOGEN_ACTIVATION_LEAKY_RELU ? 0.2 : 0;
      problem.residual = activation != HALOGEN_ACTIVATION_NONE || saved;
      paths = check_differences(problem, stream++);
    }
  }
  return paths;
}

}  // namespace

TEST_SUITE("norm_backward_differences") {
  TEST_CASE("norm: rows of a vector and more, channel-first: gradients are central differences") {
    uint64_t stream = 600;
    for (const NormProblem &problem : each_scope({2, 4, 37})) {
      const bool group = problem.scope == HALOGEN_NORM_SCOPE_GROUP;
      // Row, slab and split; sets of two channels split.
      CHECK(check_options(problem, stream += 10) == (group ? 1 : 3));
    }
  }

  TEST_CASE("norm: short rows, and one value a row: gradients are central differences") {
    uint64_t stream = 700;
    for (const std::vector<int64_t> &shape : {std::vector<int64_t>{3, 6, 5}, {7, 6}}) {
      for (const NormProblem &problem : each_scope(shape)) {
        // A set of one value has no deviation; eps keeps it differentiable.
        if (shape.size() == 2 && problem.scope == HALOGEN_NORM_SCOPE_INSTANCE) continue;
        const bool group = problem.scope == HALOGEN_NORM_SCOPE_GROUP;
        CHECK(check_options(problem, stream += 10) == (group ? 1 : 3));
      }
    }
  }

  TEST_CASE("norm: channel-last data: gradients are central differences") {
    uint64_t stream = 800;
    for (NormProblem problem : each_scope({2, 6, 2, 9})) {
      problem.put_all(Place::last);
      const bool group = problem.scope == HALOGEN_NORM_SCOPE_GROUP;
      CHECK(check_options(problem, stream += 10) == (group ? 1 : 2));
    }
  }

  TEST_CASE("norm: rows as sets: gradients are central differences") {
    NormProblem problem;
    problem.shape = {3, 66};
    problem.scope = HALOGEN_NORM_SCOPE_GROUP;
    uint64_t stream = 900;
    for (const int32_t groups : {1, 2}) {
      problem.num_groups = groups;
      REQUIRE(backward_rows_are_sets(problem));
      // Row and split.
      CHECK(check_options(problem, stream += 10) == 2);
    }
  }
}
