// Tensors flush against pages that may not be touched. Halide's objects carry no sanitizer, so this is what finds a load or a
// store outside a tensor: it faults, and the crash note says during which call.
#include <doctest/doctest.h>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_guarded.h"

using namespace halogen_tests;

namespace {

void check(const NormProblem &problem, GuardedNorm &guarded) {
  guarded.check(problem);
  guarded.check(problem, OutputIs::input);
}

/** All scopes and given statistics, with everything that can be passed. */
void check_all(std::vector<int64_t> shape, GuardedNorm &guarded) {
  NormProblem problem;
  problem.shape = std::move(shape);
  problem.running = Running::unbiased;
  problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
  if (problem.s() > 1) check(problem, guarded);
  problem.scope = HALOGEN_NORM_SCOPE_BATCH;
  if (problem.s() * problem.n() > 1) check(problem, guarded);
  problem.running = Running::none;
  problem.scope = HALOGEN_NORM_SCOPE_GROUP;
  problem.num_groups = 1;
  check(problem, guarded);
  problem.scope = HALOGEN_NORM_SCOPE_BATCH;
  problem.num_groups = 0;
  problem.given = true;
  check(problem, guarded);
}

/** Every scope of one dtype at one place, with options that go round. */
void check_scopes(const std::vector<int64_t> &shape, DLDataType dtype, Place place, GuardedNorm &guarded,
                  uint64_t &turn) {
  for (NormProblem problem : each_scope(shape)) {
    problem.dtype = dtype;
    problem.put_all(place);
    set_options(problem, turn += 7);
    check(problem, guarded);
    if (problem.residual) guarded.check(problem, OutputIs::residual);
  }
}

}  // namespace

TEST_SUITE("norm_guard") {
  TEST_CASE("norm: nothing outside a tensor is read or written, every S in 1…130") {
    if (masked_loads_overrun())
      MESSAGE("this emulator reads what masked loads leave out: but for v2, ends are not flush");
    GuardedNorm guarded(2 * 13 * 130 * sizeof(float));
    for (int64_t s = 1; s <= 130; s += quick() && s > 20 ? 23 : 1) {
      for (int64_t c : {1, 3, 7, 13}) {
        if (quick() && c != 3) continue;
        for (int64_t n : {1, 2}) check_all(shape_of(n, c, s, 1), guarded);
      }
    }
  }

  TEST_CASE("norm: nothing outside a tensor is read or written, every C in 1…130") {
    GuardedNorm guarded(3 * 130 * 7 * sizeof(float));
    for (int64_t c = 1; c <= 130; c += quick() ? 43 : 1) {
      check_all({3, c}, guarded);
      check_all({1, c, 7}, guarded);
    }
  }

  TEST_CASE("norm: nothing outside a tensor of any dtype is read or written, S in 1…130") {
    GuardedNorm guarded(2 * 3 * 130 * sizeof(double));
    uint64_t turn = 0;
    for (const DLDataType dtype : float_types) {
      for (int64_t s = 1; s <= 130; s += quick() ? 43 : 3) {
        check_scopes(shape_of(2, 3, s, 1), dtype, Place::first, guarded, turn);
      }
    }
  }

  TEST_CASE("norm: nothing outside channel-last data is read or written, C in 1…130") {
    GuardedNorm guarded(2 * 135 * 5 * sizeof(double));
    uint64_t turn = 0;
    for (const DLDataType dtype : float_types) {
      for (int64_t c = 1; c <= 130; c += quick() ? 43 : 3) {
        check_scopes({2, c, 5}, dtype, c % 2 ? Place::last : Place::last_slice, guarded, turn);
      }
    }
  }

  TEST_CASE("norm: nothing outside a tensor is read or written where it is copied") {
    GuardedNorm guarded(2 * 6 * 5 * 70 * 2 * sizeof(double));
    uint64_t turn = 0;
    for (const DLDataType dtype : float_types) {
      for (int64_t s = 1; s <= 70; s += quick() ? 43 : 3) {
        for (const Place place : {Place::gapped, Place::padded, Place::transposed, Place::first_rows}) {
          check_scopes({2, 6, 5, s}, dtype, place, guarded, turn);
        }
      }
    }
  }

  TEST_CASE("norm: nothing outside a tensor is read or written, with several blocks") {
    // An emulator takes its time to look at every byte beside a tensor.
    std::vector<std::vector<int64_t>> shapes{{1, 3, 4097}, {4099, 3}};
    if (!quick()) shapes.insert(shapes.end(), {{2, 3, 8191}, {1371, 3, 3}, {5, 3, 12, 333}});
    GuardedNorm guarded((quick() ? 12300 : 60000) * sizeof(float));
    for (const std::vector<int64_t> &shape : shapes) check_all(shape, guarded);
    if (quick()) return;
    // Channel-last, the last chunk with fewer blocks than the others: the next block would begin one row behind the tensor.
    NormProblem chunks;
    chunks.shape = {1, 128, 383};
    chunks.put_all(Place::last);
    guarded.check(chunks);
  }
}
