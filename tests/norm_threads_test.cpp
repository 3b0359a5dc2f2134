// Results do not depend on who runs the tasks, in which order, or on how many threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "support/callbacks.h"
#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** Problems with several tasks each: many channels, many short rows, few long rows, given statistics; of those dtypes
 * that the variant has. */
std::vector<NormProblem> problems(const Variant &variant) {
  std::vector<NormProblem> all;
  const auto add = [&](halogen_norm_scope scope, std::vector<int64_t> shape, bool given = false) {
    NormProblem problem;
    problem.shape = std::move(shape);
    problem.scope = scope;
    problem.num_groups = scope == HALOGEN_NORM_SCOPE_GROUP ? 4 : 0;
    problem.given = given;
    problem.running = given || scope == HALOGEN_NORM_SCOPE_GROUP ? Running::none : Running::unbiased;
    all.push_back(problem);
  };
  const int64_t scale = quick() ? 1 : 4;
  add(HALOGEN_NORM_SCOPE_BATCH, {4, 16 * scale, 28, 28});
  add(HALOGEN_NORM_SCOPE_BATCH, {8, 128 * scale, 7, 7});
  add(HALOGEN_NORM_SCOPE_BATCH, {2, 3, 100, 100 * scale + 1});
  add(HALOGEN_NORM_SCOPE_INSTANCE, {2, 32 * scale, 33, 31});
  add(HALOGEN_NORM_SCOPE_INSTANCE, {1, 3, 90001 * scale});
  add(HALOGEN_NORM_SCOPE_GROUP, {3, 32, 17, 19 * scale});
  add(HALOGEN_NORM_SCOPE_BATCH, {4, 64 * scale, 5, 5}, true);
  add(HALOGEN_NORM_SCOPE_BATCH, {4, 16, 40, 40 * scale}, true);
  add(HALOGEN_NORM_SCOPE_BATCH, {4, 64, 28, 28});
  const auto change = [&](DLDataType dtype, Place place, uint64_t turn) {
    all.back().dtype = dtype;
    all.back().put_all(place);
    set_options(all.back(), turn);
  };
  add(HALOGEN_NORM_SCOPE_BATCH, {4, 16 * scale, 28, 28});
  change(float16, Place::last, 3);
  add(HALOGEN_NORM_SCOPE_INSTANCE, {4, 70 * scale, 31, 33});
  change(bfloat16, Place::last_slice, 2);
  add(HALOGEN_NORM_SCOPE_GROUP, {2, 16 * scale, 51, 33});
  change(float64, Place::last, 4);
  add(HALOGEN_NORM_SCOPE_BATCH, {3, 16 * scale, 41, 43});
  change(bfloat16, Place::transposed, 7);
  all.erase(std::remove_if(all.begin(), all.end(), [&](auto &problem) { return !takes(variant, problem.dtype); }),
            all.end());
  return all;
}

halogen_context_options options_for(const Variant &variant, int32_t num_threads) {
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  options.isa = variant.isa;
  options.num_threads = num_threads;
  return options;
}

void check_same(const NormResult &expected, const NormResult &got) {
  REQUIRE_MESSAGE(got.status == HALOGEN_OK, got.message);
  CHECK(std::string(expected.ran.kernels) == got.ran.kernels);
  CHECK(same_outputs(expected, got));
}

}  // namespace

