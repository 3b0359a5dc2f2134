#include "conv_gradients.h"

#include <cmath>

#include "coverage.h"
#include "crash_note.h"

namespace halogen_tests {

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

template <typename Draw>
ConvBackwardData backward_data(const ConvProblem &problem, const ConvData &data, const Draw &draw) {
  ConvBackwardData backward;
  const std::vector<double> output = reference(problem, data).output;
  backward.output.assign(output.begin(), output.end());
  backward.grad_output.resize(output.size());
  for (float &value : backward.grad_output) value = draw();
  return backward;
}

/** The derivative of the activation at its result. */
double derivative(const ConvProblem &p, double y) {
  switch (p.activation) {
    case HALOGEN_ACTIVATION_RELU:
      return y <= 0 ? 0 : 1;
    case HALOGEN_ACTIVATION_LEAKY_RELU:
      return y <= 0 ? static_cast<float>(p.slope) : 1;
    case HALOGEN_ACTIVATION_TANH:
      return 1 - y * y;
    case HALOGEN_ACTIVATION_NONE:
      break;
  }
  return 1;
}

ConvGradients<double> zeros(const ConvProblem &p) {
  return {std::vector<double>(at(element_count(p.input_shape()))),
          std::vector<double>(at(element_count(p.weight_shape()))), std::vector<double>(at(p.c_out))};
}

}  // namespace

ConvBackwardData ordinary_backward_data(const ConvProblem &problem, const ConvData &data, uint64_t stream) {
  Random random(stream + 7000);
  return backward_data(problem, data, [&] { return static_cast<float>(random.uniform(-1, 1)); });
}

ConvBackwardData integer_backward_data(const ConvProblem &problem, const ConvData &data, uint64_t stream) {
  Random random(stream + 7000);
  return backward_data(problem, data, [&] { return static_cast<float>(random.below(7)) - 3; });
}

ConvGradientReference gradient_reference(const ConvProblem &p, const ConvData &data, const ConvBackwardData &backward) {
  const int64_t out_length = p.out_length(), group_in = p.c_in / p.groups, group_out = p.c_out / p.groups;
  ConvGradientReference r = {zeros(p), zeros(p)};
  std::vector<double> g(backward.grad_output.size());
  for (size_t i = 0; i < g.size(); ++i) {
    g[i] = backward.grad_output[i] * derivative(p, backward.output[i]);
    const size_t co = i / at(out_length) % at(p.c_out);
    r.value.bias[co] += g[i];
    r.magnitude.bias[co] += std::fabs(g[i]);
  }
  const bool leaky = p.input_activation == HALOGEN_ACTIVATION_LEAKY_RELU;
  for (int64_t row = 0; row < p.n * p.c_in; ++row) {
    const int64_t n = row / p.c_in, ci = row % p.c_in;
    for (int64_t l = 0; l < p.length; ++l) {
      const size_t to = at(row * p.length + l);
      const double input = data.input[to], slope = static_cast<float>(p.input_slope);
      const double x = leaky && input < 0 ? input * slope : input;
      double sum = 0, magnitude = 0;
      for (int64_t co = 0; co < group_out; ++co) {
        const int64_t g_row = (n * p.c_out + ci / group_in * group_out + co) * out_length;
        const int64_t w_row = (ci * group_out + co) * p.kernel;
        int64_t t = l * p.stride - p.pad_left;
        for (int64_t k = 0; k < p.kernel; ++k, t += p.dilation) {
          if (t < 0 || t >= out_length) continue;
          const double gradient = g[at(g_row + t)], of_input = data.weight[at(w_row + k)] * gradient;
          sum += of_input;
          magnitude += std::fabs(of_input);
          r.value.weight[at(w_row + k)] += x * gradient;
          r.magnitude.weight[at(w_row + k)] += std::fabs(x * gradient);
        }
      }
      const double factor = leaky && input <= 0 ? slope : 1;
      r.value.input[to] = sum * factor;
      r.magnitude.input[to] = magnitude * factor;
    }
  }
  return r;
}

