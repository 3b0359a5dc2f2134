// A transposed convolution gives the same bits whoever runs its tasks; its memory comes from the context's allocator alone.
#include <doctest/doctest.h>

#include <memory>

#include "support/callbacks.h"
#include "support/conv_run.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

/** Problems with several tasks each: over positions, channels, samples and groups. */
std::vector<ConvProblem> problems() {
  std::vector<ConvProblem> all(5);
  const int64_t scale = quick() ? 1 : 4;
  for (ConvProblem &p : all) p.pad_left = p.pad_right = 1;
  all[0].c_in = 32, all[0].c_out = 48, all[0].kernel = 4, all[0].stride = 2, all[0].length = 1500 * scale;
  all[1].c_in = 70, all[1].c_out = 40, all[1].kernel = 16, all[1].stride = 8, all[1].length = 50;
  all[1].n = 3;
  all[2].c_in = all[2].c_out = all[2].groups = 24;
  all[2].kernel = 5, all[2].stride = 3, all[2].length = 100 * scale;
  all[3].c_in = 90 * scale, all[3].c_out = 90, all[3].kernel = 20, all[3].stride = 4, all[3].length = 9;
  all[4].c_in = 300, all[4].c_out = 1, all[4].kernel = 1024, all[4].stride = 256, all[4].length = 2;
  return all;
}

halogen_context_options options_for(const Variant &variant, int32_t num_threads) {
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  options.isa = variant.isa;
  options.num_threads = num_threads;
  return options;
}

template <typename Check>
void for_each_call(const Check &check) {
  for (const Variant &variant : variants()) {
    for (const ConvProblem &problem : problems()) {
      INFO(variant.name, " ", describe(problem));
      check(variant, problem, ordinary_data(problem, 41));
    }
  }
}

}  // namespace

TEST_SUITE("conv_threads") {
  TEST_CASE("conv: the same bits for 1, 2, 3 and 8 threads, own pool or the caller's loop") {
    for_each_call([](const Variant &variant, const ConvProblem &problem, const ConvData &data) {
      const Context one(options_for(variant, 1));
      const ConvResult expected = run_conv(one.get(), problem, data);
      REQUIRE_MESSAGE(expected.status == HALOGEN_OK, expected.message);
      for (int32_t threads : {2, 3, 8}) {
        const Context context(options_for(variant, threads));
        CHECK(same_bits(run_conv(context.get(), problem, data).output, expected.output));
      }
      for (LoopKind kind : {LoopKind::forwards, LoopKind::backwards, LoopKind::threads}) {
        CallerLoop loop(kind);
        halogen_context_options options = options_for(variant, 3);
        loop.install(options);
        const Context context(options);
        CHECK(same_bits(run_conv(context.get(), problem, data).output, expected.output));
        CHECK(loop.tasks() > loop.loops());
      }
    });
  }

  TEST_CASE("conv: a parallel loop that fails makes the call fail") {
    for (LoopKind kind : {LoopKind::refuses, LoopKind::fails_at_the_end, LoopKind::half}) {
      for_each_call([&](const Variant &variant, const ConvProblem &problem, const ConvData &data) {
        CallerLoop loop(kind);
        halogen_context_options options = options_for(variant, 2);
        loop.install(options);
        const Context context(options);
        const ConvResult result = run_conv(context.get(), problem, data);
        CHECK(result.status == HALOGEN_ERROR_PARALLEL);
        CHECK(result.message.find("7") != std::string::npos);
      });
    }
  }

  TEST_CASE("conv: a second identical call allocates nothing, and a context gives all back") {
    for_each_call([](const Variant &variant, const ConvProblem &problem, const ConvData &data) {
      CountingAllocator allocator;
      {
        halogen_context_options options = options_for(variant, 1);
        allocator.install(options);
        const Context context(options);
        const int64_t fresh = allocator.live_bytes();
        const ConvResult result = run_conv(context.get(), problem, data);
        REQUIRE(result.status == HALOGEN_OK);
        const int64_t warm = allocator.calls(), taken = allocator.live_bytes() - fresh;
        CHECK(run_conv(context.get(), problem, data).status == HALOGEN_OK);
        CHECK(allocator.calls() == warm);
        CHECK(allocator.odd_requests() == 0);
        // Size classes round up by at most half; a kernel's sums of one block are not counted.
        CHECK(static_cast<int64_t>(result.ran.workspace_bytes) <= taken + 4096);
        CHECK(taken <= static_cast<int64_t>(result.ran.workspace_bytes) * 3 / 2 + 128 * 1024);
      }
      CHECK(allocator.live() == 0);
    });
  }

  TEST_CASE("conv: without memory the call says so, and the next one is right") {
    for_each_call([](const Variant &variant, const ConvProblem &problem, const ConvData &data) {
      CountingAllocator allocator;
      halogen_context_options options = options_for(variant, 2);
      allocator.install(options);
      const Context context(options);
      int failures = 0;
      for (int64_t successes = 0;; ++successes) {
        REQUIRE(successes < 64);
        halogen_context_trim(context.get(), nullptr);
        allocator.fail_after(successes);
        const ConvResult result = run_conv(context.get(), problem, data);
        allocator.fail_after(-1);
        if (result.status == HALOGEN_OK) break;
        ++failures;
        CHECK(result.status == HALOGEN_ERROR_OUT_OF_MEMORY);
        CHECK(result.message.size() > 10);
      }
      CHECK(failures > 1);
      CHECK(same_bits(run_conv(context.get(), problem, data).output,
                      run_conv(context_of(variant), problem, data).output));
    });
  }
}
