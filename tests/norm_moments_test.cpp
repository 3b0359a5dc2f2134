// halogen/moments.h: a batch in parts is normalised as the whole is, forward and backward.
#include <doctest/doctest.h>

#include <cmath>

#include "support/env.h"
#include "support/norm_parts.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

std::vector<std::vector<int64_t>> cuts_of(int64_t n) {
  std::vector<std::vector<int64_t>> all{{0, n}, {0, 0, n}, {0, n, n}};
  // Of a few samples seven parts have as many that are not empty as fewer parts do.
  for (int64_t parts = quick() || n < 5 ? 7 : 2; parts <= 7; ++parts) {
    std::vector<int64_t> cuts{0};
    // Uneven, and for small n some of them empty.
    for (int64_t k = 1; k < parts; ++k) cuts.push_back(n * k * k / (parts * parts));
    cuts.push_back(n);
    all.push_back(cuts);
  }
  return all;
}

}  // namespace

TEST_SUITE("norm_moments") {
  TEST_CASE("norm: a batch in one to seven parts is the whole batch, forward and backward") {
    uint64_t stream = 0;
    for (const DLDataType dtype : float_types) {
      for (const Place place : {Place::first, Place::last}) {
        for (const int64_t rows : quick() ? std::vector<int64_t>{5, 70} : std::vector<int64_t>{1, 5, 49, 70, 5000}) {
          Shared shared;
          shared.problem.shape = {rows > 100 ? 3 : 11, 6, rows};
          shared.problem.dtype = dtype;
          shared.problem.put_all(place);
          shared.problem.running = Running::unbiased;
          shared.problem.saved = true;
          NormProblem backward = shared.problem;
          backward.running = Running::none;
          backward.saved = false;
          backward.activation = HALOGEN_ACTIVATION_LEAKY_RELU;
          backward.negative_slope = 0.25;
          for (const std::vector<int64_t> &cuts : cuts_of(shared.problem.n())) {
            shared.cuts = cuts;
            const NormData data = ordinary_data(shared.problem, ++stream);
            for (const Variant &variant : variants_of(dtype)) {
              check_forward_in_parts(context_of(variant), shared, data);
              check_backward_in_parts(context_of(variant), {backward, cuts}, GradientData(backward, stream));
            }
          }
        }
      }
    }
  }

  TEST_CASE("norm: moments keep their digits where the mean is much larger than the deviation") {
    Shared shared;
    shared.problem.shape = {8, 2, 500};
    shared.cuts = {0, 1, 5, 8};
    NormData data = ordinary_data(shared.problem, 1);
    for (double &x : data.input) x = static_cast<float>(1e6 + std::round(8 * x) / 8);
    for (const Variant &variant : variants()) {
      SharedTensor input(shared, NormForms(shared.problem).input, data.input);
      const std::vector<Values> parts = moments_of_parts(context_of(variant), shared, &input);
      check_moments(shared, merged(context_of(variant), shared, parts), data.input);
    }
  }

  TEST_CASE("norm: what is said of empty parts has no say") {
    Shared shared;
    shared.problem.shape = {1, 2, 1};
    shared.cuts = {0, 1};
    const double nan = std::nan("");
    for (const Variant &variant : variants()) {
      halogen_context *context = context_of(variant);
      CHECK(same_bits(merged(context, shared, {{0, 0, nan, nan, nan, nan}, {2, 3, 1, 5, 4, 6}}), {2, 3, 1, 5, 4, 6}));
      CHECK(same_bits(merged(context, shared, {{0, 0, 7, 7, 7, 7}}), {0, 0, 0, 0, 0, 0}));
      CHECK(same_bits(merged(context, shared, {}), {0, 0, 0, 0, 0, 0}));
    }
  }

  TEST_CASE("norm: moments of no values leave running statistics as they are") {
    NormProblem problem;
    problem.shape = {0, 3, 4};
    problem.running = Running::unbiased;
    NormProblem full = problem;
    full.shape[0] = 1;
    const NormData data = ordinary_data(full, 1);
    for (const Variant &variant : variants()) {
      NormStorage storage(full, data);
      NormCall call(problem, storage.memory());
      Values moments(9, 0.0);
      TensorView all(moments.data(), {3, 3}, float64);
      call.args.moments = &all.dl;
      REQUIRE_MESSAGE(call.run(context_of(variant)) == HALOGEN_OK, call.error.message);
      CHECK(same_bits(storage.running_mean.values(), data.running_mean));
      CHECK(same_bits(storage.running_var.values(), data.running_var));
    }
  }
}
