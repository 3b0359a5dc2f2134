// Streaming stores: the same bits as stores through the caches, where rows of y (channel-last: places) are whole cache lines and y is
// not x; elsewhere the call is made without them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

#include "support/env.h"
#include "support/guarded.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

halogen_context_options options_of(const Variant &variant, halogen_stores stores) {
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  options.isa = variant.isa;
  options.num_threads = quick() ? 1 : 2;  // see Context(halogen_isa)
  options.stores = stores;
  return options;
}

/** Runs it with y `offset` elements behind a cache line's beginning; what surrounds y must stay as it is. */
NormResult run(halogen_context *context, const NormProblem &problem, const NormData &data, halogen_norm_path path,
               size_t offset, bool in_place) {
  constexpr size_t line = 64, around = 2 * line;
  constexpr unsigned char untouched = 0x77;
  const TensorForm form = NormForms(problem).output;
  std::vector<unsigned char> memory(form.bytes() + 2 * around + line, untouched);
  unsigned char *aligned = memory.data() + around;
  while (reinterpret_cast<uintptr_t>(aligned) % line != 0) ++aligned;
  unsigned char *y = aligned + offset * bytes_of(problem.dtype);
  if (in_place) store(form, data.input, y);
  NormStorage storage(problem, data);
  NormMemory at = storage.memory();
  at.output = y;
  if (in_place) at.input = y;
  const NormResult result = run_norm_in(context, problem, at, path);
  REQUIRE_MESSAGE(result.status == HALOGEN_OK, result.message);
  CHECK(all_bytes_are(untouched, memory.data(), y));
  CHECK(all_bytes_are(untouched, y + form.bytes(), memory.data() + memory.size()));
  return result;
}

bool streams(const NormResult &result) { return std::string(result.ran.kernels).find("_stream") != std::string::npos; }

void check(const NormProblem &problem) {
  const NormData data = ordinary_data(problem, 21);
  const bool last = problem.output_place == Place::last;
  const bool sets = !last && problem.s() == 1;  // rows that are sets, of values with parameters of their own
  const int64_t row = last ? problem.c() : sets ? problem.c() / std::max(problem.num_groups, 1) : problem.s();
  const bool whole_lines = row * static_cast<int64_t>(bytes_of(problem.dtype)) % 64 == 0;
  for (const Variant &variant : variants_of(problem.dtype)) {
    const bool can = variant.isa != HALOGEN_ISA_V2 && !same(problem.dtype, float64);
    const Context cached(options_of(variant, HALOGEN_STORES_CACHED));
    const Context streaming(options_of(variant, HALOGEN_STORES_STREAMING));
    for (halogen_norm_path path : {HALOGEN_NORM_PATH_ROW, HALOGEN_NORM_PATH_SLAB, HALOGEN_NORM_PATH_SPLIT}) {
      if (!path_applies(problem, path)) continue;
      INFO(variant.name, " path ", path_name(path), " ", describe(problem));
      const NormResult expected = run(cached.get(), problem, data, path, 0, false);
      CHECK_FALSE(streams(expected));
      const NormResult aligned = run(streaming.get(), problem, data, path, 0, false);
      // Of lanes across channels: channel-last data, where one kernel does not do both the sums and y.
      const bool across =
          path == HALOGEN_NORM_PATH_SLAB || (path == HALOGEN_NORM_PATH_SPLIT && (last || problem.s() < 32));
      const bool applied = path == HALOGEN_NORM_PATH_SPLIT || problem.given;
      const bool each = path == HALOGEN_NORM_PATH_ROW && problem.scope == HALOGEN_NORM_SCOPE_GROUP && !problem.given;
      CHECK(streams(aligned) == (can && whole_lines && (sets ? each : !across || (last && applied))));
      const NormResult unaligned = run(streaming.get(), problem, data, path, 1, false);
      CHECK_FALSE(streams(unaligned));
      const NormResult in_place = run(streaming.get(), problem, data, path, 0, true);
      CHECK_FALSE(streams(in_place));
      for (const NormResult *result : {&aligned, &unaligned, &in_place}) CHECK(same_outputs(*result, expected));
    }
  }
}

}  // namespace

