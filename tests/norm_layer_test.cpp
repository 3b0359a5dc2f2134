// Layer norm over the last dimension: sets are rows of values that have parameters of their own.
#include <doctest/doctest.h>

#include <cstring>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_gradient_kernels.h"
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
      const bool apart = wish.input && wish.input_is == GradientWish::InputIs::own;
      for (const Variant &variant : variants_of(problem.dtype)) {
        for (const halogen_norm_path path : norm_paths) {
          if (!backward_path_applies(problem, path, wish)) continue;
          const GradientResult result = run_gradients(context_of(variant), problem, data, wish, path);
          const std::string wrong = verify_gradients(problem, expected, result, wish, variant.name, path);
          CHECK_MESSAGE(wrong.empty(), wrong);
          const bool each = apart && path != HALOGEN_NORM_PATH_SPLIT;
          CHECK_MESSAGE(ran(result.ran, "_cs_each") == each, describe(problem), ": ", result.ran.kernels);
        }
        // In place there is no such kernel.
        if (apart || !wish.input) continue;
        const GradientResult refused = run_gradients(context_of(variant), problem, data, wish, HALOGEN_NORM_PATH_ROW);
        CHECK_MESSAGE(refused.status == HALOGEN_ERROR_UNSUPPORTED, describe(problem));
      }
    });
  }

  // A mask's result lies where grad_residual is, so that grad_input is not computed in place.
  TEST_CASE("norm: rows as sets, backward by row, with an activation and the residual's gradient") {
    each_case([](NormProblem problem, size_t turn) {
      // The same kernel as above, given its gradient by another: fewer sizes do.
      if (turn % 4 != 0 && !quick()) return;
      problem.activation = turn / 4 % 2 ? HALOGEN_ACTIVATION_RELU : HALOGEN_ACTIVATION_LEAKY_RELU;
      problem.negative_slope = turn / 4 % 2 ? 0 : 0.25;
      const GradientData data(problem, turn);
      const GradientReference expected = reference_gradients(problem, data);
      GradientWish wish;
      wish.residual = true;
      wish.weight = wish.bias = turn % 5 != 0;
      REQUIRE(backward_path_applies(problem, HALOGEN_NORM_PATH_ROW, wish));
      for (const Variant &variant : variants_of(problem.dtype)) {
        const GradientResult result = run_gradients(context_of(variant), problem, data, wish, HALOGEN_NORM_PATH_ROW);
        const std::string wrong =
            verify_gradients(problem, expected, result, wish, variant.name, HALOGEN_NORM_PATH_ROW);
        CHECK_MESSAGE(wrong.empty(), wrong);
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
