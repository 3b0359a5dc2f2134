// Gradients of a transposed convolution are the same bits whoever runs their tasks; memory comes from the context's allocator alone.
#include <doctest/doctest.h>

#include "support/callbacks.h"
#include "support/conv_gradients.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

/** Problems with several pieces or tasks each. */
std::vector<ConvProblem> large_problems() {
  std::vector<ConvProblem> all(4);
  const int64_t scale = quick() ? 1 : 4;
  for (ConvProblem &p : all) p.pad_left = p.pad_right = 1;
  all[0].c_in = 32, all[0].c_out = 48, all[0].kernel = 4, all[0].stride = 2, all[0].length = 1500 * scale;
  all[1].c_in = 70, all[1].c_out = 40, all[1].kernel = 16, all[1].stride = 8, all[1].length = 50, all[1].n = 3;
  all[2].c_in = all[2].c_out = all[2].groups = 24;
  all[2].kernel = 5, all[2].stride = 3, all[2].length = 100 * scale;
  all[3].c_in = 90 * scale, all[3].c_out = 90, all[3].kernel = 20, all[3].stride = 4, all[3].length = 9;
  all[3].input_activation = HALOGEN_ACTIVATION_LEAKY_RELU, all[3].activation = HALOGEN_ACTIVATION_TANH;
  return all;
}

template <typename Check>
void for_each_call(const Check &check) {
  for (const Variant &variant : variants()) {
    for (const ConvProblem &problem : large_problems()) {
      INFO(variant.name, " ", describe(problem));
      const ConvData data = ordinary_data(problem, 41);
      check(variant, problem, data, ordinary_backward_data(problem, data, 41));
    }
  }
}

halogen_context_options options_for(const Variant &variant, int32_t num_threads) {
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  options.isa = variant.isa;
  options.num_threads = num_threads;
  return options;
}

}  // namespace

TEST_SUITE("conv_backward_threads") {
  TEST_CASE("conv backward: the same bits for 1, 2, 3 and 8 threads, own pool or the caller's loop") {
    for_each_call(
        [](const Variant &variant, const ConvProblem &problem, const ConvData &data, const ConvBackwardData &backward) {
          const Context one(options_for(variant, 1));
          const ConvBackwardResult expected = run_backward(one.get(), problem, data, backward);
          REQUIRE_MESSAGE(expected.status == HALOGEN_OK, expected.message);
          for (int32_t threads : {2, 3, 8}) {
            const Context context(options_for(variant, threads));
            CHECK(same_bits(run_backward(context.get(), problem, data, backward).gradients, expected.gradients));
          }
          for (LoopKind kind : {LoopKind::forwards, LoopKind::backwards, LoopKind::threads}) {
            CallerLoop loop(kind);
            halogen_context_options options = options_for(variant, 3);
            loop.install(options);
            const Context context(options);
            CHECK(same_bits(run_backward(context.get(), problem, data, backward).gradients, expected.gradients));
            CHECK(loop.tasks() > loop.loops());
          }
        });
  }

  TEST_CASE("conv backward: a second identical call allocates nothing; without memory a call says so") {
    for_each_call(
        [](const Variant &variant, const ConvProblem &problem, const ConvData &data, const ConvBackwardData &backward) {
          CountingAllocator allocator;
          {
            halogen_context_options options = options_for(variant, 1);
            allocator.install(options);
            const Context context(options);
            const int64_t fresh = allocator.live_bytes();
            const ConvBackwardResult result = run_backward(context.get(), problem, data, backward);
            REQUIRE(result.status == HALOGEN_OK);
            const int64_t warm = allocator.calls(), taken = allocator.live_bytes() - fresh;
            CHECK(run_backward(context.get(), problem, data, backward).status == HALOGEN_OK);
            CHECK(allocator.calls() == warm);
            CHECK(static_cast<int64_t>(result.ran.workspace_bytes) <= taken + 4096);
            CHECK(taken <= static_cast<int64_t>(result.ran.workspace_bytes) * 3 / 2 + 256 * 1024);
            int failures = 0;
            for (int64_t successes = 0;; ++successes) {
              REQUIRE(successes < 64);
              halogen_context_trim(context.get(), nullptr);
              allocator.fail_after(successes);
              const ConvBackwardResult failed = run_backward(context.get(), problem, data, backward);
              allocator.fail_after(-1);
              if (failed.status == HALOGEN_OK) break;
              ++failures;
              CHECK(failed.status == HALOGEN_ERROR_OUT_OF_MEMORY);
            }
            CHECK(failures > 0);
          }
          CHECK(allocator.live() == 0);
        });
  }
}
