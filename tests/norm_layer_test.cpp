// Layer norm over the last dimension: sets are rows of values that have parameters of their own.
#include <doctest/doctest.h>

#include <cstring>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_gradients.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

NormProblem rows_of(int64_t rows, int64_t width, int32_t groups, DLDataType dtype, size_t turn) {
  NormProblem problem;
  problem.shape = {rows, width * groups};
  problem.scope = HALOGEN_NORM_SCOPE_GROUP;
  problem.num_groups = groups;
  problem.dtype = dtype;
  problem.weight = turn % 2 == 0;
  problem.bias = turn % 3 != 1;
  problem.saved = turn % 5 < 2;
  problem.put_all(turn % 4 == 3 ? Place::first_samples : Place::first);
  return problem;
}

template <class Body>
void each_case(const Body &body) {
  size_t turn = 0;
  for (const DLDataType dtype : float_types) {
    std::vector<int64_t> widths{32, 33, 47, 64, 100, 129, 1000, 1024, 4096, 4097, 9000};
    if (quick()) widths = {33, 161};
    for (const int64_t width : widths) {
      for (const int64_t rows : quick() ? std::vector<int64_t>{66} : std::vector<int64_t>{1, 2, 31, 65, 130}) {
        if (rows * width > 200000) continue;
        body(rows_of(rows, width, 1 + static_cast<int32_t>(turn % (quick() ? 2 : 3)), dtype, turn), turn);
        ++turn;
      }
    }
  }
}

bool ran(const halogen_kernel_info &info, const char *part) { return std::strstr(info.kernels, part) != nullptr; }

}  // namespace

TEST_SUITE("norm_layer") {
  TEST_CASE("norm: rows as sets, forward: every path agrees with the reference") {
    each_case([](NormProblem problem, size_t turn) {
      problem.residual = turn % 7 == 3;
      if (turn % 3 == 2) problem.activation = HALOGEN_ACTIVATION_RELU;
      check_everywhere(problem, ordinary_data(problem, turn));
      check_everywhere(problem, ordinary_data(problem, turn), OutputIs::input);
    });
  }

  TEST_CASE("norm: rows as sets, backward: every subset of gradients agrees with the reference") {
    each_case([](const NormProblem &problem, size_t turn) {
      const GradientData data(problem, turn);
      const GradientReference expected = reference_gradients(problem, data);
      GradientWish wish;
      wish.weight = turn % 4 != 1;
      wish.bias = turn % 4 < 2;
      wish.input = turn % 6 != 5;
      if (turn % 8 == 7) wish.input_is = GradientWish::InputIs::input;
      for (const Variant &variant : variants_of(problem.dtype)) {
        const GradientResult result = run_gradients(context_of(variant), problem, data, wish);
        const std::string wrong = verify_gradients(problem, expected, result, wish, variant.name);
        CHECK_MESSAGE(wrong.empty(), wrong);
        const bool apart = wish.input && wish.input_is == GradientWish::InputIs::own;
        CHECK_MESSAGE(ran(result.ran, "_cs_each") == apart, describe(problem), ": ", result.ran.kernels);
      }
    });
  }

  TEST_CASE("norm: rows as sets are chosen where they fit") {
    for (const Variant &variant : variants()) {
      const NormProblem problem = rows_of(8, 256, 1, float32, 0);
      const NormResult result = run_norm(context_of(variant), problem, ordinary_data(problem, 1));
      CHECK(ran(result.ran, "norm_fused_f32_cs_each"));
      const NormProblem narrow = rows_of(8, 31, 1, float32, 0);
      CHECK(ran(run_norm(context_of(variant), narrow, ordinary_data(narrow, 1)).ran, "slab"));
    }
  }
}

TEST_SUITE("norm_threads") {
  TEST_CASE("norm: rows as sets give the same bits for any number of threads") {
    for (const DLDataType dtype : float_types) {
      const NormProblem problem = rows_of(200, 600, 2, dtype, 0);
      const GradientData data(problem, 3);
      for (const Variant &variant : variants_of(dtype)) {
        halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
        options.isa = variant.isa;
        options.num_threads = 1;
        const Context one(options);
        options.num_threads = 5;
        const Context five(options);
        const GradientResult a = run_gradients(one.get(), problem, data, {});
        const GradientResult b = run_gradients(five.get(), problem, data, {});
        CHECK(same_bits(a.input, b.input));
        CHECK(same_bits(a.weight, b.weight));
        CHECK(same_bits(a.bias, b.bias));
        CHECK(same_bits(run_norm(one.get(), problem, data.forward).output,
                        run_norm(five.get(), problem, data.forward).output));
      }
    }
  }
}
