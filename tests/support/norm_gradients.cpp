#include "norm_gradients.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "coverage.h"
#include "norm_kernels.h"
#include "norm_run.h"
#include "random.h"

namespace halogen_tests {

namespace {

/** Sums over one statistic set, or for parameters over one channel. */
struct Sums {
  double gradient = 0, product = 0, gradient_size = 0, product_size = 0, count = 0;
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

struct Statistics {
  Values mean, rstd;
};

Statistics statistics(const NormProblem &p, const GradientData &data) {
  if (p.saved && !p.given) return {data.saved_mean, data.saved_rstd};
  const Values &x = data.forward.input;
  Statistics st{Values(set_count(p)), Values(set_count(p))};
  Values count(set_count(p)), var(set_count(p));
  if (p.given) {
    st.mean = data.forward.mean;
    var = data.forward.var;
  } else {
    for_each_element(p, [&](size_t i, size_t, size_t set) {
      st.mean[set] += x[i];
      count[set] += 1;
    });
    for (size_t set = 0; set < count.size(); ++set) st.mean[set] /= count[set];
    for_each_element(p, [&](size_t i, size_t, size_t set) {
      var[set] += (x[i] - st.mean[set]) * (x[i] - st.mean[set]) / count[set];
    });
  }
  for (size_t set = 0; set < var.size(); ++set) st.rstd[set] = 1 / std::sqrt(var[set] + p.eps);
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
  // In float64 the mean is one number, and its rounding is in every x - mean.
  const double of_mean = same(p.dtype, float64) ? 1 : 0;
  for_each_element(p, [&](size_t i, size_t c, size_t set) {
    const double g = masked(p, data.output[i], data.grad_output[i]), normalised = (x[i] - st.mean[set]) * st.rstd[set];
    const double size = std::fabs(normalised) + of_mean * std::fabs(st.mean[set]) * st.rstd[set];
    const auto add = [&](Sums &sums, double factor) {
      sums.gradient += g * factor;
      sums.product += g * factor * normalised;
      sums.gradient_size += std::fabs(g * factor);
      sums.product_size += std::fabs(g * factor) * size;
      sums.count += 1;
    };
    add(sets[set], weight(c));
    add(channels[c], 1);
  });
  GradientReference result;
  for_each_element(p, [&](size_t i, size_t c, size_t set) {
    const Sums &sums = sets[set];
    const double g = masked(p, data.output[i], data.grad_output[i]), normalised = (x[i] - st.mean[set]) * st.rstd[set];
    double gradient = g * weight(c), size = std::fabs(gradient);
    if (!p.given) {
      gradient -= (sums.gradient + normalised * sums.product) / sums.count;
      size += (sums.gradient_size + std::fabs(normalised) * sums.product_size) / sums.count;
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
    result.weight_tolerance.push_back((u + rounding) * channels[c].product_size +
                                      half_ulp(channels[c].product, p.parameter_type()));
    result.bias_tolerance.push_back((u + rounding) * channels[c].gradient_size +
                                    half_ulp(channels[c].gradient, p.parameter_type()));
  }
  return result;
}

GradientResult run_gradients(halogen_context *context, const NormProblem &p, const GradientData &data,
                             const GradientWish &wish, halogen_norm_path path, Placement *placement) {
  const NormForms forms(p);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Values unwritten(data.forward.input.size(), nan), unwritten_vector(data.forward.weight.size(), nan);
  enum {
    kInput,
    kGradOutput,
    kOutput,
    kGradInput,
    kGradResidual,
    kWeight,
    kMean,
    kVar,
    kSavedMean,
    kSavedRstd,
    kGradWeight,
    kGradBias,
    kTensors
  };
  StoredTensor tensors[kTensors] = {
      {forms.input, data.forward.input}, {forms.residual, data.grad_output}, {forms.output, data.output},
      {forms.output, unwritten},         {forms.residual, unwritten},        {forms.vector, data.forward.weight},
      {forms.vector, data.forward.mean}, {forms.vector, data.forward.var},   {forms.saved, data.saved_mean},
      {forms.saved, data.saved_rstd},    {forms.vector, unwritten_vector},   {forms.vector, unwritten_vector}};
  TensorView views[kTensors];
  for (size_t i = 0; i < kTensors; ++i) {
    void *at = placement != nullptr ? placement->put(i, tensors[i].data(), tensors[i].size()) : tensors[i].data();
    const bool of_data = i <= kGradResidual;
    const TensorForm form = of_data && p.named_last ? with_channels_last(tensors[i].form()) : tensors[i].form();
    views[i] = TensorView(at, form.shape, form.dtype, placement != nullptr ? placement->device() : cpu);
    if (!form.dense()) views[i].set_strides(form.strides);
  }
  const size_t to = wish.input_is == GradientWish::InputIs::own     ? size_t{kGradInput}
                    : wish.input_is == GradientWish::InputIs::input ? size_t{kInput}
                                                                    : size_t{kGradOutput};
  GradientResult result;
  result.ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
  args.scope = p.scope;
  args.num_groups = p.num_groups;
  args.layout = p.named_last ? HALOGEN_LAYOUT_CHANNEL_LAST : HALOGEN_LAYOUT_CHANNEL_FIRST;
  args.path = path;
  args.input = &views[kInput].dl;
  args.grad_output = &views[kGradOutput].dl;
  if (p.weight) args.weight = &views[kWeight].dl;
  if (p.given) {
    args.mean = &views[kMean].dl;
    args.var = &views[kVar].dl;
  } else if (p.saved) {
    args.saved_mean = &views[kSavedMean].dl;
    args.saved_rstd = &views[kSavedRstd].dl;
  }
  args.activation = p.activation;
  args.negative_slope = p.negative_slope;
  args.output = &views[kOutput].dl;
  if (wish.input) args.grad_input = &views[to].dl;
  if (wish.residual) args.grad_residual = &views[kGradResidual].dl;
  if (wish.weight) args.grad_weight = &views[kGradWeight].dl;
  if (wish.bias) args.grad_bias = &views[kGradBias].dl;
  args.eps = p.eps;
  args.ran = &result.ran;
  result.status = halogen_norm_backward(context, &args, &error);
  result.message = error.message;
  if (result.status == HALOGEN_OK) record_ran(result.ran);
  for (size_t i = 0; i < kTensors; ++i) {
    if (placement != nullptr) placement->get(i, tensors[i].data(), tensors[i].size());
    result.gaps_intact = result.gaps_intact && tensors[i].gaps_intact();
  }
  result.input = tensors[to].values();
  result.residual = tensors[kGradResidual].values();
  result.weight = tensors[kGradWeight].values();
  result.bias = tensors[kGradBias].values();
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

bool backward_path_applies(const NormProblem &p, halogen_norm_path path) {
  const bool channels = p.given || p.scope != HALOGEN_NORM_SCOPE_GROUP || p.num_groups == p.c();
  if (path == HALOGEN_NORM_PATH_SPLIT || path == HALOGEN_NORM_PATH_AUTO) return true;
  NormProblem own = p;
  own.given = false;
  if (p.given) own.scope = HALOGEN_NORM_SCOPE_BATCH;
  return channels && path_applies(own, path);
}

}  // namespace halogen_tests
