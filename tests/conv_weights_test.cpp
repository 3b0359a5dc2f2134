// Packed weights: sizes, memory, sharing, misuse.
#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

#include "support/callbacks.h"
#include "support/conv_run.h"
#include "support/env.h"
#include "support/misuse.h"

using namespace halogen_tests;

namespace {

/** A call with packed weights in place of the tensor. */
std::vector<float> run_packed(halogen_context *context, const ConvProblem &problem, ConvData data,
                              const halogen_conv_weights *packed) {
  std::vector<float> output(static_cast<size_t>(element_count(problem.output_shape())));
  ConvCall call(problem, {data.input.data(), output.data(), data.weight.data(), data.bias.data()});
  call.args.weight = nullptr;
  call.args.packed = packed;
  call.args.stride = call.args.dilation = call.args.groups = 0;
  const halogen_status status = call.run(context);
  CHECK_MESSAGE(status == HALOGEN_OK, call.error.message);
  return output;
}

ConvProblem small_problem() {
  ConvProblem p;
  p.n = 2;
  p.c_in = 6;
  p.c_out = 10;
  p.groups = 2;
  p.length = 31;
  p.kernel = 7;
  p.stride = 3;
  p.dilation = 2;
  return p;
}

halogen_conv_weights_params params_of(const ConvProblem &problem, const TensorView &weight) {
  halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
  params.weight = &weight.dl;
  params.stride = problem.stride;
  params.dilation = problem.dilation;
  params.groups = problem.groups;
  return params;
}

}  // namespace