ConvBackwardCall::ConvBackwardCall(const ConvProblem &p, const ConvBackwardMemory &memory, halogen_conv_path path)
    : input(memory.input, p.input_shape()),
      weight(memory.weight, p.weight_shape()),
      grad_output(memory.grad_output, p.output_shape()),
      output(memory.output, p.output_shape()),
      grad_input(memory.grad_input, p.input_shape()),
      grad_weight(memory.grad_weight, p.weight_shape()),
      grad_bias(memory.grad_bias, {p.c_out}),
      description_(describe(p)) {
  args.input = &input.dl;
  args.weight = &weight.dl;
  args.grad_output = &grad_output.dl;
  args.output = &output.dl;
  if (memory.grad_input != nullptr) args.grad_input = &grad_input.dl;
  if (memory.grad_weight != nullptr) args.grad_weight = &grad_weight.dl;
  if (memory.grad_bias != nullptr) args.grad_bias = &grad_bias.dl;
  args.stride = p.stride;
  args.dilation = p.dilation;
  args.groups = p.groups;
  args.pad_left = p.pad_left;
  args.pad_right = p.pad_right;
  args.input_activation = p.input_activation;
  args.activation = p.activation;
  args.input_slope = p.input_slope;
  args.activation_slope = p.slope;
  args.path = path;
  args.ran = &ran;
}

halogen_status ConvBackwardCall::run(halogen_context *context) {
  const char *isa = "";
  halogen_context_isa(context, nullptr, &isa, nullptr);
  note_running(std::string(isa) + " backward path " + std::to_string(args.path) + ", " + description_);
  const halogen_status status = halogen_conv_transpose1d_backward(context, &args, &error);
  if (status == HALOGEN_OK) record_ran(ran);
  return status;
}

ConvBackwardResult run_backward(halogen_context *context, const ConvProblem &problem, const ConvData &data,
                                const ConvBackwardData &backward, halogen_conv_path path, const Wanted &wanted) {
  ConvData own = data;
  ConvBackwardData own_backward = backward;
  ConvBackwardResult result;
  const auto memory_of = [](std::vector<float> &to, bool asked, size_t count) {
    to.assign(asked ? count : 0, std::nanf(""));
    return asked ? to.data() : nullptr;
  };
  ConvGradients<float> &g = result.gradients;
  ConvBackwardCall call(
      problem,
      {own.input.data(), own.weight.data(), own_backward.grad_output.data(), own_backward.output.data(),
       memory_of(g.input, wanted.input, own.input.size()), memory_of(g.weight, wanted.weight, own.weight.size()),
       memory_of(g.bias, wanted.bias, own.bias.size())},
      path);
  result.status = call.run(context);
  result.message = call.error.message;
  result.ran = call.ran;
  return result;
}

std::string verify(const ConvProblem &problem, const ConvGradientReference &expected, const ConvBackwardResult &result,
                   const std::string &isa, double unit) {
  std::string wrong;
  const auto agree = [&](const char *name, const std::vector<float> &got, const std::vector<double> &value,
                         std::vector<double> tolerance) {
    if (!wrong.empty() || got.empty()) return;
    for (double &t : tolerance) t *= unit;
    wrong = compare(name, got, value, tolerance);
  };
  if (result.status != HALOGEN_OK) {
    wrong = std::string(halogen_status_name(result.status)) + ": " + result.message;
  } else if (result.ran.isa != isa) {
    wrong = std::string("ran as '") + result.ran.isa + "'";
  }
  agree("grad_input", result.gradients.input, expected.value.input, expected.magnitude.input);
  agree("grad_weight", result.gradients.weight, expected.value.weight, expected.magnitude.weight);
  agree("grad_bias", result.gradients.bias, expected.value.bias, expected.magnitude.bias);
  if (wrong.empty()) return wrong;
  return isa + " ran '" + result.ran.kernels + "', " + describe(problem) + ": " + wrong;
}

bool same_bits(const ConvGradients<float> &a, const ConvGradients<float> &b) {
  return same_bits(a.input, b.input) && same_bits(a.weight, b.weight) && same_bits(a.bias, b.bias);
}

}  // namespace halogen_tests
