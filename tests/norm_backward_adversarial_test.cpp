// Numbers that break careless gradients: large means, constants, squares beyond float16, NaN.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_gradient_kernels.h"
#include "support/norm_gradients.h"
#include "support/norm_run.h"
#include "support/random.h"

using namespace halogen_tests;

namespace {

/** Every scope, by rows, short rows, channel-last and rows as sets; with `blocks` also sets of several. */
std::vector<NormProblem> problems(DLDataType dtype, bool blocks = false) {
  std::vector<NormProblem> all;
  const auto add = [&](const std::vector<int64_t> &shape, Place place) {
    for (NormProblem &problem : each_scope(shape)) {
      problem.put_all(place);
      all.push_back(problem);
    }
  };
  add({3, 6, 50}, Place::first);
  add({40, 6, 7}, Place::first);
  add({3, 6, 91}, Place::last);
  if (blocks && !quick()) add({2, 3, 9001}, Place::first);
  if (blocks && !quick()) add({5, 6, 300}, Place::last);
  NormProblem rows;
  rows.shape = {9, 140};
  rows.scope = HALOGEN_NORM_SCOPE_GROUP;
  rows.num_groups = 2;
  all.push_back(rows);
  for (NormProblem &problem : all) problem.dtype = dtype;
  return all;
}

/** x is of such values, the rest is the problem's. Saved statistics are x's own, as they would be saved. */
GradientData data_of(NormProblem problem, uint64_t stream, const std::function<double(Random &)> &value) {
  GradientData data(problem, stream);
  Random random(stream + 1);
  for (double &x : data.forward.input) x = rounded(value(random), problem.dtype);
  problem.saved = true;
  const NormReference statistics = reference(problem, data.forward);
  const auto as_saved = [&](Values values) {
    for (double &v : values) v = rounded(v, problem.compute_type());
    return values;
  };
  if (!problem.given) {
    data.saved_mean = as_saved(statistics.saved_mean);
    data.saved_rstd = as_saved(statistics.saved_rstd);
  }
  return data;
}

using Check = std::function<void(const GradientResult &)>;

/** On every variant and path: the bounds of docs/numerics.md, and `more`. */
void check(const NormProblem &problem, const GradientData &data, const Check &more = nullptr) {
  const GradientReference expected = reference_gradients(problem, data);
  for (const Variant &variant : variants_of(problem.dtype)) {
    for (const halogen_norm_path path : norm_paths) {
      if (!backward_path_applies(problem, path)) continue;
      const GradientResult result = run_gradients(context_of(variant), problem, data, {}, path);
      const std::string wrong = verify_gradients(problem, expected, result, {}, variant.name, path);
      CHECK_MESSAGE(wrong.empty(), wrong);
      INFO(variant.name, " path ", path_name(path), " ", describe(problem));
      if (more) more(result);
    }
  }
}

/** `saved`: of the numbers that were saved, whatever they are worth; else the bound is of x's own statistics. */
void check_both(NormProblem problem, uint64_t stream, const std::function<double(Random &)> &value,
                const Check &more = nullptr) {
  const GradientData data = data_of(problem, stream, value);
  for (const bool saved : {false, true}) {
    if (saved && problem.given) continue;
    problem.saved = saved;
    check(problem, data, more);
  }
}

/** Puts NaN at `at`, in the gradient or in x, and checks where it comes out. */
void check_spoilt(const NormProblem &problem, const GradientData &clean, GradientReference expected, size_t at,
                  bool in_gradient) {
  const double nan = std::nan("");
  GradientData data = clean;
  (in_gradient ? data.grad_output : data.forward.input)[at] = nan;
  const bool group = !problem.given && problem.scope == HALOGEN_NORM_SCOPE_GROUP;
  const bool batch = problem.scope == HALOGEN_NORM_SCOPE_BATCH;
  const size_t S = static_cast<size_t>(problem.s()), C = static_cast<size_t>(problem.c());
  const size_t per_set = group ? C / static_cast<size_t>(problem.num_groups) : 1, channel = at / S % C;
  for (size_t i = 0; i < expected.input.size(); ++i) {
    const bool set = i / S % C / per_set == channel / per_set && (batch || i / S / C == at / S / C);
    // Of given statistics dx is a multiple of the gradient, value by value.
    if (problem.given ? in_gradient && i == at : set) expected.input[i] = nan;
  }
  for (size_t c = 0; c < C; ++c) {
    // Statistics that are recomputed of a NaN are one for all channels of the set.
    const bool recomputed = !problem.given && !problem.saved && !in_gradient;
    if (recomputed ? c / per_set == channel / per_set : c == channel) expected.weight[c] = nan;
    if (in_gradient && c == channel) expected.bias[c] = nan;
  }
  for (const Variant &variant : variants_of(problem.dtype)) {
    for (const halogen_norm_path path : norm_paths) {
      if (!backward_path_applies(problem, path)) continue;
      const GradientResult result = run_gradients(context_of(variant), problem, data, {}, path);
      const std::string wrong = verify_gradients(problem, expected, result, {}, variant.name, path);
      CHECK_MESSAGE(wrong.empty(), "NaN at ", at, in_gradient ? " of the gradient, " : " of x, ", wrong);
    }
  }
}

}  // namespace