TEST_SUITE("conv_weights") {
  TEST_CASE("conv: packed once, for every length, crop and number of samples") {
    Random random(31);
    for (uint64_t i = 0; i < (quick() ? 10 : 100); ++i) {
      ConvProblem problem = random_problem(random);
      const ConvData weights = ordinary_data(problem, i);
      for (const Variant &variant : variants()) {
        const PackedWeights packed(context_of(variant), problem, weights);
        for (int64_t length : {problem.length, int64_t{1}, int64_t{40}}) {
          problem.length = length;
          problem.pad_left = std::min<int64_t>(problem.pad_left, 0);
          problem.pad_right = std::min<int64_t>(problem.pad_right, 0);
          ConvData data = ordinary_data(problem, i + 1);
          data.weight = weights.weight;
          CHECK(same_bits(run_packed(context_of(variant), problem, data, packed.get()),
                          run_conv(context_of(variant), problem, data).output));
        }
      }
    }
  }

  TEST_CASE("conv: packed by one level and context, used by others, from several threads") {
    const ConvProblem problem = small_problem();
    const ConvData data = ordinary_data(problem, 5);
    for (const Variant &packing : variants()) {
      const PackedWeights packed(context_of(packing), problem, data);
      for (const Variant &variant : variants()) {
        const std::vector<float> expected = run_conv(context_of(variant), problem, data).output;
        if (quick()) {
          CHECK(same_bits(run_packed(context_of(variant), problem, data, packed.get()), expected));
          continue;
        }
        std::vector<std::vector<float>> got(4);
        std::vector<std::thread> threads;
        for (auto &result : got) {
          threads.emplace_back([&] { result = run_packed(context_of(variant), problem, data, packed.get()); });
        }
        for (std::thread &thread : threads) thread.join();
        for (const auto &result : got) CHECK(same_bits(result, expected));
      }
    }
  }

  TEST_CASE("conv: weights in the caller's memory, and in the context's") {
    const ConvProblem problem = small_problem();
    ConvData data = ordinary_data(problem, 6);
    const TensorView weight(data.weight.data(), problem.weight_shape());
    const halogen_conv_weights_params params = params_of(problem, weight);
    for (const Variant &variant : variants()) {
      CountingAllocator allocator;
      halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
      options.isa = variant.isa;
      options.num_threads = 1;
      allocator.install(options);
      {
        const Context context(options);
        size_t bytes = 0;
        REQUIRE(halogen_conv_transpose1d_weights_size(context.get(), &params, &bytes, nullptr) == HALOGEN_OK);
        CHECK(bytes >= data.weight.size() * sizeof(float));
        const std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(128, (bytes + 127) / 128 * 128),
                                                                 &std::free);
        const int64_t calls = allocator.calls();
        halogen_conv_weights *packed = nullptr;
        REQUIRE(halogen_conv_transpose1d_weights_create(context.get(), &params, memory.get(), bytes, &packed,
                                                        nullptr) == HALOGEN_OK);
        CHECK(allocator.calls() == calls);
        CHECK(
            same_bits(run_packed(context.get(), problem, data, packed), run_conv(context.get(), problem, data).output));
        halogen_conv_transpose1d_weights_destroy(packed);
        allocator.fail_after(0);
        halogen_context_trim(context.get(), nullptr);
        check_refused("no memory", HALOGEN_ERROR_OUT_OF_MEMORY, {"packed"}, {}, [&](halogen_error *error) {
          return halogen_conv_transpose1d_weights_create(context.get(), &params, nullptr, 0, &packed, error);
        });
        allocator.fail_after(-1);
      }
      CHECK(allocator.live() == 0);
    }
    halogen_conv_transpose1d_weights_destroy(nullptr);
  }

  TEST_CASE("conv: packed weights, misused") {
    halogen_context *context = context_of(variants()[0]);
    const ConvProblem problem = small_problem();
    ConvData data = ordinary_data(problem, 7);
    TensorView weight(data.weight.data(), problem.weight_shape());
    const halogen_conv_weights_params valid = params_of(problem, weight);
    halogen_conv_weights *packed = nullptr;
    size_t bytes = 0;
    const auto refused = [&](const char *what, halogen_status status, const std::vector<std::string> &words,
                             const std::function<void(halogen_conv_weights_params &)> &spoil) {
      halogen_conv_weights_params params = valid;
      spoil(params);
      check_refused(what, status, words, {{"bytes", &bytes, sizeof bytes}}, [&](halogen_error *error) {
        return halogen_conv_transpose1d_weights_size(context, &params, &bytes, error);
      });
      check_refused(what, status, words, {}, [&](halogen_error *error) {
        return halogen_conv_transpose1d_weights_create(context, &params, nullptr, 0, &packed, error);
      });
      CHECK(packed == nullptr);
    };
    refused("struct_size", HALOGEN_ERROR_STRUCT_SIZE, {"params"}, [](auto &p) { p.struct_size = 3; });
    refused("no weight", HALOGEN_ERROR_NULL_POINTER, {"weight"}, [](auto &p) { p.weight = nullptr; });
    refused("stride", HALOGEN_ERROR_STRIDE, {"stride", "0"}, [](auto &p) { p.stride = 0; });
    refused("dilation", HALOGEN_ERROR_DILATION, {"dilation", "-2"}, [](auto &p) { p.dilation = -2; });
    refused("groups", HALOGEN_ERROR_GROUPS, {"groups", "6", "4"}, [](auto &p) { p.groups = 4; });
    refused("groups", HALOGEN_ERROR_GROUPS, {"groups", "-1"}, [](auto &p) { p.groups = -1; });
    const TensorView empty(data.weight.data(), {6, 0, 3});
    refused("empty weight", HALOGEN_ERROR_WEIGHT_SHAPE, {"weight", "(6, 0, 3)"},
            [&](auto &p) { p.weight = &empty.dl; });
    refused("stride", HALOGEN_ERROR_SIZE, {"stride"}, [](auto &p) { p.stride = int64_t{1} << 40; });
    const auto null = [&](const char *word, const std::function<halogen_status(halogen_error *)> &run) {
      check_refused(word, HALOGEN_ERROR_NULL_POINTER, {word}, {}, run);
    };
    null("context", [&](auto *e) { return halogen_conv_transpose1d_weights_size(nullptr, &valid, &bytes, e); });
    null("params", [&](auto *e) { return halogen_conv_transpose1d_weights_size(context, nullptr, &bytes, e); });
    null("bytes", [&](auto *e) { return halogen_conv_transpose1d_weights_size(context, &valid, nullptr, e); });
    null("context",
         [&](auto *e) { return halogen_conv_transpose1d_weights_create(nullptr, &valid, nullptr, 0, &packed, e); });
    null("params",
         [&](auto *e) { return halogen_conv_transpose1d_weights_create(context, nullptr, nullptr, 0, &packed, e); });
    null("weights",
         [&](auto *e) { return halogen_conv_transpose1d_weights_create(context, &valid, nullptr, 0, nullptr, e); });
    alignas(128) static char memory[1024];
    check_refused("too little", HALOGEN_ERROR_SIZE, {"bytes", "64"}, {{"memory", memory, sizeof memory}}, [&](auto *e) {
      return halogen_conv_transpose1d_weights_create(context, &valid, memory, 64, &packed, e);
    });
    check_refused(
        "not aligned", HALOGEN_ERROR_ARGUMENT, {"memory", "128"}, {{"memory", memory, sizeof memory}}, [&](auto *e) {
          return halogen_conv_transpose1d_weights_create(context, &valid, memory + 64, sizeof memory, &packed, e);
        });

    const PackedWeights made(context, problem, data);
    std::vector<float> output(static_cast<size_t>(element_count(problem.output_shape())));
    ConvCall call(problem, {data.input.data(), output.data(), data.weight.data(), data.bias.data()});
    call.args.packed = made.get();
    const auto call_refused = [&](halogen_status status, const char *what, const std::vector<std::string> &words) {
      check_refused(what, status, words, {},
                    [&](auto *e) { return halogen_conv_transpose1d_forward(context, &call.args, e); });
      halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
      check_refused(what, status, words, {},
                    [&](auto *e) { return halogen_conv_transpose1d_query(context, &call.args, &info, e); });
    };
    call_refused(HALOGEN_ERROR_ARGUMENT, "both", {"weight", "packed", "both"});
    call.args.weight = nullptr;
    call.args.stride = 4;
    call_refused(HALOGEN_ERROR_STRIDE, "another stride", {"stride", "3", "4"});
    call.args.stride = 3;
    call.args.dilation = 1;
    call_refused(HALOGEN_ERROR_DILATION, "another dilation", {"dilation", "2", "1"});
    call.args.dilation = 0;
    call.args.groups = 1;
    call_refused(HALOGEN_ERROR_GROUPS, "other groups", {"groups", "2", "1"});
  }
}