TEST_SUITE("norm_threads") {
  TEST_CASE("norm: the same bits for 1, 2, 3 and 8 threads, own pool or the caller's loop") {
    for (const Variant &variant : variants()) {
      CallerLoop loops[] = {CallerLoop(LoopKind::forwards), CallerLoop(LoopKind::backwards),
                            CallerLoop(LoopKind::threads)};
      const Context one(options_for(variant, 1));
      std::vector<std::unique_ptr<Context>> others;
      for (int32_t threads : {2, 3, 8}) others.push_back(std::make_unique<Context>(options_for(variant, threads)));
      for (CallerLoop &loop : loops) {
        halogen_context_options options = options_for(variant, 3);
        loop.install(options);
        others.push_back(std::make_unique<Context>(options));
      }
      for (const NormProblem &problem : problems(variant)) {
        const NormData data = ordinary_data(problem, 7);
        for (halogen_norm_path path : norm_paths) {
          if (!path_applies(problem, path)) continue;
          const NormResult expected = run_norm(one.get(), problem, data, path);
          REQUIRE_MESSAGE(expected.status == HALOGEN_OK, expected.message);
          for (size_t i = 0; i < others.size(); ++i) {
            INFO(variant.name, " path ", path_name(path), " ", describe(problem), " context ", i);
            check_same(expected, run_norm(others[i]->get(), problem, data, path));
          }
        }
      }
      for (const CallerLoop &loop : loops) {
        CHECK(loop.loops() > 0);
        CHECK(loop.tasks() > loop.loops());
      }
    }
  }

  TEST_CASE("norm: two contexts with different pools, and one context shared, from several threads at once") {
    CallerLoop loop(LoopKind::threads);
    halogen_context_options with_loop = HALOGEN_CONTEXT_OPTIONS_INIT;
    loop.install(with_loop);
    halogen_context_options with_pool = HALOGEN_CONTEXT_OPTIONS_INIT;
    with_pool.num_threads = 4;
    const Context contexts[] = {Context(with_loop), Context(with_pool)};
    const std::vector<NormProblem> all = problems(variants()[0]);
    std::vector<NormData> data;
    std::vector<NormResult> expected;
    for (const NormProblem &problem : all) {
      data.push_back(ordinary_data(problem, 8));
      expected.push_back(run_norm(contexts[1].get(), problem, data.back()));
      REQUIRE(expected.back().status == HALOGEN_OK);
    }
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 6; ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = 0; i < all.size(); ++i) {
          const size_t which = (i + t) % all.size();
          const NormResult got = run_norm(contexts[t % 2].get(), all[which], data[which]);
          if (got.status != HALOGEN_OK || !same_bits(got.output, expected[which].output) ||
              !same_bits(got.running_var, expected[which].running_var)) {
            ++wrong;
          }
        }
      });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(wrong == 0);
  }

  TEST_CASE("norm: contexts come and go while others work") {
    NormProblem problem = problems(variants()[0])[0];
    const NormData data = ordinary_data(problem, 9);
    const NormResult expected = run_norm(context_of(variants()[0]), problem, data);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 5; ++i) {
          halogen_context_options options = options_for(variants()[0], 3);
          halogen_context *context = nullptr;
          if (halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, nullptr) != HALOGEN_OK) {
            ++wrong;
            continue;
          }
          if (!same_bits(run_norm(context, problem, data).output, expected.output)) ++wrong;
          halogen_context_destroy(context);
        }
      });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(wrong == 0);
  }

  TEST_CASE("norm: a parallel loop that fails makes the call fail") {
    for (LoopKind kind : {LoopKind::refuses, LoopKind::fails_at_the_end, LoopKind::half}) {
      for (const Variant &variant : variants()) {
        CallerLoop loop(kind);
        int failures = 0;
        halogen_context_options options = options_for(variant, 2);
        loop.install(options);
        const Context context(options);
        for (const NormProblem &problem : problems(variant)) {
          for (halogen_norm_path path : norm_paths) {
            if (!path_applies(problem, path)) continue;
            // Anything smaller may be a single task, which is no loop.
            if (problem.n() * problem.c() * problem.s() * static_cast<int64_t>(bytes_of(problem.dtype)) < 512 * 1024)
              continue;
            const int64_t before = loop.loops();
            const NormResult result = run_norm(context.get(), problem, ordinary_data(problem, 7), path);
            INFO(variant.name, " path ", path_name(path), " ", describe(problem));
            // A call that is one task needs no loop.
            const bool looped = loop.loops() > before;
            CHECK(result.status == (looped ? HALOGEN_ERROR_PARALLEL : HALOGEN_OK));
            if (looped) CHECK(result.message.find("7") != std::string::npos);
            failures += looped;
          }
        }
        CHECK(failures > 5);
      }
    }
  }
}
