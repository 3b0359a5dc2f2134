#include "norm_gradients.h"

#include <cmath>
#include <vector>

#include "norm_gradient_kernels.h"
#include "norm_run.h"
#include "random.h"

namespace halogen_tests {

namespace {

/** Sums over one statistic set, or for parameters over one channel. */
struct Sums {
  double gradient = 0, product = 0, gradient_size = 0, product_size = 0, count = 0;
  /** As product_size, less what the mean's rounding adds. */
  double exact_size = 0;
  /** What roundings of the terms by one unit would add up to. */
  double units = 0;
};

size_t set_of(const NormProblem &p, size_t n, size_t c) {
  if (p.given || p.scope == HALOGEN_NORM_SCOPE_BATCH) return c;
  const size_t sets =
      p.scope == HALOGEN_NORM_SCOPE_GROUP ? static_cast<size_t>(p.num_groups) : static_cast<size_t>(p.c());
  return n * sets + c / (static_cast<size_t>(p.c()) / sets);
}

size_t set_count(const NormProblem &p) {
  if (p.given || p.scope == HALOGEN_NORM_SCOPE_BATCH) return static_cast<size_t>(p.c());
  return static_cast<size_t>(p.n() * (p.scope == HALOGEN_NORM_SCOPE_GROUP ? p.num_groups : p.c()));
}

/** visit(element, channel, set) */
template <typename Visit>
void for_each_element(const NormProblem &p, const Visit &visit) {
  const size_t S = static_cast<size_t>(p.s()), C = static_cast<size_t>(p.c());
  for (size_t row = 0; row < static_cast<size_t>(p.n()) * C; ++row) {
    for (size_t i = 0; i < S; ++i) visit(row * S + i, row % C, set_of(p, row / C, row % C));
  }
}

/** The mean is the sum of two numbers. */
struct Statistics {
  Values mean, rest, rstd;
};

template <typename Real>
Statistics computed_statistics(const NormProblem &p, const Values &x) {
  std::vector<Real> mean(set_count(p)), var(set_count(p)), count(set_count(p));
  for_each_element(p, [&](size_t i, size_t, size_t set) {
    mean[set] += x[i];
    count[set] += 1;
  });
  for (size_t set = 0; set < count.size(); ++set) mean[set] /= count[set];
  for_each_element(
      p, [&](size_t i, size_t, size_t set) { var[set] += (x[i] - mean[set]) * (x[i] - mean[set]) / count[set]; });
  Statistics st;
  for (size_t set = 0; set < count.size(); ++set) {
    st.mean.push_back(static_cast<double>(mean[set]));
    st.rest.push_back(static_cast<double>(mean[set] - static_cast<Real>(st.mean.back())));
    st.rstd.push_back(static_cast<double>(1 / std::sqrt(var[set] + static_cast<Real>(p.eps))));
  }
  return st;
}

/** float64's have more digits than those, as in the forward pass. */
Statistics statistics(const NormProblem &p, const GradientData &data) {
  const Values none(set_count(p));
  if (p.saved && !p.given) return {data.saved_mean, none, data.saved_rstd};
  if (!p.given) {
    return same(p.dtype, float64) ? computed_statistics<long double>(p, data.forward.input)
                                  : computed_statistics<double>(p, data.forward.input);
  }
  Statistics st{data.forward.mean, none, none};
  for (size_t set = 0; set < st.rstd.size(); ++set) st.rstd[set] = 1 / std::sqrt(data.forward.var[set] + p.eps);
  return st;
}

double masked(const NormProblem &p, double output, double gradient) {
  if (p.activation == HALOGEN_ACTIVATION_NONE || !(output <= 0)) return gradient;
  return p.negative_slope * gradient;
}

std::string differs(const char *name, bool wished, const Values &got, const Values &expected, const Values &tolerance) {
  if (wished) return compare(name, got, expected, tolerance);
  for (const double value : got) {
    if (!std::isnan(value)) return std::string(name) + " was not asked for, but written";
  }
  return "";
}

}  // namespace

GradientData::GradientData(const NormProblem &p, uint64_t stream) : forward(ordinary_data(p, stream)) {
  Random random(stream + 77);
  const auto numbers = [&](size_t count, DLDataType dtype, double low, double high) {
    Values values(count);
    for (double &value : values) value = rounded(random.uniform(low, high), dtype);
    return values;
  };
  grad_output = numbers(forward.input.size(), p.dtype, -1, 1.2);
  output = numbers(forward.input.size(), p.dtype, -1, 1);
  // Zero is where the mask changes.
  for (size_t i = 0; i < output.size(); i += 11) output[i] = 0;
  saved_mean = numbers(set_count(p), p.compute_type(), -2, 2);
  saved_rstd = numbers(set_count(p), p.compute_type(), 0.5, 2);
}

GradientReference reference_gradients(const NormProblem &p, const GradientData &data) {
  const double u = same(p.dtype, float64) ? 1e-14 : 1e-6;
  const Statistics st = statistics(p, data);
  const Values &x = data.forward.input;
  const size_t C = static_cast<size_t>(p.c());
  std::vector<Sums> sets(set_count(p)), channels(C);
  const auto weight = [&](size_t c) { return p.weight ? data.forward.weight[c] : 1.0; };
  const auto normalise = [&](size_t i, size_t set) { return (x[i] - st.mean[set] - st.rest[set]) * st.rstd[set]; };
  // In float64 the mean is one number, and its rounding is in every x - mean. One that was computed is off by as much where it is near 0
  // and the data are not: the deviation is in the bound, as in the forward pass's.
  const bool wide = same(p.dtype, float64);
  const auto size_of_mean = [&](size_t set) {
    const double computed = p.saved || p.given ? 0 : 1;
    return wide ? computed + std::fabs(st.mean[set]) * st.rstd[set] : 0;
  };
  for_each_element(p, [&](size_t i, size_t c, size_t set) {
    const double g = masked(p, data.output[i], data.grad_output[i]), normalised = normalise(i, set);
    const double size = std::fabs(normalised) + size_of_mean(set);
    const auto add = [&](Sums &sums, double factor) {
      sums.gradient += g * factor;
      sums.product += g * factor * normalised;
      sums.gradient_size += std::fabs(g * factor);
      sums.product_size += std::fabs(g * factor) * size;
      sums.exact_size += std::fabs(g * factor * normalised);
      sums.count += 1;
      sums.units += std::fabs(normalised);
    };
    add(sets[set], weight(c));
    add(channels[c], 1);
  });
  GradientReference result;
  for_each_element(p, [&](size_t i, size_t c, size_t set) {
    const Sums &sums = sets[set];
    const double g = masked(p, data.output[i], data.grad_output[i]), normalised = normalise(i, set);
    double gradient = g * weight(c), size = std::fabs(gradient);
    if (!p.given) {
      gradient -= (sums.gradient + normalised * sums.product) / sums.count;
      size += (sums.gradient_size + std::fabs(normalised) * sums.product_size) / sums.count;
      size += size_of_mean(set) * sums.exact_size / sums.count;
    }
    result.input.push_back(gradient * st.rstd[set]);
    result.input_tolerance.push_back(u * size * st.rstd[set] + half_ulp(result.input.back(), p.dtype));
    result.residual.push_back(g);
    result.residual_tolerance.push_back(u * std::fabs(g) + half_ulp(g, p.dtype));
    // An activation's gradient is rounded before the others are computed from it.
    if (p.activation != HALOGEN_ACTIVATION_NONE && p.half()) {
      result.input_tolerance.back() +=
          (4 * half_ulp(1, p.dtype) * size + 2 * half_ulp(0, p.dtype) * (1 + std::fabs(weight(c)))) * st.rstd[set];
    }
  });
  for (size_t c = 0; c < C; ++c) {
    const double rounding = p.activation != HALOGEN_ACTIVATION_NONE && p.half() ? half_ulp(1, p.dtype) : 0;
    result.weight.push_back(channels[c].product);
    result.bias.push_back(channels[c].gradient);
    // Below the smallest normal number an activation's gradient is rounded by more than that part of it.
    const double least = rounding > 0 ? half_ulp(0, p.dtype) : 0;
    result.weight_tolerance.push_back((u + rounding) * channels[c].product_size + least * channels[c].units +
                                      half_ulp(channels[c].product, p.parameter_type()));
    result.bias_tolerance.push_back((u + rounding) * channels[c].gradient_size + least * channels[c].count +
                                    half_ulp(channels[c].gradient, p.parameter_type()));
  }
  return result;
}

std::string verify_gradients(const NormProblem &p, const GradientReference &expected, const GradientResult &result,
                             const GradientWish &wish, const std::string &isa) {
  std::string wrong;
  if (result.status != HALOGEN_OK) {
    wrong = std::string(halogen_status_name(result.status)) + ": " + result.message;
  } else if (!expected.input.empty() && result.ran.isa != isa) {
    wrong = std::string("ran as '") + result.ran.isa + "'";
  } else if (!result.gaps_intact) {
    wrong = "bytes beside the elements were written";
  }
  const bool own = wish.input_is == GradientWish::InputIs::own;
  if (wrong.empty() && (wish.input || own)) {
    wrong = differs("grad_input", wish.input, result.input, expected.input, expected.input_tolerance);
  }
  if (wrong.empty()) {
    wrong = differs("grad_residual", wish.residual, result.residual, expected.residual, expected.residual_tolerance);
  }
  if (wrong.empty()) {
    wrong = differs("grad_weight", wish.weight, result.weight, expected.weight, expected.weight_tolerance);
  }
  if (wrong.empty()) wrong = differs("grad_bias", wish.bias, result.bias, expected.bias, expected.bias_tolerance);
  return wrong.empty() ? wrong : isa + " backward, " + describe(p) + ", ran " + result.ran.kernels + ": " + wrong;
}

std::string verify_gradients(const NormProblem &p, const GradientReference &expected, const GradientResult &result,
                             const GradientWish &wish, const std::string &isa, halogen_norm_path path) {
  std::string wrong = verify_gradients(p, expected, result, wish, isa);
  if (wrong.empty()) wrong = unexpected_kernels(p, wish, path, result);
  return wrong.empty() ? wrong : "path " + path_name(path) + ": " + wrong;
}

}  // namespace halogen_tests