TEST_SUITE("norm_backward_adversarial") {
  // The bound has x - mean only, not the mean: 1e-6 of the terms' magnitudes, also where a float32 has five bits left for them.
  TEST_CASE("norm: gradients of data with a large mean keep their digits") {
    for (const NormProblem &problem : problems(float32, true)) {
      if (problem.given) continue;
      check_both(problem, 20, [](Random &random) { return 1e4 + random.uniform(-1, 1); });
      check_both(problem, 21, [](Random &random) { return -1e4 + 0.01 * random.uniform(-1, 1); });
      check_both(problem, 22, [](Random &random) { return 1e6 + 0.5 * random.uniform(-1, 1); });
      check_both(problem, 23, [](Random &random) { return 3e7 + 64 * random.uniform(-1, 1); });
    }
  }

  // Here the bound has the mean beside x - mean.
  TEST_CASE("norm: gradients of float64 data with a large mean") {
    for (const NormProblem &problem : problems(float64)) {
      if (problem.given) continue;
      check_both(problem, 30, [](Random &random) { return 1e6 + 0.5 * random.uniform(-1, 1); });
    }
  }

  // x - mean is 0: a weight's gradient is exactly that, and dx is g less its mean, times weight / sqrt(eps).
  TEST_CASE("norm: gradients of constants") {
    for (const DLDataType dtype : {float32, float16, bfloat16}) {
      for (const NormProblem &problem : problems(dtype)) {
        if (problem.given) continue;
        for (const double constant : {0.0, -3.0, 0.1, 12345.678, -1e-3}) {
          check_both(
              problem, 40, [&](Random &) { return constant; },
              [](const GradientResult &result) {
                const auto zero = [](double value) { return value == 0; };
                CHECK(std::all_of(result.weight.begin(), result.weight.end(), zero));
              });
        }
      }
    }
  }

  // x * x is beyond 65504 for every |x| above 255; sums are in float32.
  TEST_CASE("norm: gradients of float16 data whose squares a float16 cannot hold") {
    for (const NormProblem &problem : problems(float16)) {
      if (problem.given) continue;
      const Check all_finite = [](const GradientResult &result) {
        const auto finite = [](double value) { return std::isfinite(value); };
        for (const Values *values : {&result.input, &result.weight, &result.bias}) {
          CHECK(std::all_of(values->begin(), values->end(), finite));
        }
      };
      check_both(
          problem, 50, [](Random &random) { return 2000 * random.uniform(-1, 1); }, all_finite);
      check_both(
          problem, 51, [](Random &random) { return 60000 * random.uniform(-1, 1); }, all_finite);
      check_both(
          problem, 52, [](Random &random) { return 30000 + 300 * random.uniform(-1, 1); }, all_finite);
    }
  }

  TEST_CASE("norm: NaN in x or its gradient spoils what is computed from its set or channel, and nothing else") {
    for (const DLDataType dtype : {float32, float64, bfloat16}) {
      for (NormProblem problem : problems(dtype)) {
        for (const bool saved : {false, true}) {
          if (saved && problem.given) continue;
          problem.saved = saved;
          const GradientData clean = data_of(problem, 60, [](Random &random) { return random.uniform(-2, 2); });
          const GradientReference expected = reference_gradients(problem, clean);
          for (const size_t at : {size_t{0}, clean.output.size() / 2, clean.output.size() - 1}) {
            check_spoilt(problem, clean, expected, at, false);
            check_spoilt(problem, clean, expected, at, true);
          }
        }
      }
    }
  }
}
