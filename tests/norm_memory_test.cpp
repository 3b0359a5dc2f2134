// Memory comes from the context's allocator alone, is kept between calls, and its lack is an error like any other.
#include <doctest/doctest.h>

#include "support/callbacks.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** One problem per path and scope that needs workspace or parallel tasks. */
std::vector<NormProblem> problems() {
  std::vector<NormProblem> all(9);
  all[0].shape = {3, 40, 21, 20};
  all[0].running = Running::unbiased;
  all[1] = all[0];
  all[1].scope = HALOGEN_NORM_SCOPE_INSTANCE;
  all[2].shape = {3, 40, 21, 20};
  all[2].scope = HALOGEN_NORM_SCOPE_GROUP;
  all[2].num_groups = 5;
  all[3].shape = {2, 4, 9000};
  all[3].running = Running::biased;
  all[4].shape = {2, 40, 21};
  all[4].given = true;
  all[5] = all[0];
  all[5].dtype = float64;
  all[5].put_all(Place::last);
  all[5].saved = true;
  all[6] = all[0];
  all[6].residual = true;
  all[6].put_all(Place::transposed);
  all[7] = all[4];
  all[7].output_place = Place::gapped;
  all[8] = all[4];
  all[8].dtype = float16;
  return all;
}

template <typename Check>
void for_each_call(const Check &check) {
  for (const Variant &variant : variants()) {
    for (const NormProblem &problem : problems()) {
      for (halogen_norm_path path : norm_paths) {
        if (!takes(variant, problem.dtype) || !path_applies(problem, path)) continue;
        INFO(variant.name, " path ", path_name(path), " ", describe(problem));
        check(variant, problem, path);
      }
    }
  }
}

halogen_context_options options_for(const Variant &variant, CountingAllocator &allocator) {
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  options.isa = variant.isa;
  options.num_threads = 2;
  allocator.install(options);
  return options;
}

}  // namespace

TEST_SUITE("norm_memory") {
  TEST_CASE("norm: a second identical call allocates nothing") {
    for_each_call([](const Variant &variant, const NormProblem &problem, halogen_norm_path path) {
      CountingAllocator allocator;
      // One thread: how many tasks run, and hold scratch, at the same time is then certain.
      halogen_context_options options = options_for(variant, allocator);
      options.num_threads = 1;
      const Context context(options);
      const NormData data = ordinary_data(problem, 1);
      REQUIRE(run_norm(context.get(), problem, data, path).status == HALOGEN_OK);
      const int64_t warm = allocator.calls();
      for (int i = 0; i < 3; ++i) CHECK(run_norm(context.get(), problem, data, path).status == HALOGEN_OK);
      CHECK(allocator.calls() == warm);
      CHECK(allocator.odd_requests() == 0);
    });
  }

  TEST_CASE("norm: trimming and destroying a context give all memory back") {
    for_each_call([](const Variant &variant, const NormProblem &problem, halogen_norm_path path) {
      CountingAllocator allocator;
      {
        const Context context(options_for(variant, allocator));
        const int64_t fresh = allocator.live_bytes();
        const NormData data = ordinary_data(problem, 1);
        const NormResult before = run_norm(context.get(), problem, data, path);
        REQUIRE(before.status == HALOGEN_OK);
        CHECK(halogen_context_trim(context.get(), nullptr) == HALOGEN_OK);
        // The pool's own book-keeping may stay; workspace may not.
        CHECK(allocator.live_bytes() <= fresh + 4096);
        CHECK(same_bits(run_norm(context.get(), problem, data, path).output, before.output));
      }
      CHECK(allocator.live() == 0);
      CHECK(allocator.live_bytes() == 0);
    });
  }

  TEST_CASE("norm: the workspace a call reports is what it takes") {
    for_each_call([](const Variant &variant, const NormProblem &problem, halogen_norm_path path) {
      CountingAllocator allocator;
      halogen_context_options options = options_for(variant, allocator);
      options.num_threads = 1;
      const Context context(options);
      const int64_t fresh = allocator.live_bytes();
      const NormResult result = run_norm(context.get(), problem, ordinary_data(problem, 1), path);
      REQUIRE(result.status == HALOGEN_OK);
      const int64_t taken = allocator.live_bytes() - fresh;
      // Size classes round up by at most half, and every block has a small header.
      CHECK(static_cast<int64_t>(result.ran.workspace_bytes) <= taken + 4096);
      CHECK(taken <= static_cast<int64_t>(result.ran.workspace_bytes) * 3 / 2 + 16384);
    });
  }

  TEST_CASE("norm: without memory the call says so and touches nothing") {
    for_each_call([](const Variant &variant, const NormProblem &problem, halogen_norm_path path) {
      CountingAllocator allocator;
      const Context context(options_for(variant, allocator));
      const NormData data = ordinary_data(problem, 1);
      int failures = 0;
      for (int64_t successes = 0;; ++successes) {
        REQUIRE(successes < 64);
        halogen_context_trim(context.get(), nullptr);
        allocator.fail_after(successes);
        NormStorage own(problem, data);
        const Values untouched = own.output.values();
        NormCall call(problem, own.memory(), path);
        const halogen_status status = call.run(context.get());
        allocator.fail_after(-1);
        if (status == HALOGEN_OK) break;
        ++failures;
        CHECK(status == HALOGEN_ERROR_OUT_OF_MEMORY);
        CHECK(std::string(call.error.message).size() > 10);
        // A kernel's own temporaries are taken while it runs: then tiles of the output are done already.
        if (std::string(call.error.message).find("temporaries") == std::string::npos)
          CHECK(same_bits(own.output.values(), untouched));
        CHECK(same_bits(own.running_mean.values(), data.running_mean));
        CHECK(same_bits(own.running_var.values(), data.running_var));
      }
      // Only evaluation can do without any workspace.
      if (!problem.given) CHECK(failures > 0);
      // What failed has left nothing behind that disturbs the next call.
      const NormReference expected = reference(problem, data);
      const std::string wrong =
          verify(problem, expected, run_norm(context.get(), problem, data, path), path, variant.name);
      CHECK_MESSAGE(wrong.empty(), wrong);
    });
  }

  TEST_CASE("context: no memory for the context itself") {
    CountingAllocator allocator;
    allocator.fail_after(0);
    halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
    allocator.install(options);
    halogen_context *context = nullptr;
    halogen_error error = HALOGEN_ERROR_INIT;
    const halogen_status status = halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, &error);
    CHECK(status == HALOGEN_ERROR_OUT_OF_MEMORY);
    CHECK(context == nullptr);
    CHECK(allocator.live() == 0);
  }
}
