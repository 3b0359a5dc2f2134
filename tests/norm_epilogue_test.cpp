// The fused end of a normalisation: a residual, then an activation.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

constexpr Place data_places[] = {Place::first, Place::last};

struct End {
  bool residual;
  halogen_activation activation;
  double slope;
};

constexpr End ends[] = {{true, HALOGEN_ACTIVATION_NONE, 0},         {false, HALOGEN_ACTIVATION_RELU, 0},
                        {true, HALOGEN_ACTIVATION_RELU, 0},         {false, HALOGEN_ACTIVATION_LEAKY_RELU, 0.01},
                        {true, HALOGEN_ACTIVATION_LEAKY_RELU, 0.2}, {false, HALOGEN_ACTIVATION_LEAKY_RELU, -0.5},
                        {true, HALOGEN_ACTIVATION_LEAKY_RELU, 3},   {false, HALOGEN_ACTIVATION_LEAKY_RELU, 0},
                        {true, HALOGEN_ACTIVATION_LEAKY_RELU, 1}};

void set_end(NormProblem &problem, const End &end) {
  problem.residual = end.residual;
  problem.activation = end.activation;
  problem.negative_slope = end.slope;
}

}  // namespace

TEST_SUITE("norm_epilogue") {
  TEST_CASE("norm: every residual and activation, dtype, scope, layout and path agrees with the reference") {
    for (const DLDataType dtype : float_types) {
      for (const Place place : data_places) {
        for (const std::vector<int64_t> &shape :
             std::vector<std::vector<int64_t>>{{3, 6, 5, 7}, {2, 12, 3}, {2, 3, 5003}}) {
          if (quick() && element_count(shape) > 1000) continue;
          for (NormProblem problem : each_scope(shape)) {
            problem.dtype = dtype;
            problem.put_all(place);
            for (const End &end : ends) {
              set_end(problem, end);
              check_everywhere(problem, ordinary_data(problem, 1));
              if (quick()) continue;
              problem.weight = problem.bias = false;
              check_everywhere(problem, ordinary_data(problem, 2));
              problem.weight = problem.bias = true;
            }
          }
        }
      }
    }
  }

  TEST_CASE("norm: the output may be the residual, or the input beside a residual") {
    for (const DLDataType dtype : float_types) {
      for (const Place place : {Place::first, Place::first_slice, Place::last, Place::last_slice, Place::gapped}) {
        for (const std::vector<int64_t> &shape :
             std::vector<std::vector<int64_t>>{{3, 6, 5, 7}, {2, 6, 9}, {2, 3, 5003}}) {
          if (quick() && element_count(shape) > 1000) continue;
          for (NormProblem problem : each_scope(shape)) {
            problem.dtype = dtype;
            problem.put_all(place);
            set_end(problem, ends[2]);
            check_everywhere(problem, ordinary_data(problem, 3), OutputIs::residual);
            check_everywhere(problem, ordinary_data(problem, 4), OutputIs::input);
          }
        }
      }
    }
  }

  TEST_CASE("norm: NaN stays NaN through an activation, and a residual's stays where it is") {
    const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
    for (const DLDataType dtype : float_types) {
      for (const Place place : data_places) {
        NormProblem problem;
        problem.shape = {2, 8, 37};
        problem.dtype = dtype;
        problem.put_all(place);
        problem.given = true;
        for (const End &end : ends) {
          set_end(problem, end);
          NormData data = ordinary_data(problem, 5);
          data.input[3] = nan;
          data.input[70] = infinity;
          if (end.residual) {
            data.residual[100] = nan;
            data.residual[101] = infinity;
            data.residual[102] = end.slope == 0 ? 0 : -infinity;
          }
          check_everywhere(problem, data);
        }
      }
    }
  }

  TEST_CASE("norm: zero is not negative, and relu of what is negative is zero") {
    NormProblem problem;
    problem.shape = {1, 1, 64};
    problem.given = true;
    problem.weight = problem.bias = false;
    problem.eps = 0;
    problem.activation = HALOGEN_ACTIVATION_RELU;
    NormData data = ordinary_data(problem, 6);
    data.mean = {0};
    data.var = {1};
    for (size_t i = 0; i < data.input.size(); ++i) data.input[i] = static_cast<double>(i) - 32;
    for (const Variant &variant : variants()) {
      const NormResult result = run_norm(context_of(variant), problem, data);
      REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
      for (size_t i = 0; i < data.input.size(); ++i) CHECK(result.output[i] == std::max(data.input[i], 0.0));
    }
  }
}
