// Random backward problems: shapes, strides, dtypes, options, statistics and what is asked for, against the reference. A failure names
// the seed of the run; HALOGEN_TEST_SEED=<seed> brings it back, another seed brings other problems.
#include <doctest/doctest.h>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_gradients.h"
#include "support/norm_run.h"
#include "support/random.h"

using namespace halogen_tests;

namespace {

using InputIs = GradientWish::InputIs;

/** Any gradients, but not none. Now and then the input's lies in place. */
GradientWish random_wish(Random &random) {
  const size_t subset = 1 + random.below(15);
  GradientWish wish;
  wish.input = subset & 1;
  wish.residual = subset & 2;
  wish.weight = subset & 4;
  wish.bias = subset & 8;
  if (wish.input && random.below(4) == 0) wish.input_is = random.below(2) ? InputIs::input : InputIs::grad_output;
  return wish;
}

}  // namespace

TEST_SUITE("norm_property") {
  TEST_CASE("norm: gradients of random problems agree with the reference") {
    Random random(1100);
    for (size_t round = 0; round < (quick() ? 20u : 300u); ++round) {
      const NormProblem problem = random_norm_problem(random);
      const GradientWish wish = random_wish(random);
      // As users call it, as a rule; sums first is the one other schedule that all problems have.
      const halogen_norm_path path = random.below(4) ? HALOGEN_NORM_PATH_AUTO : HALOGEN_NORM_PATH_SPLIT;
      const GradientData data(problem, 10000 + round);
      const GradientReference expected = reference_gradients(problem, data);
      for (const Variant &variant : variants_of(problem.dtype)) {
        const GradientResult result = run_gradients(context_of(variant), problem, data, wish, path);
        const std::string wrong = verify_gradients(problem, expected, result, wish, variant.name);
        CHECK_MESSAGE(wrong.empty(), "round ", round, ", path ", path_name(path), ", ", wrong);
      }
    }
  }
}
