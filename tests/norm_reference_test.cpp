// Every compiled variant, by every path, against the double-precision reference.
#include <doctest/doctest.h>

#include "support/env.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

struct Size {
  int64_t n, c, s;
};

/** 1–10, around powers of two, primes; N = 1, C = 1 and S = 1 in all combinations. */
std::vector<Size> small_sizes() {
  std::vector<int64_t> rows{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 127, 251};
  std::vector<int64_t> channels{1, 2, 3, 7, 8, 17, 32};
  std::vector<int64_t> samples{1, 2, 3, 5};
  if (quick()) {
    rows = {1, 2, 3, 5, 8, 15, 17, 33, 64, 127};
    channels = {1, 3, 16};
    samples = {1, 3};
  }
  std::vector<Size> sizes;
  for (int64_t s : rows) {
    for (int64_t c : channels) {
      for (int64_t n : samples) sizes.push_back({n, c, s});
    }
  }
  return sizes;
}

/** More than one block of 4096 values along S, along N, or both; channels beyond any lane count; larger than a cache. */
std::vector<Size> large_sizes() {
  if (quick()) return {{1, 2, 4097}, {4099, 1, 1}, {1370, 2, 3}, {2, 3, 9000}};
  return {{1, 1, 4095}, {1, 1, 4096},  {1, 2, 4097},  {3, 2, 8193}, {5000, 2, 1}, {4099, 1, 1},    {1370, 3, 3},
          {700, 5, 13}, {2, 3, 70001}, {4, 2, 65536}, {3, 1031, 1}, {2, 257, 49}, {1, 1, 1000003}, {9, 1, 40000}};
}

/** The scopes and numbers of groups that make sense for C channels. */
std::vector<NormProblem> scopes(std::vector<int64_t> shape) {
  std::vector<NormProblem> problems;
  NormProblem problem;
  problem.shape = std::move(shape);
  problems.push_back(problem);
  problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
  problems.push_back(problem);
  problem.scope = HALOGEN_NORM_SCOPE_GROUP;
  for (int32_t groups : {1, 2, 8}) {
    problem.num_groups = groups;
    if (groups == 1 || (problem.c() && problem.c() % groups == 0)) problems.push_back(problem);
  }
  return problems;
}

void check(const NormProblem &problem, uint64_t stream) { check_everywhere(problem, ordinary_data(problem, stream)); }

}  // namespace

TEST_SUITE("norm_reference") {
  TEST_CASE("norm: own statistics agree with the reference") {
    uint64_t stream = 0;
    for (const Size &size : small_sizes()) {
      for (NormProblem problem : scopes(shape_of(size.n, size.c, size.s, stream))) {
        // Affine and running options go round, so that each scope and size sees several of their twelve combinations.
        for (size_t turn = 0; turn < 3; ++turn) {
          const uint64_t option = stream + turn * 5;
          problem.weight = option & 1;
          problem.bias = option & 2;
          const bool may_run = problem.scope != HALOGEN_NORM_SCOPE_GROUP;
          problem.running = may_run ? static_cast<Running>((option + turn) % 3) : Running::none;
          check(problem, stream++);
        }
      }
    }
  }

  TEST_CASE("norm: every option with every scope") {
    for (NormProblem problem : scopes({3, 16, 5, 7})) {
      for (int option = 0; option < 12; ++option) {
        problem.weight = option & 1;
        problem.bias = option & 2;
        problem.running = static_cast<Running>(option / 4);
        if (problem.scope == HALOGEN_NORM_SCOPE_GROUP && problem.running != Running::none) continue;
        problem.running_weight = option % 5 * 0.25;
        problem.eps = option % 3 ? 1e-5 : 0.5;
        check(problem, 1000000 + static_cast<uint64_t>(option));
      }
    }
  }

  TEST_CASE("norm: given statistics agree with the reference, whatever the scope") {
    uint64_t stream = 2000000;
    for (const Size &size : small_sizes()) {
      for (NormProblem problem : scopes(shape_of(size.n, size.c, size.s, stream))) {
        problem.given = true;
        problem.weight = stream & 1;
        problem.bias = stream & 2;
        check(problem, stream++);
      }
    }
  }

  TEST_CASE("norm: more than one block") {
    uint64_t stream = 3000000;
    for (const Size &size : large_sizes()) {
      for (NormProblem problem : scopes(shape_of(size.n, size.c, size.s, stream))) {
        const bool may_run = problem.scope != HALOGEN_NORM_SCOPE_GROUP;
        problem.running = may_run ? Running::unbiased : Running::none;
        check(problem, stream++);
        problem.running = Running::none;
        problem.given = true;
        check(problem, stream++);
      }
    }
  }

  TEST_CASE("norm: ranks 2 to 8 are one view") {
    const std::vector<std::vector<int64_t>> shapes{{6, 5},
                                                   {6, 5, 24},
                                                   {6, 5, 4, 6},
                                                   {6, 5, 2, 3, 4},
                                                   {6, 5, 2, 3, 2, 2},
                                                   {6, 5, 1, 2, 3, 2, 2},
                                                   {6, 5, 2, 1, 3, 2, 1, 2}};
    for (const auto &shape : shapes) {
      for (const NormProblem &problem : scopes(shape)) check(problem, 4000000);
    }
  }

  TEST_CASE("norm: empty tensors compute nothing and leave the running statistics") {
    const std::vector<std::vector<int64_t>> shapes{{0, 3}, {0, 3, 4, 5}, {2, 0, 4}, {2, 3, 0}, {2, 3, 4, 0, 5}, {0, 0}};
    for (const Variant &variant : variants()) {
      for (const auto &shape : shapes) {
        for (NormProblem problem : scopes(shape)) {
          problem.running = problem.scope == HALOGEN_NORM_SCOPE_GROUP ? Running::none : Running::unbiased;
          const NormData data = ordinary_data(problem, 1);
          const NormResult result = run_norm(context_of(variant), problem, data);
          CHECK_MESSAGE(result.status == HALOGEN_OK, describe(problem), ": ", result.message);
          CHECK(std::string(result.ran.kernels).empty());
          CHECK(same_bits(result.running_mean, data.running_mean));
          CHECK(same_bits(result.running_var, data.running_var));
        }
      }
    }
  }
}
