// In place (y = x) is where a schedule that computes the end of a row twice goes silently wrong.
#include <doctest/doctest.h>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

void check(const NormProblem &problem, OutputIs output = OutputIs::input) {
  const NormData data = ordinary_data(problem, 5);
  for (const Variant &variant : variants_of(problem.dtype)) {
    for (halogen_norm_path path : norm_paths) {
      if (!path_applies(problem, path)) continue;
      const NormResult apart = run_norm(context_of(variant), problem, data, path);
      const NormResult in_place = run_norm(context_of(variant), problem, data, path, output);
      INFO(variant.name, " path ", path_name(path), " ", describe(problem));
      REQUIRE_MESSAGE(apart.status == HALOGEN_OK, apart.message);
      REQUIRE_MESSAGE(in_place.status == HALOGEN_OK, in_place.message);
      CHECK(std::string(apart.ran.kernels) == in_place.ran.kernels);
      CHECK(same_outputs(apart, in_place));
    }
  }
}

void check_all(std::vector<int64_t> shape) {
  NormProblem problem;
  problem.shape = std::move(shape);
  for (halogen_norm_scope scope : {HALOGEN_NORM_SCOPE_BATCH, HALOGEN_NORM_SCOPE_INSTANCE, HALOGEN_NORM_SCOPE_GROUP}) {
    problem.scope = scope;
    problem.num_groups = scope == HALOGEN_NORM_SCOPE_GROUP ? 3 : 0;
    problem.running = scope == HALOGEN_NORM_SCOPE_GROUP ? Running::none : Running::biased;
    problem.given = false;
    check(problem);
    problem.running = Running::none;
    problem.given = true;
    check(problem);
  }
}

}  // namespace

TEST_SUITE("norm_inplace") {
  TEST_CASE("norm: in place gives the same bits, every S in 1…130") {
    for (int64_t s = 1; s <= 130; ++s) {
      check_all(shape_of(2, 3, s, 1));
      if (!quick()) check_all(shape_of(1, 9, s, 2));
    }
  }

  TEST_CASE("norm: in place, also in the residual's, every dtype and place gives the same bits") {
    uint64_t turn = 0;
    for (const DLDataType dtype : float_types) {
      for (const Place place : {Place::first, Place::last, Place::last_slice, Place::first_rows, Place::transposed}) {
        for (const int64_t s : {1, 7, 16, 33, 50, 127}) {
          if (quick() && s != 33) continue;
          for (NormProblem problem : each_scope({2, 6, 3, s})) {
            problem.dtype = dtype;
            problem.put_all(place);
            set_options(problem, turn += 7);
            check(problem);
            if (problem.residual) check(problem, OutputIs::residual);
          }
        }
      }
    }
  }

  TEST_CASE("norm: in place gives the same bits with several blocks") {
    for (const std::vector<int64_t> &shape :
         std::vector<std::vector<int64_t>>{{1, 3, 4099}, {3, 3, 91, 97}, {4097, 3}, {1999, 3, 5}}) {
      check_all(shape);
    }
  }
}
