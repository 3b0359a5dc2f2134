// Transposed convolutions and their gradients in float64, float16 and bfloat16 (by pairs, too, where the level has them): the same bits
// for any number of threads. float32, callers' loops and memory: conv_threads_test.cpp, conv_backward_threads_test.cpp.
#include <doctest/doctest.h>

#include "support/callbacks.h"
#include "support/conv_typed.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

constexpr DLDataType dtypes[] = {float64, float16, bfloat16};
constexpr int32_t more_threads[] = {2, 3, 7};

halogen_context_options options_for(const Variant &variant, int32_t num_threads) {
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  options.isa = variant.isa;
  options.num_threads = num_threads;
  return options;
}

/** Runs `one(context)` with each number of threads; all must be equal. A context's threads are slow to start under an emulator. */
template <typename One>
void check_threads(const Variant &variant, const One &one) {
  const Context alone(options_for(variant, 1));
  const auto expected = one(alone.get());
  for (const int32_t threads : more_threads) {
    if (quick() && threads != 3) continue;
    const Context context(options_for(variant, threads));
    CHECK_MESSAGE(one(context.get()) == expected, threads, " threads");
  }
}

/** Tasks that `run` gives a parallel loop, beyond one for each: above 0, some loop has several. */
template <typename Run>
int64_t tasks_beyond_loops(const Variant &variant, const Run &run) {
  CallerLoop loop(LoopKind::backwards);
  halogen_context_options options = options_for(variant, 2);
  loop.install(options);
  const Context context(options);
  run(context.get());
  return loop.tasks() - loop.loops();
}

template <typename Check>
void for_each_call(const std::vector<ConvProblem> &problems, const Check &check) {
  for (const ConvProblem &problem : problems) {
    const ConvData data = ordinary_data(problem, 42);
    for (const DLDataType dtype : dtypes) {
      for (const Variant &variant : variants_of(dtype)) check(variant, dtype, problem, data);
    }
  }
}

/** Several tasks each: over positions, channels, samples and groups. */
std::vector<ConvProblem> problems() {
  ConvProblem leaky = conv_shape(3, 70, 40, 16, 8, 1, 50);
  leaky.input_activation = HALOGEN_ACTIVATION_LEAKY_RELU;
  leaky.activation = HALOGEN_ACTIVATION_TANH;
  return {conv_shape(1, 16, 48, 4, 2, 1, 1000), leaky, conv_shape(2, 24, 24, 5, 3, 1, 700, 24),
          conv_shape(1, 180, 90, 20, 4, 1, 9)};
}

}  // namespace

TEST_SUITE("conv_threads") {
  TEST_CASE("conv: float64, float16 and bfloat16 have the same bits for 1, 2, 3 and 7 threads, by either path") {
    size_t by_length = 0;
    for_each_call(
        problems(), [&](const Variant &variant, DLDataType dtype, const ConvProblem &problem, const ConvData &data) {
          for (const halogen_conv_path path : {HALOGEN_CONV_PATH_ROWS, HALOGEN_CONV_PATH_LENGTH}) {
            if (!path_applies(problem, path)) continue;
            INFO(describe(variant, dtype, problem, path));
            check_threads(variant,
                          [&](halogen_context *context) { return typed_output(context, dtype, problem, data, path); });
            if (!packed_path_applies(variant, dtype, problem, path)) continue;
            // Without the packing, which has tasks of its own.
            const TypedWeights packed(context_of(variant), dtype, problem, data.weight);
            CHECK(tasks_beyond_loops(variant, [&](halogen_context *context) {
                    typed_output(context, dtype, problem, data, path, packed.get());
                  }) > 0);
            by_length += path == HALOGEN_CONV_PATH_LENGTH;
          }
        });
    CHECK(by_length > 0);
  }
}

TEST_SUITE("conv_backward_threads") {
  TEST_CASE(
      "conv backward: float64, float16 and bfloat16 have the same bits for 1, 2, 3 and 7 threads, by every path") {
    const std::vector<ConvProblem> all = problems();
    // The last has a kernel of 1024 taps at two positions, which few paths are made for: half of the time, and no other tasks.
    for_each_call({all.begin(), all.end() - 1},
                  [](const Variant &variant, DLDataType dtype, const ConvProblem &problem, const ConvData &data) {
                    const ConvBackwardData backward = ordinary_backward_data(problem, data, 42);
                    for (const halogen_conv_path path :
                         {HALOGEN_CONV_PATH_ROWS, HALOGEN_CONV_PATH_LENGTH, HALOGEN_CONV_PATH_COLUMNS}) {
                      INFO(describe(variant, dtype, problem, path));
                      const auto gradients = [&](halogen_context *context) {
                        return typed_gradients(context, dtype, problem, data, backward, path);
                      };
                      check_threads(variant, gradients);
                      CHECK(tasks_beyond_loops(variant, gradients) > 0);
                    }
                  });
  }
}
