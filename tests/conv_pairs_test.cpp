// bfloat16: on levels with AVX512-BF16 sums run over pairs of input channels, in weights that are packed for it; on others in float32.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/conv_run.h"
#include "support/dtype.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

std::vector<uint16_t> stored(const std::vector<float> &values) {
  std::vector<uint16_t> bits(values.size());
  for (size_t i = 0; i < values.size(); ++i) store(values[i], bfloat16, &bits[i]);
  return bits;
}

/** A problem's numbers as bfloat16, and calls with them. */
class Pairs {
 public:
  Pairs(const ConvProblem &problem, const ConvData &data)
      : problem_(problem),
        input_(stored(data.input)),
        weight_(stored(data.weight)),
        bias_(stored(data.bias)),
        output_(at(element_count(problem.output_shape())), 0x7fc0) {}
  ~Pairs() { halogen_conv_transpose1d_weights_destroy(packed_); }
  Pairs(const Pairs &) = delete;
  Pairs &operator=(const Pairs &) = delete;

  const halogen_conv_weights *pack(halogen_context *context) {
    TensorView weight(weight_.data(), problem_.weight_shape(), bfloat16);
    halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
    params.weight = &weight.dl;
    params.stride = problem_.stride;
    params.dilation = problem_.dilation;
    params.groups = problem_.groups;
    halogen_error error = HALOGEN_ERROR_INIT;
    REQUIRE_MESSAGE(
        halogen_conv_transpose1d_weights_create(context, &params, nullptr, 0, &packed_, &error) == HALOGEN_OK,
        error.message);
    return packed_;
  }

  halogen_status run(halogen_context *context, halogen_conv_path path = HALOGEN_CONV_PATH_AUTO,
                     const halogen_conv_weights *packed = nullptr) {
    ConvCall call(problem_, {input_.data(), output_.data(), weight_.data(), bias_.data()}, path);
    for (TensorView *tensor : {&call.input, &call.output, &call.weight, &call.bias}) tensor->dl.dtype = bfloat16;
    call.args.packed = packed;
    if (packed != nullptr) call.args.weight = nullptr;
    const halogen_status status = call.run(context);
    kernels = call.ran.kernels;
    message = call.error.message;
    return status;
  }

  /** All outputs of a stream that takes `chunk` inputs at a time. */
  std::vector<uint16_t> in_chunks(halogen_context *context, int64_t chunk) {
    TensorView bias(bias_.data(), {problem_.c_out}, bfloat16);
    halogen_conv_stream_params params = HALOGEN_CONV_STREAM_PARAMS_INIT;
    params.packed = packed_;
    params.bias = problem_.bias ? &bias.dl : nullptr;
    params.samples = 1;
    params.pad_left = problem_.pad_left;
    params.pad_right = problem_.pad_right;
    params.input_activation = problem_.input_activation;
    params.activation = problem_.activation;
    params.input_slope = problem_.input_slope;
    params.activation_slope = problem_.slope;
    halogen_conv_stream *stream = nullptr;
    halogen_error error = HALOGEN_ERROR_INIT;
    REQUIRE_MESSAGE(halogen_conv_transpose1d_stream_create(context, &params, &stream, &error) == HALOGEN_OK,
                    error.message);
    std::vector<uint16_t> joined(output_.size(), 0x7fc0);
    int64_t done = 0;
    for (int64_t first = 0; first < problem_.length; first += chunk) {
      done += step(stream, first, std::min(chunk, problem_.length - first), done, &joined);
    }
    done += step(stream, 0, 0, done, &joined);
    CHECK(done == problem_.out_length());
    halogen_conv_transpose1d_stream_destroy(stream);
    return joined;
  }

  double operator[](size_t i) const { return load(bfloat16, &output_[i]); }
  const std::vector<uint16_t> &output() const { return output_; }

  std::string kernels, message;

