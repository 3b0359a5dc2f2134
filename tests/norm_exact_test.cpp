// Small integers, and variances whose square root is a power of two: every intermediate is exact, so results are compared with ==.
#include <doctest/doctest.h>

#include <cmath>

#include "support/env.h"
#include "support/norm_run.h"
#include "support/random.h"

using namespace halogen_tests;

namespace {

/** Fills every set of `set_size` values with as many mean + k as mean - k, shuffled. `position(set, i)` is where value i lies. */
template <typename Position>
void fill_balanced(Values &values, size_t set_size, double mean, double k, const Position &position) {
  Random random(set_size);
  for (size_t set = 0; set < values.size() / set_size; ++set) {
    Values own(set_size);
    for (size_t i = 0; i < set_size; ++i) own[i] = mean + (i % 2 ? k : -k);
    random.shuffle(own);
    for (size_t i = 0; i < set_size; ++i) values[position(set, i)] = own[i];
  }
}

/** Integer parameters: exact in every product and sum below. */
NormData integer_data(const NormProblem &problem, double mean, double k) {
  NormData data = ordinary_data(problem, 1);
  const size_t channels = static_cast<size_t>(problem.c());
  const size_t row = static_cast<size_t>(problem.s());
  const size_t n = static_cast<size_t>(problem.n());
  for (size_t c = 0; c < channels; ++c) {
    data.weight[c] = static_cast<double>(c % 5) - 2;
    data.bias[c] = static_cast<double>(c % 3) * 7 - 7;
    data.running_mean[c] = static_cast<double>(c % 4);
    data.running_var[c] = static_cast<double>(c % 4) + 1;
  }
  if (problem.scope == HALOGEN_NORM_SCOPE_BATCH) {
    fill_balanced(data.input, n * row, mean, k,
                  [=](size_t set, size_t i) { return (i / row * channels + set) * row + i % row; });
  } else {
    const size_t size =
        problem.scope == HALOGEN_NORM_SCOPE_GROUP ? channels / static_cast<size_t>(problem.num_groups) * row : row;
    fill_balanced(data.input, size, mean, k, [=](size_t set, size_t i) { return set * size + i; });
  }
  return data;
}

void check_exact(const NormProblem &problem, const NormData &data) {
  NormReference expected = reference(problem, data);
  for (auto *tolerance : {&expected.tolerance, &expected.running_mean_tolerance, &expected.running_var_tolerance}) {
    tolerance->assign(tolerance->size(), 0);
  }
  for (const Variant &variant : variants()) {
    for (halogen_norm_path path : norm_paths) {
      if (!path_applies(problem, path)) continue;
      const std::string wrong =
          verify(problem, expected, run_norm(context_of(variant), problem, data, path), path, variant.name);
      CHECK_MESSAGE(wrong.empty(), wrong);
    }
  }
}

NormProblem problem_for(halogen_norm_scope scope, std::vector<int64_t> shape) {
  NormProblem problem;
  problem.shape = std::move(shape);
  problem.scope = scope;
  problem.num_groups = scope == HALOGEN_NORM_SCOPE_GROUP ? 2 : 0;
  problem.running = scope == HALOGEN_NORM_SCOPE_GROUP ? Running::none : Running::biased;
  problem.running_weight = 0.25;
  return problem;
}

constexpr halogen_norm_scope all_scopes[] = {HALOGEN_NORM_SCOPE_BATCH, HALOGEN_NORM_SCOPE_INSTANCE,
                                             HALOGEN_NORM_SCOPE_GROUP};

}  // namespace

TEST_SUITE("norm_exact") {
  TEST_CASE("norm: mean zero, values ±k, any even row is exact") {
    for (halogen_norm_scope scope : all_scopes) {
      for (int64_t s = 2; s <= (quick() ? 34 : 130); s += 2) {
        for (int64_t n : {1, 2, 3}) {
          NormProblem problem = problem_for(scope, shape_of(n, 6, s, static_cast<size_t>(s)));
          problem.eps = 0;
          check_exact(problem, integer_data(problem, 0, 4));
          problem.eps = 7;  // 9 + 7 = 16
          check_exact(problem, integer_data(problem, 0, 3));
        }
      }
    }
  }

  TEST_CASE("norm: an integer mean over a power of two of values is exact") {
    for (halogen_norm_scope scope : all_scopes) {
      for (int64_t s : {2, 4, 8, 16, 32, 64, 128, 512, 1024}) {
        for (int64_t n : {1, 2, 4}) {
          if (n * s > 4096) continue;  // several blocks, with means of their own that are no integers
          NormProblem problem = problem_for(scope, shape_of(n, 4, s, static_cast<size_t>(s)));
          problem.eps = 3;  // 1 + 3 = 4
          check_exact(problem, integer_data(problem, 5, 1));
          check_exact(problem, integer_data(problem, -100, 1));
        }
      }
    }
  }

  TEST_CASE("norm: integer given statistics are exact for every row") {
    for (int64_t s = 1; s <= (quick() ? 35 : 130); ++s) {
      for (int64_t c : {1, 3, 16}) {
        NormProblem problem;
        problem.shape = shape_of(2, c, s, static_cast<size_t>(s));
        problem.given = true;
        problem.eps = 1;
        NormData data = ordinary_data(problem, 2);
        Random random(static_cast<uint64_t>(s));
        for (double &x : data.input) x = static_cast<double>(random.below(64)) - 32;
        for (size_t i = 0; i < data.mean.size(); ++i) {
          data.mean[i] = static_cast<double>(random.below(16)) - 8;
          data.var[i] = i % 2 ? 3 : 15;  // + eps = 4, 16
          data.weight[i] = static_cast<double>(random.below(8)) - 4;
          data.bias[i] = static_cast<double>(random.below(8)) - 4;
        }
        check_exact(problem, data);
      }
    }
  }

  TEST_CASE("norm: one value per statistic gives bias, and no unbiased variance") {
    for (halogen_norm_scope scope : {HALOGEN_NORM_SCOPE_BATCH, HALOGEN_NORM_SCOPE_INSTANCE}) {
      NormProblem problem = problem_for(scope, {1, 37});
      for (Running running : {Running::biased, Running::unbiased}) {
        problem.running = running;
        const NormData data = ordinary_data(problem, 3);
        for (const Variant &variant : variants()) {
          for (halogen_norm_path path : norm_paths) {
            if (!path_applies(problem, path)) continue;
            const NormResult result = run_norm(context_of(variant), problem, data, path);
            REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
            CHECK(same_bits(result.output, data.bias));
            for (size_t c = 0; c < data.bias.size(); ++c) {
              if (running == Running::unbiased) CHECK(std::isnan(result.running_var[c]));
              if (running == Running::biased)
                CHECK(result.running_var[c] == doctest::Approx(0.75 * data.running_var[c]));
              CHECK(result.running_mean[c] == doctest::Approx(0.75 * data.running_mean[c] + 0.25 * data.input[c]));
            }
          }
        }
      }
    }
  }
}
