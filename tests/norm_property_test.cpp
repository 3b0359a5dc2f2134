// Random shapes, strides, dtypes and options against the reference, and what must not change a result. A failure names the seed of the
// run; HALOGEN_TEST_SEED=<seed> brings it back, another seed brings other problems.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"
#include "support/random.h"

using namespace halogen_tests;

namespace {

size_t rounds() { return quick() ? 12 : 120; }

/** Own statistics and nothing else: what a transformation of the input must leave alone. */
NormProblem plain_problem(Random &random) {
  NormProblem problem = each_scope(random_norm_shape(random))[random.below(3)];
  problem.put_all(random.below(2) ? Place::first : Place::last);
  return problem;
}

NormResult result_of(const NormProblem &problem, const NormData &data) {
  const std::vector<Variant> able = variants_of(problem.dtype);
  const NormResult result = run_norm(context_of(able.back()), problem, data);
  REQUIRE_MESSAGE(result.status == HALOGEN_OK, describe(problem), ": ", result.message);
  return result;
}

Values sums(const Values &a, const Values &b) {
  Values all(a.size());
  for (size_t i = 0; i < a.size(); ++i) all[i] = a[i] + b[i];
  return all;
}

}  // namespace

TEST_SUITE("norm_property") {
  TEST_CASE("norm: random problems agree with the reference") {
    Random random(1000);
    for (size_t round = 0; round < rounds(); ++round) {
      const NormProblem problem = random_norm_problem(random);
      check_everywhere(problem, ordinary_data(problem, 2000 + round));
    }
  }

  TEST_CASE("norm: scaling input and eps by a power of two changes no bit") {
    Random random(1001);
    for (size_t round = 0; round < rounds(); ++round) {
      NormProblem problem = plain_problem(random);
      const DLDataType types[] = {float32, float64, bfloat16};
      problem.dtype = types[random.below(3)];
      if (variants_of(problem.dtype).empty()) continue;
      NormData data = ordinary_data(problem, 3000 + round);
      const NormResult before = result_of(problem, data);
      const int power = static_cast<int>(random.below(17)) - 8;
      for (double &x : data.input) x = std::ldexp(x, power);
      problem.eps = std::ldexp(problem.eps, 2 * power);
      CHECK_MESSAGE(same_bits(result_of(problem, data).output, before.output), describe(problem), " by 2^", power);
    }
  }

  TEST_CASE("norm: shifting the input changes nothing beyond the tolerance") {
    Random random(1002);
    for (size_t round = 0; round < rounds(); ++round) {
      const NormProblem problem = plain_problem(random);
      NormData data = ordinary_data(problem, 4000 + round);
      // Multiples of 2^-10 below 8: sums with up to 2^12 are exact in float32.
      for (double &x : data.input) x = std::nearbyint(x * 1024) / 1024;
      const NormReference expected = reference(problem, data);
      const NormResult before = result_of(problem, data);
      const double shift = std::nearbyint(random.uniform(-4096, 4096));
      for (double &x : data.input) x += shift;
      const std::string wrong = compare("output", result_of(problem, data).output, before.output,
                                        sums(expected.tolerance, expected.tolerance));
      CHECK_MESSAGE(wrong.empty(), describe(problem), " by ", shift, ": ", wrong);
    }
  }

  TEST_CASE("norm: permuting the batch permutes the output, bit by bit where samples have statistics of their own") {
    Random random(1003);
    for (size_t round = 0; round < rounds(); ++round) {
      const NormProblem problem = plain_problem(random);
      const NormData data = ordinary_data(problem, 5000 + round);
      const size_t sample = static_cast<size_t>(problem.c() * problem.s());
      std::vector<size_t> order(static_cast<size_t>(problem.n()));
      for (size_t n = 0; n < order.size(); ++n) order[n] = n;
      random.shuffle(order);
      const auto permuted = [&](const Values &values) {
        Values all;
        for (const size_t n : order) {
          const auto first = values.begin() + static_cast<std::ptrdiff_t>(n * sample);
          all.insert(all.end(), first, first + static_cast<std::ptrdiff_t>(sample));
        }
        return all;
      };
      NormData moved = data;
      moved.input = permuted(data.input);
      const Values before = permuted(result_of(problem, data).output), after = result_of(problem, moved).output;
      Values tolerance = permuted(reference(problem, data).tolerance);
      tolerance = sums(tolerance, tolerance);
      if (problem.scope != HALOGEN_NORM_SCOPE_BATCH) std::fill(tolerance.begin(), tolerance.end(), 0);
      const std::string wrong = compare("output", after, before, tolerance);
      CHECK_MESSAGE(wrong.empty(), describe(problem), ": ", wrong);
    }
  }

  TEST_CASE("norm: channel-first and channel-last agree within their tolerances") {
    Random random(1004);
    for (size_t round = 0; round < rounds(); ++round) {
      NormProblem problem = random_norm_problem(random);
      if (variants_of(problem.dtype).empty()) continue;
      problem.put_all(Place::first);
      const NormData data = ordinary_data(problem, 6000 + round);
      const NormReference expected = reference(problem, data);
      const NormResult first = result_of(problem, data);
      problem.put_all(Place::last);
      const std::string wrong = compare("output", result_of(problem, data).output, first.output,
                                        sums(expected.tolerance, expected.tolerance));
      CHECK_MESSAGE(wrong.empty(), describe(problem), ": ", wrong);
    }
  }
}
