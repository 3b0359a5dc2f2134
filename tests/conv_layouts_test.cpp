// Other data types, strides and layouts than dense channel-first float32.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "support/conv_run.h"
#include "support/coverage.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

struct Type {
  DLDataType dl;
  double unit;     /**< half a unit in the last place, relative */
  double sum_unit; /**< of a sum, relative to its magnitudes */
};
constexpr Type types[] = {
    {{kDLFloat, 64, 1}, 1.2e-16, 2e-15}, {{kDLFloat, 16, 1}, 4.9e-4, 1e-6}, {{kDLBfloat, 16, 1}, 3.95e-3, 1e-6}};

/** A multiple of 1/8 below 2 in magnitude, which every type has, as 16 bits. */
uint16_t bits16(const Type &type, float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  if (type.dl.code == kDLBfloat) return static_cast<uint16_t>(bits >> 16);
  const uint32_t magnitude = bits & 0x7fffffff;
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | (magnitude == 0 ? 0 : (magnitude - (112u << 23)) >> 13));
}

double value16(const Type &type, uint16_t bits) {
  if (type.dl.code == kDLBfloat) {
    const uint32_t wide = uint32_t{bits} << 16;
    float value = 0;
    std::memcpy(&value, &wide, sizeof value);
    return value;
  }
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double magnitude = exponent == 31  ? (mantissa ? std::nan("") : std::numeric_limits<double>::infinity())
                           : exponent == 0 ? std::ldexp(mantissa, -24)
                                           : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** Memory for numbers of a type. */
struct Typed {
  Typed(const Type &t, const std::vector<float> &from) : type(t), wide(from.begin(), from.end()) {
    for (const float value : from) narrow.push_back(bits16(type, value));
  }
  void *data() { return type.dl.bits == 64 ? static_cast<void *>(wide.data()) : narrow.data(); }
  double operator[](size_t i) const { return type.dl.bits == 64 ? wide[i] : value16(type, narrow[i]); }

  Type type;
  std::vector<double> wide;
  std::vector<uint16_t> narrow;
};

ConvData eighths(const ConvProblem &problem, uint64_t stream) {
  ConvData data = ordinary_data(problem, stream);
  for (auto *values : {&data.input, &data.weight, &data.bias}) {
    for (float &value : *values) value = std::nearbyint(value * 8) / 8;
  }
  return data;
}

/** Strides for a shape: dimensions nested in a random order, with random gaps. */
std::vector<int64_t> random_strides(Random &random, const std::vector<int64_t> &shape, int64_t *elements) {
  std::vector<size_t> order(shape.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  random.shuffle(order);
  std::vector<int64_t> strides(shape.size());
  int64_t next = 1 + static_cast<int64_t>(random.below(2));
  for (const size_t d : order) {
    strides[d] = next;
    next = next * shape[d] + static_cast<int64_t>(random.below(4));
  }
  *elements = next;
  return strides;
}

/** A dense tensor's numbers, laid out with strides; what lies between is 99. */
struct Spread {
  Spread(Random &random, const std::vector<float> &dense, std::vector<int64_t> dims) : shape(std::move(dims)) {
    int64_t elements = 0;
    strides = random_strides(random, shape, &elements);
    memory.assign(at(elements), 99.0f);
    for (size_t i = 0; i < dense.size(); ++i) memory[place(i)] = dense[i];
  }
  size_t place(size_t index) const {
    int64_t offset = 0;
    for (size_t d = shape.size(); d-- > 0;) {
      offset += static_cast<int64_t>(index) % shape[d] * strides[d];
      index /= at(shape[d]);
    }
    return at(offset);
  }

  std::vector<int64_t> shape, strides;
  std::vector<float> memory;
};

/** The last two dimensions change places. */
std::vector<int64_t> swapped(std::vector<int64_t> dims) {
  std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
  return dims;
}

/** One row of weights to a group, and one phase: a kernel of its own, which random problems seldom reach. */
ConvProblem depthwise() {
  ConvProblem problem;
  problem.c_in = problem.c_out = problem.groups = 3;
  problem.length = 40;
  problem.kernel = 3;
  return problem;
}

}  // namespace

TEST_SUITE("conv_layouts") {
  TEST_CASE("conv: float64, float16 and bfloat16 agree with the reference, rounded once") {
    Random random(61);
    for (uint64_t i = 0; i < (quick() ? 40 : 400); ++i) {
      const ConvProblem problem = i == 0 ? depthwise() : random_problem(random);
      const ConvData data = eighths(problem, i);
      const ConvReference expected = reference(problem, data);
      for (const Type &type : types) {
        for (const Variant &variant : variants()) {
          for (halogen_conv_path path : conv_paths) {
            if (path == HALOGEN_CONV_PATH_LENGTH && !path_applies(problem, path)) continue;
            Typed input(type, data.input), weight(type, data.weight), bias(type, data.bias);
            Typed output(type, std::vector<float>(expected.output.size(), 1.0f));
            ConvCall call(problem, {input.data(), output.data(), weight.data(), bias.data()}, path);
            for (TensorView *tensor : {&call.input, &call.output, &call.weight, &call.bias}) tensor->dl.dtype = type.dl;
            const halogen_status status = call.run(context_of(variant));
            if (variant.isa == HALOGEN_ISA_V2 && type.dl.bits == 16) {
              CHECK(status == HALOGEN_ERROR_UNSUPPORTED);
              continue;
            }
            REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
            size_t wrong = 0;
            for (size_t j = 0; j < expected.output.size(); ++j) {
              // Slopes are float32 where sums are.
              const double tolerance = type.unit * std::fabs(expected.output[j]) * 1.01 +
                                       type.sum_unit * 1e6 * expected.tolerance[j] +
                                       (problem.activation == HALOGEN_ACTIVATION_TANH ? 2e-7 : 0) + 6e-8;
              if (!(std::fabs(output[j] - expected.output[j]) <= tolerance)) ++wrong;
            }
            CHECK_MESSAGE(wrong == 0, variant.name, " bits ", static_cast<int>(type.dl.bits), " code ",
                          static_cast<int>(type.dl.code), " ", describe(problem));
          }
        }
      }
    }
  }

  TEST_CASE("conv: any strides, with channels first or last, have the numbers of dense tensors") {
    Random random(62);
    for (uint64_t i = 0; i < (quick() ? 60 : 600); ++i) {
      const ConvProblem problem = random_problem(random);
      const ConvData data = ordinary_data(problem, i);
      for (const Variant &variant : variants()) {
        const std::vector<float> expected = run_conv(context_of(variant), problem, data).output;
        Spread input(random, data.input, problem.input_shape()), weight(random, data.weight, problem.weight_shape());
        Spread bias(random, data.bias, {problem.c_out});
        Spread output(random, std::vector<float>(expected.size(), 1), problem.output_shape());
        ConvCall call(problem, {input.memory.data(), output.memory.data(), weight.memory.data(), bias.memory.data()});
        const bool last = random.below(2) == 0;
        const auto arrange = [&](TensorView &tensor, const Spread &spread, bool data_tensor) {
          tensor.set_shape(last && data_tensor ? swapped(spread.shape) : spread.shape);
          tensor.set_strides(last && data_tensor ? swapped(spread.strides) : spread.strides);
        };
        arrange(call.input, input, true);
        arrange(call.output, output, true);
        arrange(call.weight, weight, false);
        arrange(call.bias, bias, false);
        if (last) call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
        const halogen_status status = call.run(context_of(variant));
        REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
        std::vector<float> untouched(output.memory.size(), 99.0f);
        size_t wrong = 0;
        for (size_t j = 0; j < expected.size(); ++j) {
          const size_t place = output.place(j);
          // tanh is not the same instructions for a vector and for a single value.
          const double tolerance = problem.activation == HALOGEN_ACTIVATION_TANH ? 3e-7 : 0;
          wrong += !(std::fabs(output.memory[place] - expected[j]) <= tolerance);
          untouched[place] = output.memory[place];
        }
        CHECK_MESSAGE(wrong == 0, variant.name, " ", describe(problem));
        CHECK_MESSAGE(same_bits(untouched, output.memory), "gaps were written: ", describe(problem));
      }
    }
  }

  TEST_CASE("conv: dense channel-last tensors") {
    ConvProblem problem;
    problem.n = 2;
    problem.c_in = 5;
    problem.c_out = 3;
    problem.kernel = 4;
    problem.stride = 2;
    problem.length = 70;
    const ConvData data = ordinary_data(problem, 1);
    const int64_t out = problem.out_length();
    for (const Variant &variant : variants()) {
      const std::vector<float> expected = run_conv(context_of(variant), problem, data).output;
      std::vector<float> input(data.input.size()), output(expected.size());
      for (int64_t i = 0; i < static_cast<int64_t>(input.size()); ++i) {
        const int64_t l = i % 70, c = i / 70 % 5, n = i / 350;
        input[at((n * 70 + l) * 5 + c)] = data.input[at(i)];
      }
      ConvData own = data;
      ConvCall call(problem, {input.data(), output.data(), own.weight.data(), own.bias.data()});
      call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
      call.input.set_shape({2, 70, 5});
      call.output.set_shape({2, out, 3});
      REQUIRE(call.run(context_of(variant)) == HALOGEN_OK);
      for (int64_t i = 0; i < static_cast<int64_t>(output.size()); ++i) {
        const int64_t t = i % out, c = i / out % 3, n = i / out / 3;
        CHECK(output[at((n * out + t) * 3 + c)] == expected[at(i)]);
      }
    }
  }
}
