// As conv_guard_test.cpp, for other types, channels last, packed weights in the caller's memory and the chunks of a stream: what a call
// computes between guarded pages has the bits of what it computes elsewhere.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "support/conv_guarded.h"
#include "support/conv_storage.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

constexpr size_t most_elements = 8000;

struct Form {
  DLDataType dtype;
  bool channel_last, packed;
};

/** Memory for one call's tensors, and for its weights in the order that kernels read. */
struct GuardedMemory {
  GuardedBuffer input{64000}, output{64000}, weight{64000}, bias{4000};
  std::optional<GuardedBuffer> packed;

  GuardedMemory() {
    for (GuardedBuffer *buffer : {&input, &output, &weight, &bias}) buffer->place(0, Flush::start);
  }
  bool intact() const {
    return input.intact() && output.intact() && weight.intact() && bias.intact() && (!packed || packed->intact());
  }

  /** Weights that are packed from the guarded tensor into guarded memory. */
  const halogen_conv_weights *pack(const Variant &variant, DLDataType dtype, const ConvProblem &problem, void *tensor,
                                   Flush where) {
    const TensorView view(tensor, problem.weight_shape(), dtype);
    halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
    params.weight = &view.dl;
    params.stride = problem.stride;
    params.dilation = problem.dilation;
    params.groups = problem.groups;
    const size_t bytes = TypedWeights::bytes_for(context_of(variant), dtype, problem);
    // The memory must be aligned: where a size is no multiple of 128, it ends that much before the page.
    const size_t slack = where == Flush::end ? (128 - bytes % 128) % 128 : 0;
    packed.emplace(bytes + 256);
    void *memory = packed->place(bytes, where, slack + (guard_margin(variant, where) > 0 ? 128 : 0));
    halogen_conv_weights *made = nullptr;
    halogen_error error = HALOGEN_ERROR_INIT;
    const halogen_status status =
        halogen_conv_transpose1d_weights_create(context_of(variant), &params, memory, bytes, &made, &error);
    REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
    return made;
  }
};

void arrange(ConvCall &call, const ConvProblem &problem, const Form &form) {
  set_dtype(call, form.dtype);
  if (!form.channel_last) return;
  // Random numbers are as good in any order: the same memory, seen as (N, L, C).
  call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
  call.input.set_shape(swapped(problem.input_shape()));
  call.output.set_shape(swapped(problem.output_shape()));
}

/** The bits that a call gives on ordinary memory. */
Numbers ordinary_output(const Variant &variant, const Form &form, halogen_conv_path path, const ConvProblem &problem,
                        const ConvData &data) {
  Numbers input(form.dtype, data.input), weight(form.dtype, data.weight), bias(form.dtype, data.bias);
  Numbers output = Numbers::unset(form.dtype, problem.output_shape());
  ConvCall call(problem, {input.data(), output.data(), weight.data(), bias.data()}, path);
  arrange(call, problem, form);
  const halogen_status status = call.run(context_of(variant));
  REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
  return output;
}

void check(GuardedMemory &memory, const Variant &variant, const Form &form, halogen_conv_path path,
           const ConvProblem &problem, const ConvData &data) {
  const Numbers expected = ordinary_output(variant, form, path, problem, data);
  for (const Flush where : {Flush::start, Flush::end}) {
    const auto put = [&](GuardedBuffer &buffer, const Numbers &numbers) {
      return place(buffer, numbers, variant, where);
    };
    const ConvMemory at = {put(memory.input, {form.dtype, data.input}),
                           put(memory.output, Numbers::unset(form.dtype, problem.output_shape())),
                           put(memory.weight, {form.dtype, data.weight}), put(memory.bias, {form.dtype, data.bias})};
    ConvCall call(problem, at, path);
    arrange(call, problem, form);
    if (form.packed) {
      call.args.packed = memory.pack(variant, form.dtype, problem, at.weight, where);
      call.args.weight = nullptr;
    }
    const halogen_status status = call.run(context_of(variant));
    INFO(describe(variant, form.dtype, problem, path), " channel-last ", form.channel_last, " packed ", form.packed,
         " at the end ", where == Flush::end);
    REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
    CHECK(holds(at.output, expected));
    CHECK(memory.intact());
  }
}

