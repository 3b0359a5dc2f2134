// Random batches in random parts, merged in random groups, against the whole. A failure names the seed of the run;
// HALOGEN_TEST_SEED=<seed> brings it back, another seed brings other problems.
#include <doctest/doctest.h>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_parts.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** Scope batch, whose statistics are the batch's own. */
Shared random_shared(Random &random) {
  Shared shared;
  do {
    shared.problem = random_norm_problem(random);
  } while (shared.problem.scope != HALOGEN_NORM_SCOPE_BATCH || shared.problem.given);
  shared.cuts = random_cuts(shared.problem.n(), random);
  return shared;
}

size_t rounds() { return quick() ? 10 : 100; }

}  // namespace

TEST_SUITE("norm_property") {
  TEST_CASE("norm: random batches in one to seven parts are normalised as the whole") {
    Random random(1200);
    for (size_t round = 0; round < rounds(); ++round) {
      const Shared shared = random_shared(random);
      const NormData data = ordinary_data(shared.problem, 11000 + round);
      PartsRun how;
      how.merge = [&](halogen_context *context, const Shared &whole, const std::vector<Values> &parts) {
        return merged_in_groups(context, whole, parts, &random);
      };
      for (const Variant &variant : variants_of(shared.problem.dtype)) {
        check_forward_in_parts(context_of(variant), shared, data, how);
      }
    }
  }

  TEST_CASE("norm: random batches in one to seven parts have the gradients of the whole") {
    Random random(1201);
    for (size_t round = 0; round < rounds(); ++round) {
      Shared shared = random_shared(random);
      shared.problem.saved = false;
      const GradientData data(shared.problem, 12000 + round);
      PartsRun how;
      how.merge = [&](halogen_context *context, const Shared &whole, const std::vector<Values> &parts) {
        return merged_in_groups(context, whole, parts, &random);
      };
      const size_t subset = 1 + random.below(7);
      how.wish.input = subset & 1;
      how.wish.weight = subset & 2;
      how.wish.bias = subset & 4;
      how.wish.residual = random.below(2);
      how.mask_once = random.below(2);
      how.each = random.below(2);
      for (const Variant &variant : variants_of(shared.problem.dtype)) {
        check_backward_in_parts(context_of(variant), shared, data, how);
      }
    }
  }
}