TEST_SUITE("norm_stream") {
  TEST_CASE("norm: streaming stores give the same bits") {
    for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{{1, 3, 16},
                                                                               {2, 6, 4, 8},
                                                                               {3, 6, 48},
                                                                               {2, 3, 28, 28},
                                                                               {2, 3, 15, 17},
                                                                               {2, 36, 4, 4},
                                                                               {1, 3, 64, 65},
                                                                               {3, 3, 9008}}) {
      NormProblem problem;
      problem.shape = shape;
      for (halogen_norm_scope scope :
           {HALOGEN_NORM_SCOPE_BATCH, HALOGEN_NORM_SCOPE_INSTANCE, HALOGEN_NORM_SCOPE_GROUP}) {
        problem.scope = scope;
        problem.num_groups = scope == HALOGEN_NORM_SCOPE_GROUP ? 3 : 0;
        problem.running = scope == HALOGEN_NORM_SCOPE_GROUP ? Running::none : Running::unbiased;
        problem.given = false;
        check(problem);
        problem.running = Running::none;
        problem.given = true;
        check(problem);
      }
    }
  }

  TEST_CASE("norm: streaming stores of channel-last data give the same bits") {
    // The last: more channels than a slab has, 2048.
    for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{
             {1, 16, 3}, {2, 48, 5, 7}, {3, 36, 9}, {2, 96, 131}, {9, 32, 3, 3}, {2, 2112, 3}}) {
      for (const DLDataType dtype : {float32, float16, bfloat16}) {
        for (NormProblem problem : each_scope(shape)) {
          problem.dtype = dtype;
          problem.put_all(Place::last);
          problem.residual = problem.c() == 96;
          check(problem);
          problem.given = true;
          check(problem);
        }
      }
    }
  }

  TEST_CASE("norm: streaming stores of rows that are sets give the same bits") {
    uint64_t turn = 0;
    for (const DLDataType dtype : float_types) {
      for (const int64_t width :
           quick() ? std::vector<int64_t>{32, 40} : std::vector<int64_t>{32, 40, 64, 1024, 4100, 4128}) {
        for (const int64_t rows : quick() ? std::vector<int64_t>{5} : std::vector<int64_t>{1, 3, 37, 66}) {
          NormProblem problem;
          problem.shape = {rows, 3 * width};
          problem.scope = HALOGEN_NORM_SCOPE_GROUP;
          problem.num_groups = 3;
          problem.dtype = dtype;
          set_options(problem, turn += 7);
          problem.given = false;
          check(problem);
        }
      }
    }
  }

  TEST_CASE("norm: streaming stores give the same bits in every dtype, with an epilogue") {
    uint64_t turn = 0;
    for (const DLDataType dtype : float_types) {
      for (const std::vector<int64_t> &shape :
           std::vector<std::vector<int64_t>>{{2, 6, 32}, {2, 6, 9, 32}, {3, 3, 96}, {3, 2, 8992}}) {
        if (quick() && element_count(shape) > 10000) continue;
        for (int round = 0; round < (quick() ? 1 : 3); ++round) {
          for (NormProblem problem : each_scope(shape)) {
            problem.dtype = dtype;
            set_options(problem, turn += 7);
            check(problem);
          }
        }
      }
    }
  }

  TEST_CASE("norm: only tensors larger than the caches stream by themselves") {
    NormProblem problem;
    problem.shape = {1, 2, 16, 16};
    const NormData data = ordinary_data(problem, 22);
    const Context context(options_of(variants().back(), HALOGEN_STORES_AUTO));
    CHECK_FALSE(streams(run(context.get(), problem, data, HALOGEN_NORM_PATH_AUTO, 0, false)));
  }
}
