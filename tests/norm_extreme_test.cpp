// Numbers at the ends of every dtype: squares beyond it, denormals, constants, large means, NaN in one channel, 2^28 values in one.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"
#include "support/random.h"

using namespace halogen_tests;

namespace {

/** Every scope over one block, several blocks and short rows, channel-first and channel-last. */
std::vector<NormProblem> problems(DLDataType dtype) {
  std::vector<NormProblem> all;
  for (const std::vector<int64_t> &shape :
       std::vector<std::vector<int64_t>>{{3, 4, 5, 7}, {64, 6, 7, 7}, {2, 3, 9001}}) {
    if (quick() && element_count(shape) > 1000) continue;
    for (const Place place : {Place::first, Place::last}) {
      for (NormProblem &problem : each_scope(shape)) {
        problem.dtype = dtype;
        problem.put_all(place);
        problem.saved = !problem.given;
        all.push_back(problem);
      }
    }
  }
  return all;
}

NormData filled(const NormProblem &problem, const std::function<double(Random &)> &value) {
  NormData data = ordinary_data(problem, 11);
  Random random(12);
  for (double &x : data.input) x = value(random);
  round_to_types(problem, data);
  return data;
}

}  // namespace

TEST_SUITE("norm_adversarial") {
  TEST_CASE("norm: float16 whose squares are beyond float16") {
    for (const NormProblem &problem : problems(float16)) {
      check_everywhere(problem, filled(problem, [](Random &random) { return random.uniform(-60000, 60000); }));
      check_everywhere(problem, filled(problem, [](Random &random) { return 1024 + random.uniform(-8, 8); }));
    }
  }

  TEST_CASE("norm: the smallest numbers of every dtype") {
    const std::pair<DLDataType, double> smallest[] = {{float16, 0x1p-24}, {bfloat16, 0x1p-133}, {float64, 0x1p-1074}};
    for (const auto &[dtype, step] : smallest) {
      for (NormProblem problem : problems(dtype)) {
        problem.bias = false;
        const double unit = step;
        check_everywhere(problem, filled(problem, [unit](Random &random) { return unit * random.uniform(-40, 40); }));
      }
    }
  }

  TEST_CASE("norm: float64 at a large mean, and close to its largest squares") {
    for (const NormProblem &problem : problems(float64)) {
      check_everywhere(problem, filled(problem, [](Random &random) { return 1e9 + random.uniform(-1, 1); }));
      check_everywhere(problem, filled(problem, [](Random &random) { return 1e150 * random.uniform(-1, 1); }));
      // Of a constant the mean is one double that may be off by a few of its last place. (Not by every path: a slab as wide as 9001
      // values adds them up one by one, all rounding the same way.)
      const NormData constant = filled(problem, [](Random &) { return -3.3; });
      const NormReference expected = reference(problem, constant);
      for (const Variant &variant : variants()) {
        const NormResult result = run_norm(context_of(variant), problem, constant);
        const std::string wrong = verify(problem, expected, result, HALOGEN_NORM_PATH_AUTO, variant.name);
        CHECK_MESSAGE(wrong.empty(), wrong);
      }
    }
  }

  TEST_CASE("norm: a 16-bit constant gives bias exactly") {
    for (const DLDataType dtype : {float16, bfloat16}) {
      for (const NormProblem &problem : problems(dtype)) {
        if (problem.given) continue;
        for (const double value : {0.0, 0.1, -3.3, 12345.678}) {
          const NormData data = filled(problem, [value](Random &) { return value; });
          for (const Variant &variant : variants_of(dtype)) {
            const NormResult result = run_norm(context_of(variant), problem, data);
            REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
            const size_t row = static_cast<size_t>(problem.s());
            size_t wrong = 0;
            for (size_t i = 0; i < result.output.size(); ++i) {
              wrong += result.output[i] != data.bias[i / row % data.bias.size()];
            }
            CHECK_MESSAGE(wrong == 0, variant.name, ", ", describe(problem), ": constant ", value);
          }
        }
      }
    }
  }

  TEST_CASE("norm: NaN and infinity spoil their own statistic and no other, in every dtype and layout") {
    for (const DLDataType dtype : float_types) {
      for (const NormProblem &problem : problems(dtype)) {
        for (const double poison : {std::nan(""), std::numeric_limits<double>::infinity()}) {
          NormData data = ordinary_data(problem, 13);
          data.input[data.input.size() / 2 + 1] = poison;
          NormReference expected = reference(problem, data);
          // The mean of a set with infinity may be that or NaN.
          for (double &mean : expected.saved_mean) mean = std::isfinite(mean) ? mean : std::nan("");
          for (const Variant &variant : variants_of(dtype)) {
            NormResult result = run_norm(context_of(variant), problem, data);
            for (double &mean : result.saved_mean) mean = std::isfinite(mean) ? mean : std::nan("");
            const std::string wrong = verify(problem, expected, result, HALOGEN_NORM_PATH_AUTO, variant.name);
            CHECK_MESSAGE(wrong.empty(), wrong);
          }
        }
      }
    }
  }
}
