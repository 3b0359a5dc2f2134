#include "norm_problem.h"

#include <algorithm>
#include <sstream>

#include "random.h"

namespace halogen_tests {

int64_t NormProblem::s() const {
  int64_t product = 1;
  for (size_t i = 2; i < shape.size(); ++i) product *= shape[i];
  return product;
}

NormData ordinary_data(const NormProblem &problem, uint64_t stream) {
  Random random(stream);
  const size_t channels = static_cast<size_t>(problem.c());
  const size_t row = static_cast<size_t>(problem.s());
  const auto vector = [&](double low, double high) {
    Values values(channels);
    for (double &value : values) value = rounded(random.uniform(low, high), problem.parameter_type());
    return values;
  };
  NormData data;
  data.weight = vector(-2, 2);
  data.bias = vector(-2, 2);
  data.mean = vector(-2, 2);
  data.var = vector(0.25, 4);
  data.running_mean = vector(-1, 1);
  data.running_var = vector(0.5, 2);
  data.input.resize(static_cast<size_t>(problem.n()) * channels * row);
  for (size_t i = 0; i < data.input.size(); ++i) {
    const size_t channel = i / row % channels;
    data.input[i] = rounded(data.mean[channel] + data.var[channel] * random.uniform(-1, 1), problem.dtype);
  }
  if (problem.residual) {
    data.residual.resize(data.input.size());
    for (double &value : data.residual) value = rounded(random.uniform(-2, 2), problem.dtype);
  }
  const auto repeat_first_sample = [&](Values &values) {
    const size_t sample = channels * row;
    for (size_t i = sample; i < values.size(); ++i) values[i] = values[i - sample];
  };
  if (problem.input_place == Place::broadcast) repeat_first_sample(data.input);
  if (problem.residual_place == Place::broadcast) repeat_first_sample(data.residual);
  return data;
}

void round_to_types(const NormProblem &problem, NormData &data) {
  for (Values *values : {&data.input, &data.residual}) {
    for (double &value : *values) value = rounded(value, problem.dtype);
  }
  for (Values *values : {&data.weight, &data.bias, &data.mean, &data.var, &data.running_mean, &data.running_var}) {
    for (double &value : *values) value = rounded(value, problem.parameter_type());
  }
}

std::string describe(const NormProblem &problem) {
  static const char *const scopes[] = {"?", "batch", "instance", "group"};
  static const char *const activations[] = {"", " relu", " leaky relu "};
  std::ostringstream text;
  text << short_name(problem.dtype) << " shape (";
  for (size_t i = 0; i < problem.shape.size(); ++i) text << (i ? "," : "") << problem.shape[i];
  text << ") scope " << scopes[std::clamp<int>(problem.scope, 0, 3)];
  if (problem.num_groups) text << " groups " << problem.num_groups;
  text << (problem.given ? " given statistics" : "") << (problem.weight ? " weight" : "")
       << (problem.bias ? " bias" : "") << (problem.float_vectors ? " of f32" : "");
  if (problem.running == Running::biased) text << " running biased";
  if (problem.running == Running::unbiased) text << " running unbiased";
  if (problem.saved) text << " saved";
  text << " x " << place_name(problem.input_place) << " y " << place_name(problem.output_place);
  if (problem.residual) text << " residual " << place_name(problem.residual_place);
  text << activations[std::clamp<int>(problem.activation, 0, 2)];
  if (problem.activation == HALOGEN_ACTIVATION_LEAKY_RELU) text << problem.negative_slope;
  if (problem.named_last) text << " named channel-last";
  text << " eps " << problem.eps << " seed " << base_seed();
  return text.str();
}

std::vector<int64_t> shape_of(int64_t n, int64_t c, int64_t s, size_t pick) {
  if (s == 1 && pick % 2 == 0) return {n, c};
  std::vector<int64_t> shape{n, c};
  const size_t further = 1 + pick % 6;
  // Smallest factors first, ones where they run out; what is left goes to the end.
  while (shape.size() < 1 + further) {
    int64_t factor = 1;
    for (int64_t candidate : {2, 3, 5, 7}) {
      if (s > candidate && s % candidate == 0) {
        factor = candidate;
        break;
      }
    }
    shape.push_back(factor);
    s /= factor;
  }
  shape.push_back(s);
  return shape;
}

}  // namespace halogen_tests
