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
    std::vector<float> values(channels);
    for (float &value : values) value = static_cast<float>(random.uniform(low, high));
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
    data.input[i] = static_cast<float>(data.mean[channel] + data.var[channel] * random.uniform(-1, 1));
  }
  return data;
}

std::string describe(const NormProblem &problem) {
  static const char *const scopes[] = {"?", "batch", "instance", "group"};
  std::ostringstream text;
  text << "shape (";
  for (size_t i = 0; i < problem.shape.size(); ++i) text << (i ? "," : "") << problem.shape[i];
  text << ") scope " << scopes[std::clamp<int>(problem.scope, 0, 3)];
  if (problem.num_groups) text << " groups " << problem.num_groups;
  text << (problem.given ? " given statistics" : "") << (problem.weight ? " weight" : "")
       << (problem.bias ? " bias" : "");
  if (problem.running == Running::biased) text << " running biased";
  if (problem.running == Running::unbiased) text << " running unbiased";
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
