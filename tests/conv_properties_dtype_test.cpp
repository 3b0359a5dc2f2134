// What must hold of a transposed convolution of any dtype: it is linear in the input, the weights and the bias, and a plain convolution
// of its input with zeros between.
#include <doctest/doctest.h>

#include <cmath>

#include "support/conv_typed.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

/** Random parameters without what is not linear. */
ConvProblem linear_problem(Random &random) {
  ConvProblem problem = random_problem(random);
  problem.activation = problem.input_activation = HALOGEN_ACTIVATION_NONE;
  return problem;
}

/** -1, 0 or 1: few sums are beyond the integers that bfloat16 has. */
std::vector<float> signs(Random &random, size_t count) {
  std::vector<float> values(count);
  for (float &value : values) value = static_cast<float>(random.below(3)) - 1;
  return values;
}

ConvData sign_data(const ConvProblem &problem, uint64_t stream) {
  Random random(stream);
  return {signs(random, at(element_count(problem.input_shape()))),
          signs(random, at(element_count(problem.weight_shape()))), signs(random, at(problem.c_out))};
}

/** What the operator is by definition, gathered: zeros are put between the inputs, and a convolution of stride 1 slides over them.
 * (reference() scatters, and knows strides.) */
std::vector<double> plain_convolution(const ConvProblem &p, const ConvData &data) {
  const int64_t wide = (p.length - 1) * p.stride + 1, out_length = p.out_length();
  const int64_t group_in = p.c_in / p.groups, group_out = p.c_out / p.groups;
  std::vector<double> upsampled(at(p.n * p.c_in * wide)), output;
  for (int64_t row = 0; row < p.n * p.c_in; ++row) {
    for (int64_t l = 0; l < p.length; ++l) {
      upsampled[at(row * wide + l * p.stride)] = data.input[at(row * p.length + l)];
    }
  }
  for (int64_t n = 0; n < p.n; ++n) {
    for (int64_t co = 0; co < p.c_out; ++co) {
      for (int64_t t = 0; t < out_length; ++t) {
        double sum = p.bias ? data.bias[at(co)] : 0;
        for (int64_t i = 0; i < group_in; ++i) {
          const int64_t ci = co / group_out * group_in + i;
          for (int64_t k = 0; k < p.kernel; ++k) {
            const int64_t u = t + p.pad_left - k * p.dilation;
            if (u < 0 || u >= wide) continue;
            sum += data.weight[at((ci * group_out + co % group_out) * p.kernel + k)] *
                   upsampled[at((n * p.c_in + ci) * wide + u)];
          }
        }
        output.push_back(sum);
      }
    }
  }
  return output;
}

/** All integers up to this, and their sums, are numbers of the dtype. */
double exact_up_to(DLDataType dtype) { return same(dtype, float16) ? 2048 : same(dtype, bfloat16) ? 256 : 16777216; }

/** How many places were compared, of how many: what is beyond a small type's integers is left out, but may not be much. */
struct Compared {
  size_t of = 0, compared = 0, wrong = 0;
};

template <typename Check>
void for_each_problem(uint64_t stream, const Check &check) {
  Random random(stream);
  for (uint64_t i = 0; i < (quick() ? 10 : 100); ++i) {
    const ConvProblem problem = linear_problem(random);
    for (const DLDataType dtype : float_types) {
      for (const Variant &variant : variants_of(dtype)) {
        INFO(describe(variant, dtype, problem));
        check(variant, dtype, problem, i);
      }
    }
  }
}

/** 2 a - 3 b, place by place. */
std::vector<float> combined(const std::vector<float> &a, const std::vector<float> &b) {
  std::vector<float> result(a.size());
  for (size_t i = 0; i < a.size(); ++i) result[i] = 2 * a[i] - 3 * b[i];
  return result;
}

/** f(2 a - 3 b) is 2 f(a) - 3 f(b) where `vary` is what f takes; what f has beside it is the same thrice. */
void check_linear(uint64_t stream, bool bias, std::vector<float> ConvData::*vary) {
  Compared all;
  for_each_problem(stream, [&](const Variant &variant, DLDataType dtype, ConvProblem problem, uint64_t i) {
    problem.bias = bias;
    const ConvData a = sign_data(problem, i);
    ConvData b = a, both = a;
    b.*vary = sign_data(problem, i + 1000).*vary;
    both.*vary = combined(a.*vary, b.*vary);
    const Numbers ya = typed_output(context_of(variant), dtype, problem, a),
                  yb = typed_output(context_of(variant), dtype, problem, b),
                  y = typed_output(context_of(variant), dtype, problem, both);
    Compared here;
    for (size_t j = 0; j < y.size(); ++j) {
      ++here.of;
      const double expected = 2 * ya[j] - 3 * yb[j], most = exact_up_to(dtype);
      // Beyond, all three may have been rounded. A NaN is not beyond.
      if (std::fabs(ya[j]) >= most || std::fabs(yb[j]) >= most || std::fabs(expected) >= most) continue;
      ++here.compared;
      here.wrong += !(y[j] == expected);
    }
    CHECK(here.wrong == 0);
    all.of += here.of;
    all.compared += here.compared;
  });
  CHECK(all.compared >= all.of / 10 * 9);
}

}  // namespace

TEST_SUITE("conv_properties") {
  TEST_CASE("conv: in every type, a plain convolution of the input with zeros between, rounded once") {
    for_each_problem(21, [](const Variant &variant, DLDataType dtype, const ConvProblem &problem, uint64_t stream) {
      const ConvData data = integer_data(problem, stream);
      const std::vector<double> expected = plain_convolution(problem, data);
      for (const halogen_conv_path path : {HALOGEN_CONV_PATH_ROWS, HALOGEN_CONV_PATH_LENGTH}) {
        if (!path_applies(problem, path)) continue;
        const Numbers got = typed_output(context_of(variant), dtype, problem, data, path);
        REQUIRE(got.size() == expected.size());
        size_t wrong = 0;
        for (size_t j = 0; j < expected.size(); ++j) wrong += !(got[j] == rounded(expected[j], dtype));
        CHECK_MESSAGE(wrong == 0, "path ", path);
      }
    });
  }

  TEST_CASE("conv: in every type, linear in the input") { check_linear(22, false, &ConvData::input); }

  TEST_CASE("conv: in every type, linear in the weights") { check_linear(23, false, &ConvData::weight); }

  TEST_CASE("conv: in every type, a bias is added to what the call without it gives") {
    Compared all;
    for_each_problem(24, [&](const Variant &variant, DLDataType dtype, ConvProblem problem, uint64_t stream) {
      problem.bias = true;
      ConvData data = sign_data(problem, stream), without = data, more = data;
      without.bias.assign(without.bias.size(), 0);
      for (float &value : more.bias) value = -7 * value + 5;
      const auto output = [&](const ConvData &d) { return typed_output(context_of(variant), dtype, problem, d); };
      const Numbers y0 = output(without), y1 = output(data), y2 = output(more);
      const int64_t length = problem.out_length();
      const double most = exact_up_to(dtype) - 16;
      size_t wrong = 0;
      for (size_t j = 0; j < y0.size(); ++j) {
        ++all.of;
        if (std::fabs(y0[j]) >= most) continue;
        ++all.compared;
        const size_t channel = j / at(length) % at(problem.c_out);
        wrong += !(y1[j] == y0[j] + data.bias[channel]) || !(y2[j] == y0[j] + more.bias[channel]);
      }
      CHECK(wrong == 0);
    });
    CHECK(all.compared >= all.of / 10 * 9);
  }
}