 private:
  int64_t step(halogen_conv_stream *stream, int64_t first, int64_t count, int64_t done, std::vector<uint16_t> *joined) {
    int64_t length = 0;
    REQUIRE(halogen_conv_transpose1d_stream_output_length(stream, count, &length, nullptr) == HALOGEN_OK);
    std::vector<uint16_t> chunk;
    for (int64_t c = 0; c < problem_.c_in; ++c) {
      const auto from = input_.begin() + c * problem_.length + first;
      chunk.insert(chunk.end(), from, from + count);
    }
    TensorView x(chunk.data(), {1, problem_.c_in, count}, bfloat16);
    TensorView y(joined->data() + done, {1, problem_.c_out, length}, bfloat16);
    y.set_strides({0, problem_.out_length(), 1});
    const DLTensor *output = length > 0 ? &y.dl : nullptr;
    REQUIRE((count > 0 ? halogen_conv_transpose1d_stream_push(stream, &x.dl, output, nullptr)
                       : halogen_conv_transpose1d_stream_finish(stream, output, nullptr)) == HALOGEN_OK);
    return length;
  }

  ConvProblem problem_;
  std::vector<uint16_t> input_, weight_, bias_, output_;
  halogen_conv_weights *packed_ = nullptr;
};

ConvProblem small_problem() {
  ConvProblem p;
  p.c_in = 5;
  p.c_out = 7;
  p.kernel = 4;
  p.stride = 2;
  p.length = 30;
  return p;
}

bool has(const std::string &text, const std::string &word) { return text.find(word) != std::string::npos; }

}  // namespace

