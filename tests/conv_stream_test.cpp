// A transposed convolution in chunks has the bits of the whole, for every way to cut a small signal.
#include <doctest/doctest.h>

#include <functional>

#include "support/callbacks.h"
#include "support/conv_run.h"
#include "support/env.h"
#include "support/misuse.h"

using namespace halogen_tests;

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

/** Owns a stream and the numbers behind it. */
class Stream {
 public:
  Stream(halogen_context *context, const ConvProblem &problem, ConvData data)
      : problem_(problem),
        data_(std::move(data)),
        packed_(context, problem, data_),
        bias_(data_.bias.data(), {problem.c_out}) {
    halogen_conv_stream_params params = HALOGEN_CONV_STREAM_PARAMS_INIT;
    params.packed = packed_.get();
    params.bias = problem.bias ? &bias_.dl : nullptr;
    params.samples = problem.n;
    params.pad_left = problem.pad_left;
    params.pad_right = problem.pad_right;
    params.input_activation = problem.input_activation;
    params.activation = problem.activation;
    params.input_slope = problem.input_slope;
    params.activation_slope = problem.slope;
    halogen_error error = HALOGEN_ERROR_INIT;
    const halogen_status status = halogen_conv_transpose1d_stream_create(context, &params, &handle_, &error);
    REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
  }
  ~Stream() { halogen_conv_transpose1d_stream_destroy(handle_); }
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  /** Pushes inputs [first, first + chunk), or finishes where chunk is 0; appends what comes to `rows`. */
  void step(int64_t first, int64_t chunk, std::vector<std::vector<float>> &rows) {
    int64_t length = -1;
    REQUIRE(halogen_conv_transpose1d_stream_output_length(handle_, chunk, &length, nullptr) == HALOGEN_OK);
    std::vector<float> input(at(problem_.n * problem_.c_in * chunk)), output(at(problem_.n * problem_.c_out * length));
    for (int64_t row = 0; row < problem_.n * problem_.c_in; ++row) {
      for (int64_t l = 0; l < chunk; ++l) {
        input[at(row * chunk + l)] = data_.input[at(row * problem_.length + first + l)];
      }
    }
    TensorView x(input.data(), {problem_.n, problem_.c_in, chunk}),
        y(output.data(), {problem_.n, problem_.c_out, length});
    halogen_error error = HALOGEN_ERROR_INIT;
    const halogen_status status =
        chunk > 0 ? halogen_conv_transpose1d_stream_push(handle_, &x.dl, length > 0 ? &y.dl : nullptr, &error)
                  : halogen_conv_transpose1d_stream_finish(handle_, length > 0 ? &y.dl : nullptr, &error);
    REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
    for (size_t row = 0; row < rows.size(); ++row) {
      rows[row].insert(rows[row].end(), output.begin() + static_cast<std::ptrdiff_t>(row * at(length)),
                       output.begin() + static_cast<std::ptrdiff_t>((row + 1) * at(length)));
    }
  }

  halogen_conv_stream *get() const { return handle_; }

 private:
  ConvProblem problem_;
  ConvData data_;
  PackedWeights packed_;
  TensorView bias_;
  halogen_conv_stream *handle_ = nullptr;
};

/** Cuts the signal after every input whose bit is set. */
void check_cut(Stream &stream, const ConvProblem &problem, uint32_t cuts, const std::vector<float> &whole) {
  std::vector<std::vector<float>> rows(at(problem.n * problem.c_out));
  int64_t first = 0;
  for (int64_t l = 1; l <= problem.length; ++l) {
    if (l < problem.length && (cuts >> (l - 1) & 1) == 0) continue;
    stream.step(first, l - first, rows);
    first = l;
  }
  stream.step(0, 0, rows);
  std::vector<float> joined;
  for (const auto &row : rows) joined.insert(joined.end(), row.begin(), row.end());
  CHECK_MESSAGE(same_bits(joined, whole), "cuts ", cuts, " of ", describe(problem));
}

}  // namespace

