#include "conv_problem.h"

#include <cmath>
#include <numeric>
#include <sstream>

#include "tensor.h"

namespace halogen_tests {

namespace {

template <typename Draw>
ConvData data_of(const ConvProblem &problem, const Draw &draw) {
  ConvData data;
  data.input.resize(static_cast<size_t>(element_count(problem.input_shape())));
  data.weight.resize(static_cast<size_t>(element_count(problem.weight_shape())));
  data.bias.resize(static_cast<size_t>(problem.c_out));
  for (auto *values : {&data.input, &data.weight, &data.bias}) {
    for (float &value : *values) value = draw();
  }
  return data;
}

double activated(const ConvProblem &problem, double v) {
  switch (problem.activation) {
    case HALOGEN_ACTIVATION_RELU:
      return v < 0 ? 0 : v;
    case HALOGEN_ACTIVATION_LEAKY_RELU:
      return v < 0 ? v * problem.slope : v;
    case HALOGEN_ACTIVATION_TANH:
      return std::tanh(v);
    case HALOGEN_ACTIVATION_NONE:
      break;
  }
  return v;
}

}  // namespace

int64_t ConvProblem::phases() const { return stride / std::gcd(stride, dilation); }

std::vector<int64_t> ConvProblem::input_shape() const {
  return batched ? std::vector<int64_t>{n, c_in, length} : std::vector<int64_t>{c_in, length};
}

std::vector<int64_t> ConvProblem::output_shape() const {
  return batched ? std::vector<int64_t>{n, c_out, out_length()} : std::vector<int64_t>{c_out, out_length()};
}

ConvData ordinary_data(const ConvProblem &problem, uint64_t stream) {
  Random random(stream);
  return data_of(problem, [&] { return static_cast<float>(random.uniform(-1, 1)); });
}

ConvData integer_data(const ConvProblem &problem, uint64_t stream) {
  Random random(stream);
  return data_of(problem, [&] { return static_cast<float>(random.below(7)) - 3; });
}

ConvProblem random_problem(Random &random) {
  const auto up_to = [&](size_t most) { return 1 + static_cast<int64_t>(random.below(most)); };
  ConvProblem p;
  do {
    p.n = up_to(3);
    p.groups = random.below(3) == 0 ? up_to(4) : 1;
    p.c_in = p.groups * up_to(random.below(4) == 0 ? 40 : 6);
    p.c_out = p.groups * up_to(random.below(4) == 0 ? 40 : 6);
    p.length = up_to(random.below(4) == 0 ? 150 : 20);
    p.kernel = up_to(random.below(4) == 0 ? 40 : 9);
    p.stride = up_to(random.below(4) == 0 ? 40 : 8);
    p.dilation = random.below(3) == 0 ? up_to(6) : 1;
    p.pad_left = static_cast<int64_t>(random.below(12)) - 4;
    p.pad_right = static_cast<int64_t>(random.below(12)) - 4;
  } while (p.out_length() < 1);
  p.batched = p.n > 1 || random.below(3) != 0;
  p.bias = random.below(3) != 0;
  p.activation = static_cast<halogen_activation>(random.below(4));
  p.input_activation = random.below(3) == 0 ? HALOGEN_ACTIVATION_LEAKY_RELU : HALOGEN_ACTIVATION_NONE;
  return p;
}

ConvProblem exact_problem(Random &random, double slope) {
  ConvProblem p = random_problem(random);
  if (p.activation == HALOGEN_ACTIVATION_TANH) p.activation = HALOGEN_ACTIVATION_NONE;
  p.input_slope = 0.5;
  p.slope = slope;
  return p;
}

ConvProblem conv_shape(int64_t n, int64_t c_in, int64_t c_out, int64_t kernel, int64_t stride, int64_t pad,
                       int64_t length, int64_t groups) {
  ConvProblem p;
  p.n = n;
  p.c_in = c_in;
  p.c_out = c_out;
  p.kernel = kernel;
  p.stride = stride;
  p.pad_left = p.pad_right = pad;
  p.length = length;
  p.groups = groups;
  return p;
}

ConvReference reference(const ConvProblem &p, const ConvData &data) {
  const auto at = [](int64_t i) { return static_cast<size_t>(i); };
  const int64_t out_length = p.out_length(), group_in = p.c_in / p.groups, group_out = p.c_out / p.groups;
  ConvReference result;
  result.output.assign(at(p.n * p.c_out * out_length), 0);
  std::vector<double> magnitude(result.output.size(), 0);
  for (int64_t n = 0; n < p.n; ++n) {
    for (int64_t ci = 0; ci < p.c_in; ++ci) {
      for (int64_t l = 0; l < p.length; ++l) {
        double x = data.input[at((n * p.c_in + ci) * p.length + l)];
        if (p.input_activation == HALOGEN_ACTIVATION_LEAKY_RELU && x < 0) x *= static_cast<float>(p.input_slope);
        for (int64_t co = 0; co < group_out; ++co) {
          const float *w = &data.weight[at((ci * group_out + co) * p.kernel)];
          const int64_t row = (n * p.c_out + ci / group_in * group_out + co) * out_length;
          int64_t t = l * p.stride - p.pad_left;
          for (int64_t k = 0; k < p.kernel; ++k, t += p.dilation) {
            if (t < 0 || t >= out_length) continue;
            const double product = w[k] * x;
            result.output[at(row + t)] += product;
            magnitude[at(row + t)] += std::fabs(product);
          }
        }
      }
    }
  }
  result.tolerance.resize(result.output.size());
  for (size_t i = 0; i < result.output.size(); ++i) {
    const double bias = p.bias ? data.bias[i / at(out_length) % at(p.c_out)] : 0;
    result.output[i] = activated(p, result.output[i] + bias);
    result.tolerance[i] = 1e-6 * (magnitude[i] + std::fabs(bias));
    if (p.activation == HALOGEN_ACTIVATION_TANH) result.tolerance[i] += 2e-7;
  }
  return result;
}

std::string describe(const ConvProblem &p) {
  std::ostringstream text;
  text << p.c_in << "->" << p.c_out << " k " << p.kernel << " s " << p.stride << " d " << p.dilation << " groups "
       << p.groups << " pad " << p.pad_left << "," << p.pad_right << " n " << p.n << " L " << p.length;
  if (!p.batched) text << " unbatched";
  if (p.bias) text << " bias";
  if (p.input_activation != HALOGEN_ACTIVATION_NONE) text << " input activation " << p.input_activation;
  if (p.activation != HALOGEN_ACTIVATION_NONE) text << " activation " << p.activation;
  text << " seed " << base_seed();
  return text.str();
}

}  // namespace halogen_tests
