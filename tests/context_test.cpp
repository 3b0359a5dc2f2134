// Contexts: version handshake, levels, options, log, query, trim; and that nothing set on one reaches another.
#include <doctest/doctest.h>

#include <set>

#include "support/callbacks.h"
#include "support/capture.h"
#include "support/coverage.h"
#include "support/env.h"
#include "support/misuse.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

NormProblem small_problem() {
  NormProblem problem;
  problem.shape = {2, 8, 9, 9};
  problem.running = Running::unbiased;
  return problem;
}

/** What a fresh context chooses by itself. */
std::string chosen_isa(halogen_status *status = nullptr) {
  halogen_context *context = nullptr;
  const halogen_status created = halogen_context_create(HALOGEN_VERSION_NUMBER, nullptr, &context, nullptr);
  if (status) *status = created;
  const char *name = "";
  if (created == HALOGEN_OK) halogen_context_isa(context, nullptr, &name, nullptr);
  const std::string copy = name;
  halogen_context_destroy(context);
  return copy;
}

/** The levels of the library that this CPU lacks, or that belong to another architecture. */
std::vector<Variant> missing() {
  const ScopedEnvironment no_choice("HALOGEN_ISA", nullptr);
  std::vector<Variant> all;
  for (const Variant &v : {Variant{HALOGEN_ISA_V2, "v2"}, Variant{HALOGEN_ISA_V3, "v3"}, Variant{HALOGEN_ISA_V4, "v4"},
                           Variant{HALOGEN_ISA_V4_SPR, "v4_spr"}, Variant{HALOGEN_ISA_V4_ZEN4, "v4_zen4"},
                           Variant{HALOGEN_ISA_NEON, "neon"}}) {
    halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
    options.isa = v.isa;
    halogen_context *context = nullptr;
    if (halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, nullptr) != HALOGEN_OK) all.push_back(v);
    halogen_context_destroy(context);
  }
  return all;
}

}  // namespace