TEST_SUITE("conv_stream") {
  TEST_CASE("conv: every chunking of small signals has the bits of the whole") {
    Random random(71);
    for (uint64_t i = 0; i < (quick() ? 8 : 60); ++i) {
      ConvProblem problem = random_problem(random);
      problem.batched = true;
      problem.length = 1 + static_cast<int64_t>(random.below(7));
      if (problem.out_length() < 1) problem.pad_left = problem.pad_right = 0;
      const ConvData data = ordinary_data(problem, i);
      for (const Variant &variant : variants()) {
        const ConvResult whole = run_conv(context_of(variant), problem, data);
        REQUIRE_MESSAGE(whole.status == HALOGEN_OK, whole.message);
        Stream stream(context_of(variant), problem, data);
        for (uint32_t cuts = 0; cuts < 1u << (problem.length - 1); ++cuts) {
          check_cut(stream, problem, cuts, whole.output);
        }
      }
    }
  }

  TEST_CASE("conv: long signals in random chunks") {
    Random random(72);
    for (uint64_t i = 0; i < (quick() ? 3 : 20); ++i) {
      ConvProblem problem = random_problem(random);
      problem.batched = true;
      problem.length = 300;
      if (problem.out_length() < 1) problem.pad_left = problem.pad_right = 0;
      const ConvData data = ordinary_data(problem, i);
      for (const Variant &variant : variants()) {
        Stream stream(context_of(variant), problem, data);
        std::vector<std::vector<float>> rows(at(problem.n * problem.c_out));
        for (int64_t first = 0; first < problem.length;) {
          const int64_t chunk = std::min<int64_t>(1 + static_cast<int64_t>(random.below(90)), problem.length - first);
          stream.step(first, chunk, rows);
          first += chunk;
        }
        stream.step(0, 0, rows);
        std::vector<float> joined;
        for (const auto &row : rows) joined.insert(joined.end(), row.begin(), row.end());
        CHECK_MESSAGE(same_bits(joined, run_conv(context_of(variant), problem, data).output), describe(problem));
      }
    }
  }

  TEST_CASE("conv: outputs of the longest signals are counted in 64 bits") {
    ConvProblem problem;
    problem.kernel = 3;
    problem.length = 1;
    for (const int64_t stride : {int64_t{1}, int64_t{1} << 20, int64_t{1} << 22}) {
      CAPTURE(stride);
      problem.stride = stride;
      // A longer stride's tile would be too large on CPUs with wide vectors.
      const Stream stream(context_of(variants()[0]), problem, ordinary_data(problem, 1));
      const int64_t most = std::min(int64_t{1} << 40, (int64_t{1} << 60) / stride);
      int64_t length = -1;
      CHECK(halogen_conv_transpose1d_stream_output_length(stream.get(), most, &length, nullptr) == HALOGEN_OK);
      // What follows the last input's own outputs may turn out to be the end.
      CHECK(length == (most - 1) * stride + std::min(stride, problem.kernel));
      check_refused(
          "chunk", HALOGEN_ERROR_ARGUMENT, {"chunk", std::to_string(most), std::to_string(most + 1)}, {},
          [&](auto *e) { return halogen_conv_transpose1d_stream_output_length(stream.get(), most + 1, &length, e); });
    }
  }

  TEST_CASE("conv: a stream, misused") {
    halogen_context *context = context_of(variants()[0]);
    ConvProblem problem;
    problem.n = 2;
    problem.c_in = 3;
    problem.c_out = 4;
    problem.kernel = 4;
    problem.stride = 2;
    problem.length = 6;
    ConvData data = ordinary_data(problem, 1);
    const PackedWeights packed(context, problem, data);
    TensorView bias(data.bias.data(), {4});
    halogen_conv_stream_params valid = HALOGEN_CONV_STREAM_PARAMS_INIT;
    valid.packed = packed.get();
    valid.bias = &bias.dl;
    valid.samples = 2;
    halogen_conv_stream *made = nullptr;
    const auto refused = [&](halogen_status status, const std::string &word,
                             const std::function<void(halogen_conv_stream_params &)> &spoil) {
      halogen_conv_stream_params params = valid;
      spoil(params);
      check_refused(word, status, {word}, {}, [&](halogen_error *e) {
        return halogen_conv_transpose1d_stream_create(context, &params, &made, e);
      });
      CHECK(made == nullptr);
    };
    TensorView short_bias(data.bias.data(), {3});
    refused(HALOGEN_ERROR_STRUCT_SIZE, "params", [](auto &p) { p.struct_size = 5; });
    refused(HALOGEN_ERROR_NULL_POINTER, "packed", [](auto &p) { p.packed = nullptr; });
    refused(HALOGEN_ERROR_ARGUMENT, "samples", [](auto &p) { p.samples = 0; });
    refused(HALOGEN_ERROR_SIZE, "samples", [](auto &p) { p.samples = int64_t{1} << 40; });
    refused(HALOGEN_ERROR_SIZE, "pad_left", [](auto &p) { p.pad_left = int64_t{1} << 40; });
    refused(HALOGEN_ERROR_BIAS_SHAPE, "bias", [&](auto &p) { p.bias = &short_bias.dl; });
    refused(HALOGEN_ERROR_ARGUMENT, "activation", [](auto &p) { set_raw(p.activation, 7); });
    const auto null = [&](const char *word, const std::function<halogen_status(halogen_error *)> &run) {
      check_refused(word, HALOGEN_ERROR_NULL_POINTER, {word}, {}, run);
    };
    null("context", [&](auto *e) { return halogen_conv_transpose1d_stream_create(nullptr, &valid, &made, e); });
    null("params", [&](auto *e) { return halogen_conv_transpose1d_stream_create(context, nullptr, &made, e); });
    null("stream", [&](auto *e) { return halogen_conv_transpose1d_stream_create(context, &valid, nullptr, e); });

    Stream stream(context, problem, data);
    std::vector<float> input(18, 1), output(200, 7);
    TensorView x(input.data(), {2, 3, 3}), y(output.data(), {2, 4, 6});
    int64_t length = 0;
    null("stream", [&](auto *e) { return halogen_conv_transpose1d_stream_push(nullptr, &x.dl, &y.dl, e); });
    null("stream", [&](auto *e) { return halogen_conv_transpose1d_stream_finish(nullptr, &y.dl, e); });
    null("stream", [&](auto *e) { return halogen_conv_transpose1d_stream_reset(nullptr, e); });
    null("stream", [&](auto *e) { return halogen_conv_transpose1d_stream_output_length(nullptr, 1, &length, e); });
    null("output_length",
         [&](auto *e) { return halogen_conv_transpose1d_stream_output_length(stream.get(), 1, nullptr, e); });
    const auto push_refused = [&](halogen_status status, const std::string &word, const TensorView &from,
                                  const DLTensor *to) {
      check_refused(
          word, status, {word}, {{"output", output.data(), output.size() * sizeof(float)}},
          [&](halogen_error *e) { return halogen_conv_transpose1d_stream_push(stream.get(), &from.dl, to, e); });
    };
    push_refused(HALOGEN_ERROR_NULL_POINTER, "output", x, nullptr);
    push_refused(HALOGEN_ERROR_RANK, "input", TensorView(input.data(), {3, 3}), &y.dl);
    push_refused(HALOGEN_ERROR_SHAPE, "input", TensorView(input.data(), {2, 3, 0}), &y.dl);
    push_refused(HALOGEN_ERROR_SHAPE, "input", TensorView(input.data(), {1, 3, 3}), &y.dl);
    push_refused(HALOGEN_ERROR_CHANNELS, "(2, 3, 1 or more)", TensorView(input.data(), {2, 2, 3}), &y.dl);
    push_refused(HALOGEN_ERROR_DTYPE, "input", TensorView(input.data(), {2, 3, 3}, float64), &y.dl);
    push_refused(HALOGEN_ERROR_DEVICE, "input", TensorView(input.data(), {2, 3, 3}, float32, {kDLMetal, 0}), &y.dl);
    const TensorView wrong(output.data(), {2, 4, 5});
    push_refused(HALOGEN_ERROR_SHAPE, "output", x, &wrong.dl);
    check_refused("nothing pushed", HALOGEN_ERROR_ARGUMENT, {"stream"}, {},
                  [&](halogen_error *e) { return halogen_conv_transpose1d_stream_finish(stream.get(), &y.dl, e); });
    ConvProblem cropped = problem;
    cropped.pad_right = 5;
    Stream short_one(context, cropped, data);
    std::vector<std::vector<float>> none(8);
    short_one.step(0, 1, none);
    check_refused("crop", HALOGEN_ERROR_OUTPUT_LENGTH, {"output", "-1"}, {},
                  [&](halogen_error *e) { return halogen_conv_transpose1d_stream_finish(short_one.get(), &y.dl, e); });
    check_refused("chunk", HALOGEN_ERROR_ARGUMENT, {"chunk", "-1"}, {}, [&](halogen_error *e) {
      return halogen_conv_transpose1d_stream_output_length(stream.get(), -1, &length, e);
    });
    // What was refused has changed nothing.
    std::vector<std::vector<float>> rows(8);
    stream.step(0, 6, rows);
    CHECK(halogen_conv_transpose1d_stream_reset(stream.get(), nullptr) == HALOGEN_OK);
    check_cut(stream, problem, 5, run_conv(context, problem, data).output);
    halogen_conv_transpose1d_stream_destroy(nullptr);
  }
}