TEST_SUITE("conv_pairs") {
  TEST_CASE("conv: bfloat16 sums of small integers are exact, then rounded once") {
    Random random(81);
    for (uint64_t i = 0; i < (quick() ? 60 : 600); ++i) {
      ConvProblem problem = random_problem(random);
      problem.input_activation = HALOGEN_ACTIVATION_NONE;
      problem.activation = i % 2 ? HALOGEN_ACTIVATION_RELU : HALOGEN_ACTIVATION_NONE;
      const ConvData data = integer_data(problem, i);
      const ConvReference expected = reference(problem, data);
      for (const Variant &variant : variants_of(bfloat16)) {
        for (const halogen_conv_path path : conv_paths) {
          if (!path_applies(problem, path)) continue;
          Pairs pairs(problem, data);
          REQUIRE_MESSAGE(pairs.run(context_of(variant), path) == HALOGEN_OK, pairs.message);
          size_t wrong = 0;
          for (size_t j = 0; j < expected.output.size(); ++j) {
            wrong += pairs[j] != rounded(expected.output[j], bfloat16);
          }
          CHECK_MESSAGE(wrong == 0, variant.name, " ", pairs.kernels, " ", describe(problem));
        }
      }
    }
  }

  TEST_CASE("conv: bfloat16 in chunks has the bits of the whole") {
    Random random(82);
    for (uint64_t i = 0; i < (quick() ? 20 : 200); ++i) {
      ConvProblem problem = random_problem(random);
      problem.n = 1;
      problem.batched = true;
      if (problem.out_length() < 1) problem.pad_left = problem.pad_right = 0;
      const ConvData data = ordinary_data(problem, i);
      for (const Variant &variant : variants_of(bfloat16)) {
        Pairs pairs(problem, data);
        const halogen_conv_weights *packed = pairs.pack(context_of(variant));
        REQUIRE_MESSAGE(pairs.run(context_of(variant)) == HALOGEN_OK, pairs.message);
        const std::vector<uint16_t> whole = pairs.output();
        REQUIRE_MESSAGE(pairs.run(context_of(variant), HALOGEN_CONV_PATH_AUTO, packed) == HALOGEN_OK, pairs.message);
        CHECK(pairs.output() == whole);
        for (const int64_t chunk : {1, 3, 40}) {
          CHECK_MESSAGE(pairs.in_chunks(context_of(variant), chunk) == whole, variant.name, " chunk ", chunk, " of ",
                        describe(problem));
        }
      }
    }
  }

  TEST_CASE("conv: bfloat16 is summed in pairs where the level can, and there are channels to pair") {
    ConvProblem depthwise = small_problem();
    depthwise.c_in = depthwise.c_out = depthwise.groups = 4;
    ConvProblem one_row = small_problem();
    one_row.c_out = one_row.kernel = 1;
    for (const Variant &variant : variants_of(bfloat16)) {
      const auto ran = [&](const ConvProblem &problem, halogen_conv_path path) {
        Pairs pairs(problem, integer_data(problem, 1));
        REQUIRE_MESSAGE(pairs.run(context_of(variant), path) == HALOGEN_OK, pairs.message);
        return pairs.kernels;
      };
      const std::string sum = "conv_sum_bf16_rows__" + variant.name;
      CHECK(has(ran(small_problem(), HALOGEN_CONV_PATH_AUTO), sum) == sums_pairs(variant));
      CHECK(has(ran(small_problem(), HALOGEN_CONV_PATH_ROWS), sum) == sums_pairs(variant));
      CHECK(has(ran(small_problem(), HALOGEN_CONV_PATH_LENGTH), "conv_sum_f32_length"));
      CHECK(has(ran(depthwise, HALOGEN_CONV_PATH_AUTO), "conv_sum_f32"));
      CHECK(has(ran(one_row, HALOGEN_CONV_PATH_AUTO), "conv_sum_f32_length1"));
    }
  }

  TEST_CASE("conv: bfloat16 weights packed in pairs are refused where they cannot be read") {
    const ConvProblem problem = small_problem();
    const ConvData data = integer_data(problem, 2);
    for (const Variant &packing : variants_of(bfloat16)) {
      Pairs pairs(problem, data);
      const halogen_conv_weights *packed = pairs.pack(context_of(packing));
      for (const Variant &variant : variants_of(bfloat16)) {
        const bool reads = sums_pairs(variant) || !sums_pairs(packing);
        const halogen_status status = pairs.run(context_of(variant), HALOGEN_CONV_PATH_AUTO, packed);
        CHECK(status == (reads ? HALOGEN_OK : HALOGEN_ERROR_UNSUPPORTED));
        if (!reads) CHECK(has(pairs.message, "packed in pairs"));
      }
      const halogen_status length = pairs.run(context_of(packing), HALOGEN_CONV_PATH_LENGTH, packed);
      CHECK(length == (sums_pairs(packing) ? HALOGEN_ERROR_UNSUPPORTED : HALOGEN_OK));
    }
  }

  TEST_CASE("conv: NaN and infinity in bfloat16 spoil what they reach and nothing else") {
    const ConvProblem problem = small_problem();
    const float infinity = std::numeric_limits<float>::infinity();
    for (const float special : {infinity, -infinity, std::nanf("")}) {
      for (const bool in_weight : {false, true}) {
        for (const int64_t where : {0, 13, 34}) {
          ConvData data = integer_data(problem, 3);
          std::vector<float> &spoiled = in_weight ? data.weight : data.input;
          spoiled[at(where * 4)] = special;
          const ConvReference expected = reference(problem, data);
          for (const Variant &variant : variants_of(bfloat16)) {
            Pairs pairs(problem, data);
            REQUIRE_MESSAGE(pairs.run(context_of(variant)) == HALOGEN_OK, pairs.message);
            size_t wrong = 0;
            for (size_t j = 0; j < expected.output.size(); ++j) {
              const double value = rounded(expected.output[j], bfloat16);
              wrong += std::isnan(value) ? !std::isnan(pairs[j]) : pairs[j] != value;
            }
            CHECK_MESSAGE(wrong == 0, variant.name, " ", special, in_weight ? " in weight " : " in input ", where);
          }
        }
      }
    }
  }

  TEST_CASE("conv: dot products of bfloat16 take numbers below the smallest normal one as zeros") {
    ConvProblem problem = small_problem();
    problem.bias = false;
    ConvData data = integer_data(problem, 4);
    for (float &value : data.weight) value = std::ldexp(1.0f, -130);
    for (float &value : data.input) value = std::ldexp(1.0f, 100);
    for (const Variant &variant : variants_of(bfloat16)) {
      Pairs pairs(problem, data);
      REQUIRE_MESSAGE(pairs.run(context_of(variant)) == HALOGEN_OK, pairs.message);
      CHECK(pairs[10] == (sums_pairs(variant) ? 0.0 : std::ldexp(10.0, -30)));
    }
  }
}
