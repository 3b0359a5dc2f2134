// A transposed convolution in chunks: types other than float32, what a push must be, what a stream keeps, what a push costs.
#include <doctest/doctest.h>

#include <algorithm>

#include "support/callbacks.h"
#include "support/conv_typed.h"
#include "support/env.h"
#include "support/misuse.h"

using namespace halogen_tests;

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

/** A random problem that a stream takes. */
ConvProblem stream_problem(Random &random, int64_t most) {
  ConvProblem problem = random_problem(random);
  problem.batched = true;
  problem.length = 1 + static_cast<int64_t>(random.below(at(most)));
  if (problem.out_length() < 1) problem.pad_left = problem.pad_right = 0;
  return problem;
}

void check_chunks(const ConvProblem &problem, const ConvData &data, DLDataType dtype,
                  const std::vector<int64_t> &chunks) {
  for (const Variant &variant : variants_of(dtype)) {
    halogen_context *context = context_of(variant);
    const TypedWeights packed(context, dtype, problem, data.weight);
    const Numbers whole = typed_output(context, dtype, problem, data);
    Numbers bias(dtype, data.bias);
    const TypedStream stream(context, problem, bias, packed.get());
    for (const int64_t chunk : chunks) {
      CHECK_MESSAGE(in_chunks(stream, dtype, problem, data, chunk) == whole, "chunks of ", chunk, " of ",
                    describe(variant, dtype, problem));
    }
  }
}

/** Inputs that a stream keeps, as halogen/conv.h has it. */
int64_t documented_history(const ConvProblem &p) {
  const int64_t held = std::max<int64_t>(0, p.stride - p.dilation * (p.kernel - 1) - 1 + p.pad_right);
  return std::max<int64_t>(1, (p.dilation * (p.kernel - 1) + held) / p.stride);
}

ConvProblem kept_problem(int64_t kernel, int64_t stride, int64_t dilation, int64_t pad_right) {
  ConvProblem p = conv_shape(1, 2, 3, kernel, stride, 0, 1);
  p.dilation = dilation;
  p.pad_right = pad_right;
  return p;
}

}  // namespace

