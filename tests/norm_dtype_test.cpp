// float64, float16 and bfloat16 data, with vectors of their own type or float32: every scope, path and epilogue.
#include <doctest/doctest.h>

#include <cmath>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"
#include "support/random.h"

using namespace halogen_tests;

namespace {

constexpr DLDataType half_types[] = {float16, bfloat16};

/** Every number of a 16-bit type, NaN and infinity among them: 2^16; or every 17th: 16 * 241. */
Values all_numbers(DLDataType dtype) {
  Values values;
  for (uint32_t bits = 0; bits < 1u << 16; bits += quick() ? 17 : 1) {
    const uint16_t stored = static_cast<uint16_t>(bits);
    values.push_back(load(dtype, &stored));
  }
  return values;
}

/** x * factor by given statistics; 1 / sqrt(1 + 0) is exact. */
NormProblem product(DLDataType dtype) {
  NormProblem problem;
  problem.shape = {16, 1, quick() ? 241 : 4096};
  problem.dtype = dtype;
  problem.given = true;
  problem.float_vectors = true;
  problem.bias = false;
  problem.eps = 0;
  return problem;
}

}  // namespace

TEST_SUITE("norm_dtype") {
  TEST_CASE("norm: every dtype, scope, path and option agrees with the reference") {
    std::vector<int64_t> rows{1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 127, 300};
    std::vector<int64_t> channels{1, 3, 16, 34};
    if (quick()) {
      rows = {1, 3, 17, 64};
      channels = {6};
    }
    for (const DLDataType dtype : float_types) {
      uint64_t turn = 0;
      for (const int64_t s : rows) {
        for (const int64_t c : channels) {
          for (const int64_t n : {1, 3}) {
            for (NormProblem problem : each_scope(shape_of(n, c, s, turn))) {
              problem.dtype = dtype;
              set_options(problem, turn);
              check_everywhere(problem, ordinary_data(problem, turn));
              turn += 7;
            }
          }
        }
      }
    }
  }

  TEST_CASE("norm: every dtype with more than one block") {
    for (const DLDataType dtype : float_types) {
      uint64_t turn = 1000;
      for (const std::vector<int64_t> &shape :
           std::vector<std::vector<int64_t>>{{2, 3, 9001}, {4099, 2}, {1370, 2, 3}, {40, 5, 7, 43}, {3, 2, 131, 127}}) {
        if (quick() && shape.size() == 4) continue;
        for (NormProblem problem : each_scope(shape)) {
          problem.dtype = dtype;
          set_options(problem, turn);
          check_everywhere(problem, ordinary_data(problem, turn++));
        }
      }
    }
  }

  TEST_CASE("norm: every 16-bit number is read as it is and written back") {
    for (const DLDataType dtype : half_types) {
      NormProblem problem = product(dtype);
      problem.weight = false;
      NormData data = ordinary_data(problem, 1);
      data.input = all_numbers(dtype);
      data.mean = {0};
      data.var = {1};
      for (const Variant &variant : variants_of(dtype)) {
        for (const halogen_norm_path path : {HALOGEN_NORM_PATH_ROW, HALOGEN_NORM_PATH_SLAB}) {
          const NormResult result = run_norm(context_of(variant), problem, data, path);
          REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
          size_t wrong = 0;
          for (size_t i = 0; i < data.input.size(); ++i) {
            const double x = data.input[i], y = result.output[i];
            wrong += std::isnan(x) ? !std::isnan(y) : x != y;
          }
          CHECK_MESSAGE(wrong == 0, variant.name, " path ", path_name(path), " ", short_name(dtype));
        }
      }
    }
  }

  TEST_CASE("norm: results are rounded to the nearest 16-bit number, ties to even, too large ones to infinity") {
    for (const DLDataType dtype : half_types) {
      const NormProblem problem = product(dtype);
      NormData data = ordinary_data(problem, 1);
      data.input = all_numbers(dtype);
      data.mean = {0};
      data.var = {1};
      // Few enough digits that a product with any number of the type is exact in float32.
      std::vector<double> factors{1 + 0x1p-9, 3.0, 0x1.8p-12};
      if (!quick()) factors.insert(factors.end(), {1 + 0x1p-8, 1 - 0x1p-12, 0.75, 1.5, 0x1p-9, -0x1.4p-20});
      for (const double factor : factors) {
        data.weight = {factor};
        for (const Variant &variant : variants_of(dtype)) {
          const NormResult result = run_norm(context_of(variant), problem, data, HALOGEN_NORM_PATH_ROW);
          REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
          size_t wrong = 0;
          for (size_t i = 0; i < data.input.size(); ++i) {
            const double exact = data.input[i] * factor;
            // Whether float32 numbers below 2^-126 are kept is the caller's choice of floating-point mode.
            if (std::isnan(exact) || std::fabs(exact) < 0x1p-126) continue;
            wrong += result.output[i] != rounded(exact, dtype);
          }
          CHECK_MESSAGE(wrong == 0, variant.name, " ", short_name(dtype), " times ", factor);
        }
      }
    }
  }
}