/** Small enough for guarded memory, with its numbers. */
template <typename Check>
void for_each_problem(uint64_t stream, uint64_t count, const Check &check) {
  Random random(stream);
  for (uint64_t i = 0; i < count; ++i) {
    ConvProblem problem = random_problem(random);
    const ConvData data = ordinary_data(problem, i);
    const auto outputs = static_cast<size_t>(element_count(problem.output_shape()));
    if (std::max({data.input.size(), data.weight.size(), outputs}) <= most_elements) check(i, problem, data);
  }
}

}  // namespace

TEST_SUITE("conv_guard") {
  TEST_CASE(
      "conv: in float64, float16, bfloat16, channels first or last, weights packed or not, nothing outside is "
      "touched") {
    GuardedMemory memory;
    for_each_problem(22, quick() ? 12 : 200, [&](uint64_t i, const ConvProblem &problem, const ConvData &data) {
      for (const DLDataType dtype : float_types) {
        for (const Variant &variant : variants_of(dtype)) {
          for (const halogen_conv_path path : conv_paths) {
            // Dense float32 is conv_guard_test.cpp's. All four forms in turn.
            const Form form = {dtype, i % 2 == 1 || same(dtype, float32), i / 2 % 2 == 1};
            const bool applies =
                form.packed ? packed_path_applies(variant, dtype, problem, path) : path_applies(problem, path);
            if (applies) check(memory, variant, form, path, problem, data);
          }
        }
      }
    });
  }

  TEST_CASE("conv: a stream touches nothing outside the chunk, its outputs and the packed weights") {
    GuardedMemory memory;
    for_each_problem(23, quick() ? 8 : 120, [&](uint64_t i, ConvProblem problem, const ConvData &data) {
      problem.batched = true;
      Random random(i);
      for (const DLDataType dtype : float_types) {
        for (const Variant &variant : variants_of(dtype)) {
          const Numbers whole = typed_output(context_of(variant), dtype, problem, data);
          const Flush where = random.below(2) == 0 ? Flush::start : Flush::end;
          Numbers bias(dtype, data.bias);
          void *weight = place(memory.weight, {dtype, data.weight}, variant, where);
          const halogen_conv_weights *packed = memory.pack(variant, dtype, problem, weight, where);
          const TypedStream stream(context_of(variant), problem, bias, packed);
          INFO(describe(variant, dtype, problem), " at the end ", where == Flush::end);
          int64_t done = 0;
          const auto step = [&](int64_t first, int64_t chunk) {
            const int64_t length = stream.next(chunk);
            const std::vector<int64_t> shape = {problem.n, problem.c_out, length};
            const TensorView x(place(memory.input, chunk_of(problem, data, dtype, first, chunk), variant, where),
                               {problem.n, problem.c_in, chunk}, dtype);
            const TensorView y(place(memory.output, Numbers::unset(dtype, shape), variant, where), shape, dtype);
            const DLTensor *output = length > 0 ? &y.dl : nullptr;
            const halogen_status status =
                chunk > 0 ? halogen_conv_transpose1d_stream_push(stream.get(), &x.dl, output, nullptr)
                          : halogen_conv_transpose1d_stream_finish(stream.get(), output, nullptr);
            REQUIRE(status == HALOGEN_OK);
            CHECK(memory.intact());
            const size_t size = bytes_of(dtype);
            for (int64_t row = 0; row < problem.n * problem.c_out; ++row) {
              const auto *got = static_cast<const char *>(y.dl.data) + at(row * length) * size;
              const auto *expected =
                  static_cast<const char *>(whole.data()) + at(row * problem.out_length() + done) * size;
              CHECK(std::memcmp(got, expected, at(length) * size) == 0);
            }
            done += length;
          };
          for (int64_t first = 0; first < problem.length;) {
            const int64_t chunk = std::min<int64_t>(1 + static_cast<int64_t>(random.below(20)), problem.length - first);
            step(first, chunk);
            first += chunk;
          }
          step(0, 0);
          CHECK(done == problem.out_length());
        }
      }
    });
  }
}