TEST_SUITE("conv_stream") {
  TEST_CASE("conv: float64, float16 and bfloat16 in chunks of any size have the bits of the whole") {
    Random random(74);
    for (uint64_t i = 0; i < (quick() ? 6 : 60); ++i) {
      const ConvProblem problem = stream_problem(random, i % 4 == 0 ? 300 : 7);
      const ConvData data = ordinary_data(problem, i);
      const std::vector<int64_t> chunks =
          problem.length <= 7 ? std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7} : std::vector<int64_t>{7, 64, problem.length};
      for (const DLDataType dtype : {float64, float16, bfloat16}) check_chunks(problem, data, dtype, chunks);
    }
  }

  TEST_CASE("conv: a push that is not contiguous is refused, and has changed nothing") {
    const ConvProblem problem = conv_shape(2, 3, 4, 4, 2, 0, 6);
    const ConvData data = ordinary_data(problem, 1);
    halogen_context *context = context_of(variants()[0]);
    const TypedWeights packed(context, float32, problem, data.weight);
    Numbers bias(float32, data.bias);
    const TypedStream stream(context, problem, bias, packed.get());
    // Room for what the strides below reach.
    std::vector<float> input(200, 1), output(at(2 * 4 * stream.next(3)), 7);
    TensorView x(input.data(), {2, 3, 3}), y(output.data(), {2, 4, stream.next(3)});
    const std::vector<int64_t> strides[] = {{9, 1, 3}, {10, 3, 1}, {9, 4, 1}, {18, 6, 2}, {0, 3, 1}, {9, 3, 0}};
    for (const std::vector<int64_t> &other : strides) {
      x.set_strides(other);
      check_refused("strides", HALOGEN_ERROR_LAYOUT, {"input", "contiguous"},
                    {{"output", output.data(), output.size() * sizeof(float)}}, [&](halogen_error *error) {
                      return halogen_conv_transpose1d_stream_push(stream.get(), &x.dl, &y.dl, error);
                    });
    }
    CHECK(in_chunks(stream, float32, problem, data, 4) == typed_output(context, float32, problem, data));
    // Contiguous strides that are spelled out are taken.
    x.set_strides({9, 3, 1});
    CHECK(halogen_conv_transpose1d_stream_push(stream.get(), &x.dl, &y.dl, nullptr) == HALOGEN_OK);
  }

  TEST_CASE("conv: a stream keeps as many inputs as its header says") {
    for (const ConvProblem &like :
         {kept_problem(1, 1, 1, 0), kept_problem(4, 2, 1, 0), kept_problem(7, 1, 1, 0), kept_problem(3, 2, 3, 1),
          kept_problem(16, 4, 1, 6), kept_problem(2, 9, 1, 20), kept_problem(2, 3, 1, -4)}) {
      for (const DLDataType dtype : float_types) {
        if (variants_of(dtype).empty()) continue;
        const Variant variant = variants_of(dtype)[0];
        ConvProblem problem = like;
        const int64_t history = documented_history(problem), header = 1024;
        // So many samples that the inputs fill a size class of the allocator but for the stream's own fields: one input more is
        // seen (one less would be in the numbers).
        const int64_t sample = problem.c_in * history * static_cast<int64_t>(bytes_of(dtype));
        problem.n = (65536 - header) / sample;
        const int64_t kept = problem.n * sample;
        const TypedWeights packed(context_of(variant), dtype, problem, ordinary_data(problem, 2).weight);
        Numbers bias(dtype, {1, 2, 3});
        CountingAllocator allocator;
        halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
        options.isa = variant.isa;
        options.num_threads = 1;
        allocator.install(options);
        const Context context(options);
        const int64_t before = allocator.live_bytes(), calls = allocator.calls();
        const TypedStream stream(context.get(), problem, bias, packed.get());
        CHECK(allocator.calls() == calls + 1);
        const int64_t taken = allocator.live_bytes() - before;
        CHECK_MESSAGE(taken >= kept, "history ", history, ", ", describe(variant, dtype, problem));
        CHECK_MESSAGE(taken < kept / history * (history + 1), "history ", history, ", ",
                      describe(variant, dtype, problem));
      }
    }
  }

  TEST_CASE("conv: a push gives and costs what its chunk does, however long the signal was before") {
    for (const Variant &variant : variants()) {
      ConvProblem problem = conv_shape(2, 5, 6, 7, 3, 2, 4096);
      problem.dilation = 2;
      const int64_t history = documented_history(problem);
      const ConvData data = ordinary_data(problem, 3);
      const TypedWeights packed(context_of(variant), float32, problem, data.weight);
      CountingAllocator allocator;
      halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
      options.isa = variant.isa;
      options.num_threads = 1;
      allocator.install(options);
      const Context context(options);
      Numbers bias(float32, data.bias);
      const TypedStream stream(context.get(), problem, bias, packed.get());
      const auto push = [&](int64_t first, int64_t chunk) {
        const int64_t length = stream.next(chunk);
        Numbers input = chunk_of(problem, data, float32, first, chunk);
        Numbers output = Numbers::unset(float32, {problem.n, problem.c_out, length});
        const TensorView x(input.data(), {problem.n, problem.c_in, chunk}),
            y(output.data(), {problem.n, problem.c_out, length});
        REQUIRE(halogen_conv_transpose1d_stream_push(stream.get(), &x.dl, &y.dl, nullptr) == HALOGEN_OK);
        return length;
      };
      // What a push asks of an allocator that has nothing left from calls before.
      const auto bytes_of_push = [&](int64_t first, int64_t chunk) {
        halogen_context_trim(context.get(), nullptr);
        const int64_t before = allocator.live_bytes();
        CHECK(push(first, chunk) == chunk * problem.stride);
        return allocator.live_bytes() - before;
      };
      // The first outputs are cropped, the last ones are held back.
      CHECK(push(0, 16) <= 16 * problem.stride);
      int64_t first = 16;
      for (const int64_t chunk : {1, 8, 100}) {
        CHECK(push(first, history + 8) == (history + 8) * problem.stride);
        first += history + 8;
        const int64_t bytes = bytes_of_push(first, chunk), calls = allocator.calls();
        first += chunk;
        for (int again = 0; again < 8; ++again, first += chunk) CHECK(push(first, chunk) == chunk * problem.stride);
        CHECK(allocator.calls() == calls);
        CHECK(bytes_of_push(first, chunk) == bytes);
        first += chunk;
      }
      // The inputs of a long signal, which a push of one must not ask for.
      CHECK(first > 1000);
      const int64_t of_one = bytes_of_push(first, 1), of_many = bytes_of_push(first + 1, 100);
      CHECK(of_one <= of_many);
      CHECK(of_one < problem.n * problem.c_in * first * static_cast<int64_t>(sizeof(float)));
    }
  }
}
