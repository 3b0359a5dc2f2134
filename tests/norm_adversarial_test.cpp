// Numbers that break careless arithmetic: large means, constants, extremes, NaN and infinity.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "support/env.h"
#include "support/norm_run.h"
#include "support/random.h"

using namespace halogen_tests;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

using Check = std::function<void(const NormProblem &, const NormResult &, const std::string &context)>;

/** Runs on every variant and path, and hands each result to `check`. */
void for_each_run(const NormProblem &problem, const NormData &data, const Check &check) {
  for (const Variant &variant : variants()) {
    for (halogen_norm_path path : norm_paths) {
      if (!path_applies(problem, path)) continue;
      const NormResult result = run_norm(context_of(variant), problem, data, path);
      const std::string where = variant.name + " path " + path_name(path) + ", " + describe(problem);
      REQUIRE_MESSAGE(result.status == HALOGEN_OK, where, ": ", result.message);
      check(problem, result, where);
    }
  }
}

/** `slack` multiplies the tolerances. */
void check_reference(const NormProblem &problem, const NormData &data, double slack = 1) {
  NormReference expected = reference(problem, data);
  for (auto *tolerances : {&expected.tolerance, &expected.running_mean_tolerance, &expected.running_var_tolerance}) {
    for (double &tolerance : *tolerances) tolerance *= slack;
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

/** Batch, instance and group over shapes with one block, several blocks, and short rows; channel-last, where lanes run across channels,
 * also with more channels than any vector has lanes, and not a multiple of them. */
std::vector<NormProblem> problems() {
  std::vector<NormProblem> all;
  const auto add = [&](Place place, const std::vector<int64_t> &shape) {
    for (halogen_norm_scope scope : {HALOGEN_NORM_SCOPE_BATCH, HALOGEN_NORM_SCOPE_INSTANCE, HALOGEN_NORM_SCOPE_GROUP}) {
      NormProblem problem;
      problem.shape = shape;
      problem.put_all(place);
      problem.scope = scope;
      problem.num_groups = scope == HALOGEN_NORM_SCOPE_GROUP ? 2 : 0;
      problem.running = scope == HALOGEN_NORM_SCOPE_GROUP ? Running::none : Running::unbiased;
      if (problem.s() > 1 || scope == HALOGEN_NORM_SCOPE_BATCH) all.push_back(problem);
    }
  };
  for (const std::vector<int64_t> &shape :
       std::vector<std::vector<int64_t>>{{3, 4, 5, 7}, {64, 8, 7, 7}, {2, 4, 9001}, {1, 4, 64, 65}, {5000, 4}}) {
    add(Place::first, shape);
  }
  std::vector<std::vector<int64_t>> last{{3, 4, 5, 7}, {2, 70, 7, 7}, {2, 4, 2000}};
  if (quick()) last = {{3, 22, 5, 7}, {2, 4, 400}};
  for (const std::vector<int64_t> &shape : last) add(Place::last, shape);
  return all;
}

NormData filled(const NormProblem &problem, const std::function<double(Random &)> &value) {
  NormData data = ordinary_data(problem, 11);
  Random random(12);
  for (double &x : data.input) x = value(random);
  round_to_types(problem, data);
  return data;
}

/** Whether rows (all positions of a channel of a sample) share a statistic. */
bool same_set(const NormProblem &problem, size_t row, size_t other) {
  const size_t channels = static_cast<size_t>(problem.c());
  const size_t n[] = {row / channels, other / channels};
  size_t c[] = {row % channels, other % channels};
  if (problem.scope == HALOGEN_NORM_SCOPE_GROUP) {
    for (size_t &index : c) index /= channels / static_cast<size_t>(problem.num_groups);
  }
  return c[0] == c[1] && (problem.scope == HALOGEN_NORM_SCOPE_BATCH || n[0] == n[1]);
}

/** Checks that `poison` at element `spoilt` shows in its own set's results, and that all others are as without it. */
void check_spoilt(const NormProblem &problem, const NormResult &got, const NormResult &expected, size_t spoilt,
                  double poison) {
  const size_t row = static_cast<size_t>(problem.s()), channels = static_cast<size_t>(problem.c());
  size_t leaked = 0, hidden = 0;
  for (size_t i = 0; i < got.output.size(); i += row) {
    const bool own = same_set(problem, i / row, spoilt / row);
    for (size_t j = i; j < i + row; ++j) {
      (own ? hidden : leaked) += own ? !std::isnan(got.output[j]) : got.output[j] != expected.output[j];
    }
  }
  CHECK(leaked == 0);
  CHECK(hidden == 0);
  if (problem.running == Running::none) return;
  const size_t channel = spoilt / row % channels;
  for (size_t c = 0; c < channels; ++c) {
    if (c != channel) {
      CHECK(got.running_mean[c] == expected.running_mean[c]);
      CHECK(got.running_var[c] == expected.running_var[c]);
    } else {
      CHECK(std::isnan(got.running_var[c]));
      if (std::isnan(poison)) CHECK(std::isnan(got.running_mean[c]));
      if (std::isinf(poison)) CHECK_MESSAGE(got.running_mean[c] == poison, got.running_mean[c]);
    }
  }
}

}  // namespace

TEST_SUITE("norm_adversarial") {
  TEST_CASE("norm: large mean with small variance keeps its digits") {
    for (const NormProblem &problem : problems()) {
      check_reference(problem, filled(problem, [](Random &random) { return 1e4 + 0.01 * random.uniform(-1, 1); }));
      check_reference(problem, filled(problem, [](Random &random) { return 1e6 + 0.5 * random.uniform(-1, 1); }));
      check_reference(problem, filled(problem, [](Random &random) { return -1e6 + 4 * random.uniform(-1, 1); }));
      check_reference(problem, filled(problem, [](Random &random) { return 3e7 + 64 * random.uniform(-1, 1); }));
    }
  }

  TEST_CASE("norm: mixed scales, ramps and outliers") {
    // A lane adds up to 256 squares in float32, each addition rounding by 2^-24 of the sum so far. On ordinary data the errors
    // cancel; where one value outweighs all others, those of the others are alike, and their bound is 256 * 2^-24 = 16e-6 of the
    // variance.
    constexpr double outliers = 40;  // times 4e-7
    for (const NormProblem &problem : problems()) {
      check_reference(
          problem,
          filled(problem,
                 [](Random &random) { return std::pow(10, random.uniform(-6, 6)) * (random.bits() & 1 ? 1 : -1); }),
          outliers);
      double ramp = 0;
      // With lanes across channels a block's centre is the mean of its first rows. Those are of one sample here, and all of another are two
      // deviations away from it: the sum of squares is twice what is left when the centre is put right, and so is its error.
      const double off_centre = problem.input_place == Place::last ? 2 : 1;
      check_reference(problem, filled(problem, [&ramp](Random &) { return ramp += 0.37; }), off_centre);
      check_reference(problem,
                      filled(problem, [](Random &random) { return random.below(50) ? 0 : random.uniform(-9, 9); }),
                      outliers);
      // The first value of a block is far from all others.
      NormData data = filled(problem, [](Random &random) { return random.uniform(-1, 1); });
      data.input[0] = 1e5;
      check_reference(problem, data, outliers);
    }
  }

  TEST_CASE("norm: constant input gives bias exactly") {
    for (NormProblem problem : problems()) {
      for (double value : {0.0, 1.0, 0.1, -3.3, 12345.678, 1e6 + 0.3, 1e-30, 1e30}) {
        const NormData data = filled(problem, [value](Random &) { return value; });
        for (bool bias : {true, false}) {
          problem.bias = bias;
          for_each_run(problem, data, [&](const NormProblem &, const NormResult &result, const std::string &where) {
            const size_t row = static_cast<size_t>(problem.s());
            size_t wrong = 0;
            for (size_t i = 0; i < result.output.size(); ++i) {
              const double expected = bias ? data.bias[i / row % data.bias.size()] : 0.0;
              if (!(result.output[i] == expected)) ++wrong;
            }
            CHECK_MESSAGE(wrong == 0, where, ": constant ", value, ", ", wrong, " of ", result.output.size(),
                          " elements differ from bias; the first result is ", result.output[0]);
          });
        }
      }
    }
  }

  TEST_CASE("norm: tiny and denormal input") {
    for (const NormProblem &problem : problems()) {
      for (double scale : {1e-6, 1e-15, 1e-20, 1e-30, 1e-38, 1e-41}) {
        NormProblem without_running = problem;
        without_running.running = Running::none;
        without_running.bias = false;
        check_reference(without_running,
                        filled(problem, [scale](Random &random) { return scale * random.uniform(-1, 1); }));
      }
    }
  }

  TEST_CASE("norm: 5e17 still has a variance, 1e30 gives bias and an infinite running variance") {
    for (NormProblem problem : problems()) {
      problem.running = Running::none;
      // A sum in float32 is of at most 512 squares: 512 * (5e17)^2 = 1.3e38 is within its range.
      check_reference(problem, filled(problem, [](Random &random) { return 5e17 * random.uniform(-1, 1); }));
      problem.running = problem.scope == HALOGEN_NORM_SCOPE_GROUP ? Running::none : Running::unbiased;
      const NormData data = filled(problem, [](Random &random) { return 1e30 * random.uniform(-1, 1); });
      for_each_run(problem, data, [&](const NormProblem &, const NormResult &result, const std::string &where) {
        const size_t row = static_cast<size_t>(problem.s());
        size_t wrong = 0;
        for (size_t i = 0; i < result.output.size(); ++i) {
          if (!(result.output[i] == data.bias[i / row % data.bias.size()])) ++wrong;
        }
        CHECK_MESSAGE(wrong == 0, where, ": 1e30, ", wrong, " elements are not bias; the first is ", result.output[0]);
        if (problem.running == Running::none) return;
        for (size_t c = 0; c < result.running_var.size(); ++c) {
          CHECK_MESSAGE(result.running_var[c] == infinity, where, ": running_var ", result.running_var[c]);
          CHECK_MESSAGE(std::isfinite(result.running_mean[c]), where, ": running_mean ", result.running_mean[c]);
        }
      });
    }
  }

  TEST_CASE("norm: NaN and infinity spoil their own statistic and no other") {
    for (const NormProblem &problem : problems()) {
      const NormData clean = ordinary_data(problem, 13);
      for (const Variant &variant : variants()) {
        for (halogen_norm_path path : norm_paths) {
          if (!path_applies(problem, path)) continue;
          const NormResult expected = run_norm(context_of(variant), problem, clean, path);
          for (double poison : {std::nan(""), infinity, -infinity}) {
            for (size_t spoilt : {size_t{0}, clean.input.size() / 2, clean.input.size() - 1}) {
              NormData data = clean;
              data.input[spoilt] = poison;
              const NormResult got = run_norm(context_of(variant), problem, data, path);
              REQUIRE(got.status == HALOGEN_OK);
              INFO(variant.name, " path ", path_name(path), " ", describe(problem), " ", poison, " at ", spoilt);
              check_spoilt(problem, got, expected, spoilt, poison);
            }
          }
        }
      }
    }
  }

  TEST_CASE("norm: with given statistics NaN and infinity spoil their element only") {
    for (NormProblem problem : problems()) {
      problem.given = true;
      problem.running = Running::none;
      const NormData clean = ordinary_data(problem, 14);
      NormData data = clean;
      const size_t size = clean.input.size();
      data.input[0] = std::nan("");
      data.input[size / 3] = infinity;
      data.input[size - 1] = -infinity;
      const NormReference expected = reference(problem, data);
      for (const Variant &variant : variants()) {
        for (halogen_norm_path path : norm_paths) {
          if (!path_applies(problem, path)) continue;
          const std::string wrong =
              verify(problem, expected, run_norm(context_of(variant), problem, data, path), path, variant.name);
          CHECK_MESSAGE(wrong.empty(), wrong);
        }
      }
    }
  }

  TEST_CASE("norm: NaN, infinity and zero as given statistics and parameters") {
    NormProblem problem;
    problem.shape = {2, 8, 33};
    problem.given = true;
    problem.eps = 1e-5;
    NormData data = ordinary_data(problem, 15);
    data.mean[1] = std::nan("");
    data.var[2] = std::nan("");
    data.var[3] = infinity;
    data.var[4] = 0;
    data.weight[5] = std::nan("");
    data.bias[6] = infinity;
    data.var[7] = -1;
    check_reference(problem, data);
  }
}