TEST_SUITE("context") {
  TEST_CASE("version: the library is the one the header belongs to") {
    CHECK(halogen_version() == HALOGEN_VERSION_NUMBER);
  }

  TEST_CASE("status: every number has its name") {
    std::set<std::string> names;
    for (int number = 0; number <= HALOGEN_ERROR_OUTPUT_LENGTH; ++number) {
      names.insert(halogen_status_name(static_cast<halogen_status>(number)));
    }
    CHECK(names.size() == HALOGEN_ERROR_OUTPUT_LENGTH + 1);
    CHECK(std::string(halogen_status_name(HALOGEN_OK)) == "HALOGEN_OK");
    CHECK(std::string(halogen_status_name(HALOGEN_ERROR_SHAPE)) == "HALOGEN_ERROR_SHAPE");
    CHECK(HALOGEN_ERROR_INTERNAL == 20);
    CHECK(HALOGEN_ERROR_OUTPUT_LENGTH == 27);
    halogen_status unknown = HALOGEN_OK;
    for (const int number : {-1, 28, 1 << 30}) {
      set_raw(unknown, number);
      CHECK(std::string(halogen_status_name(unknown)) == "unknown status");
    }
  }

  TEST_CASE("context: another version is refused") {
    const uint32_t own = HALOGEN_VERSION_NUMBER;
    for (const uint32_t version : {own + 1000, own + 1000000, own - 1000, own + 2000005, 0u, ~0u}) {
      halogen_context *context = nullptr;
      check_refused("version " + std::to_string(version), HALOGEN_ERROR_VERSION, {"0.1"}, {},
                    [&](halogen_error *error) { return halogen_context_create(version, nullptr, &context, error); });
      CHECK(context == nullptr);
    }
    halogen_context *context = nullptr;
    REQUIRE(halogen_context_create(own + 1, nullptr, &context, nullptr) == HALOGEN_OK);
    halogen_context_destroy(context);
  }

  TEST_CASE("context: misuse") {
    halogen_context *context = nullptr;
    check_refused("no handle", HALOGEN_ERROR_NULL_POINTER, {"context"}, {}, [](halogen_error *error) {
      return halogen_context_create(HALOGEN_VERSION_NUMBER, nullptr, nullptr, error);
    });
    const auto refused = [&](const char *what, halogen_status status, const std::vector<std::string> &words,
                             const std::function<void(halogen_context_options &)> &spoil) {
      halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
      spoil(options);
      check_refused(what, status, words, {}, [&](halogen_error *error) {
        return halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, error);
      });
      CHECK(context == nullptr);
    };
    CountingAllocator allocator;
    refused("allocate alone", HALOGEN_ERROR_NULL_POINTER, {"deallocate"}, [&](halogen_context_options &options) {
      allocator.install(options);
      options.deallocate = nullptr;
    });
    refused("deallocate alone", HALOGEN_ERROR_NULL_POINTER, {"allocate"}, [&](halogen_context_options &options) {
      allocator.install(options);
      options.allocate = nullptr;
    });
    refused("threads", HALOGEN_ERROR_ARGUMENT, {"num_threads", "-2"},
            [](halogen_context_options &o) { o.num_threads = -2; });
    refused("stores", HALOGEN_ERROR_ARGUMENT, {"stores", "3"},
            [](halogen_context_options &o) { o.stores = static_cast<halogen_stores>(3); });
    for (const int isa : {7, 99, -1}) {
      refused("isa", HALOGEN_ERROR_ISA, {"v2", std::to_string(isa)},
              [=](halogen_context_options &o) { set_raw(o.isa, isa); });
    }
    for (const Variant &variant : missing()) {
      refused("a level this CPU lacks", HALOGEN_ERROR_ISA, {variant.name},
              [=](halogen_context_options &o) { o.isa = variant.isa; });
    }
    for (auto *call : {halogen_context_trim, halogen_prepare}) {
      check_refused("no context", HALOGEN_ERROR_NULL_POINTER, {"context"}, {},
                    [&](halogen_error *error) { return call(nullptr, error); });
    }
    check_refused("no context", HALOGEN_ERROR_NULL_POINTER, {"context"}, {}, [](halogen_error *error) {
      halogen_isa isa;
      return halogen_context_isa(nullptr, &isa, nullptr, error);
    });
    CHECK(captured_output([] { halogen_context_destroy(nullptr); }).empty());
  }

  TEST_CASE("context: its level has a name, and is the one asked for") {
    for (const Variant &variant : variants()) {
      halogen_isa isa = HALOGEN_ISA_AUTO;
      const char *name = nullptr;
      CHECK(halogen_context_isa(context_of(variant), &isa, &name, nullptr) == HALOGEN_OK);
      CHECK(isa == variant.isa);
      CHECK(name == variant.name);
      CHECK(halogen_context_isa(context_of(variant), nullptr, nullptr, nullptr) == HALOGEN_OK);
    }
  }

  TEST_CASE("context: HALOGEN_ISA is read when the context is made, and an option goes before it") {
    for (const Variant &variant : variants()) {
      const ScopedEnvironment choice("HALOGEN_ISA", variant.name.c_str());
      CHECK(chosen_isa() == variant.name);
      for (const Variant &other : variants()) {
        const Context context(other);
        const char *name = nullptr;
        halogen_context_isa(context.get(), nullptr, &name, nullptr);
        CHECK(name == other.name);
      }
    }
    for (const char *unknown : {"v5", "avx2", "V3", " v2"}) {
      const ScopedEnvironment choice("HALOGEN_ISA", unknown);
      halogen_context *context = nullptr;
      check_refused("HALOGEN_ISA", HALOGEN_ERROR_ISA, {"HALOGEN_ISA", unknown}, {}, [&](halogen_error *error) {
        return halogen_context_create(HALOGEN_VERSION_NUMBER, nullptr, &context, error);
      });
    }
    for (const Variant &variant : missing()) {
      const ScopedEnvironment choice("HALOGEN_ISA", variant.name.c_str());
      halogen_status status = HALOGEN_OK;
      chosen_isa(&status);
      CHECK(status == HALOGEN_ERROR_ISA);
    }
    const ScopedEnvironment empty("HALOGEN_ISA", "");
    const std::string best = chosen_isa();
    const ScopedEnvironment unset("HALOGEN_ISA", nullptr);
    CHECK(chosen_isa() == best);
    CHECK_MESSAGE(best != "v4_spr", "only where it is asked for");
  }

  TEST_CASE("query: says what then runs") {
    for (const Variant &variant : variants()) {
      for (halogen_norm_path path : norm_paths) {
        const NormProblem problem = small_problem();
        NormData data = ordinary_data(problem, 1);
        std::vector<float> output(data.input.size());
        NormCall call(problem,
                      {data.input.data(), output.data(), data.weight.data(), data.bias.data(), nullptr, nullptr,
                       data.running_mean.data(), data.running_var.data()},
                      path);
        NormCall without_data(problem, {}, path);
        halogen_kernel_info before = HALOGEN_KERNEL_INFO_INIT, blind = HALOGEN_KERNEL_INFO_INIT;
        REQUIRE(halogen_norm_query(context_of(variant), &call.args, &before, nullptr) == HALOGEN_OK);
        REQUIRE(halogen_norm_query(context_of(variant), &without_data.args, &blind, nullptr) == HALOGEN_OK);
        REQUIRE(call.run(context_of(variant)) == HALOGEN_OK);
        for (const halogen_kernel_info *info : {&before, &blind}) {
          CHECK(std::string(info->kernels) == call.ran.kernels);
          CHECK(std::string(info->isa) == call.ran.isa);
          CHECK(info->workspace_bytes == call.ran.workspace_bytes);
          CHECK(std::string(info->reason) == call.ran.reason);
        }
        CHECK(std::string(call.ran.reason).size() > 5);
        CHECK(call.ran.isa == variant.name);
      }
    }
  }

  TEST_CASE("log: a context's own callback hears of failures and of kernels, and no other does") {
    LogKeeper log, other_log;
    halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
    other_log.install(options);
    const Context other(options);
    log.install(options);
    const Context context(options);
    const NormProblem problem = small_problem();
    const NormResult result = run_norm(context.get(), problem, ordinary_data(problem, 1));
    REQUIRE(result.status == HALOGEN_OK);
    bool named = false;
    for (const LogKeeper::Entry &entry : log.take()) {
      CHECK(entry.level == HALOGEN_LOG_DEBUG);
      named = named || entry.message.find(kernel_names(result.ran)[0]) != std::string::npos;
    }
    CHECK(named);
    halogen_error error = HALOGEN_ERROR_INIT;
    CHECK(halogen_norm_forward(context.get(), nullptr, &error) == HALOGEN_ERROR_NULL_POINTER);
    CHECK(halogen_norm_forward(context.get(), nullptr, nullptr) == HALOGEN_ERROR_NULL_POINTER);
    const auto entries = log.take();
    REQUIRE(entries.size() == 2);
    for (const LogKeeper::Entry &entry : entries) {
      CHECK(entry.level == HALOGEN_LOG_ERROR);
      CHECK(entry.message == error.message);
    }
    CHECK(other_log.take().empty());
  }

  TEST_CASE("context: trimming again and again, also before any call") {
    const Context context(HALOGEN_ISA_AUTO);
    for (int i = 0; i < 3; ++i) CHECK(halogen_context_trim(context.get(), nullptr) == HALOGEN_OK);
    const NormProblem problem = small_problem();
    CHECK(run_norm(context.get(), problem, ordinary_data(problem, 1)).status == HALOGEN_OK);
    for (int i = 0; i < 3; ++i) CHECK(halogen_context_trim(context.get(), nullptr) == HALOGEN_OK);
  }

  TEST_CASE("context: a good call prints nothing") {
    const NormProblem problem = small_problem();
    const NormData data = ordinary_data(problem, 1);
    const std::string printed = captured_output([&] {
      const Context context(HALOGEN_ISA_AUTO);
      for (halogen_norm_path path : norm_paths) run_norm(context.get(), problem, data, path);
    });
    CHECK(printed == "");
  }
}
