#include "framework.h"

#include <algorithm>
#include <cmath>

#include "conv_gradients.h"
#include "norm_gradients.h"
#include "norm_run.h"

namespace halogen_tests {

void forward_refused(Module &module, const std::vector<int64_t> &shape, halogen_status status, const std::string &words,
                     DLDataType dtype) {
  std::vector<double> input(512, 2.0), output(512, 9.0);
  const TensorView x(input.data(), shape, dtype), y(output.data(), shape, dtype);
  check_refused("forward", status, {words}, {{"output", output.data(), output.size() * sizeof(double)}},
                [&](halogen_error *error) {
                  return halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, nullptr, error);
                });
}

namespace {

bool has(const Module &module, const char *key) {
  const std::vector<std::string> keys = module.keys();
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/** The gradients that halogen_module_backward() gives. */
std::string check_gradients(Module &module, const NormProblem &problem, const NormKeys &keys, bool learns,
                            const GradientData &data) {
  const GradientReference expected = reference_gradients(problem, data);
  const NormForms forms(problem);
  StoredTensor x(forms.input, data.forward.input), g(forms.input, data.grad_output);
  StoredTensor dx(forms.input, Values(forms.input.count(), std::nan("")));
  const size_t channels = data.forward.weight.size();
  StoredTensor dw(forms.vector, Values(channels, std::nan(""))), db(forms.vector, Values(channels, std::nan("")));
  const auto view = [](StoredTensor &stored, const TensorForm &form) {
    return TensorView(stored.data(), form.shape, form.dtype);
  };
  const TensorView input = view(x, forms.input), grad_output = view(g, forms.input), grad_input = view(dx, forms.input);
  const auto parameter = [&](StoredTensor &stored, const char *key) {
    const DLTensor *entry = nullptr;
    REQUIRE(halogen_module_state(module.get(), key, &entry, nullptr) == HALOGEN_OK);
    return TensorView(stored.data(), std::vector<int64_t>(entry->shape, entry->shape + entry->ndim), entry->dtype);
  };
  halogen_module_gradients gradients = HALOGEN_MODULE_GRADIENTS_INIT;
  gradients.input = &grad_input.dl;
  TensorView weight, bias;
  if (learns && problem.weight) {
    weight = parameter(dw, keys.weight);
    gradients.weight = &weight.dl;
  }
  if (learns && problem.bias) {
    bias = parameter(db, keys.bias);
    gradients.bias = &bias.dl;
  }
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  if (halogen_module_backward(module.get(), &input.dl, &grad_output.dl, &gradients, nullptr, &ran, &error) !=
      HALOGEN_OK) {
    return error.message;
  }
  if (std::string(ran.kernels).empty()) return "backward does not say what ran";
  std::string wrong = compare("gradient of the input", dx.values(), expected.input, expected.input_tolerance);
  if (wrong.empty() && gradients.weight != nullptr) {
    wrong = compare("gradient of the weight", dw.values(), expected.weight, expected.weight_tolerance);
  }
  if (wrong.empty() && gradients.bias != nullptr) {
    wrong = compare("gradient of the bias", db.values(), expected.bias, expected.bias_tolerance);
  }
  return wrong;
}

}  // namespace

std::string check_norm_module(Module &module, const NormProblem &problem, const NormKeys &keys, bool learns,
                              uint64_t stream) {
  const GradientData gradients(problem, stream);
  const NormData &data = gradients.forward;
  const bool statistics = has(module, keys.mean), moves = problem.running != Running::none;
  const Values &mean = problem.given ? data.mean : data.running_mean;
  const Values &var = problem.given ? data.var : data.running_var;
  if (problem.weight) module.set(keys.weight, data.weight);
  if (problem.bias) module.set(keys.bias, data.bias);
  if (statistics) {
    module.set(keys.mean, mean);
    module.set(keys.var, var);
  }
  const NormReference expected = reference(problem, data);
  const NormForms forms(problem);
  const Values output = module.forward_at(forms.input, data.input);
  if (module.status != HALOGEN_OK) return describe(problem) + ": " + module.message;
  std::string wrong = compare("output", output, expected.output, expected.tolerance);
  if (wrong.empty() && moves) {
    wrong = compare("mean", module.copy_of(keys.mean), expected.running_mean, expected.running_mean_tolerance);
    if (wrong.empty()) {
      wrong = compare("var", module.copy_of(keys.var), expected.running_var, expected.running_var_tolerance);
    }
  }
  if (wrong.empty() && statistics && !moves && (module.copy_of(keys.mean) != mean || module.copy_of(keys.var) != var)) {
    wrong = "statistics moved";
  }
  if (wrong.empty() && statistics) {
    // Backward works with what forward has worked with.
    module.set(keys.mean, mean);
    module.set(keys.var, var);
  }
  if (wrong.empty()) wrong = check_gradients(module, problem, keys, learns, gradients);
  return wrong.empty() ? "" : describe(problem) + ": " + wrong;
}

namespace {

std::vector<int64_t> with_thin(std::vector<int64_t> shape, int thin) {
  if (thin != 0) shape.insert(shape.begin() + thin, 1);
  return shape;
}

std::vector<int64_t> shape_of(const Module &module, const char *key) {
  const DLTensor *entry = nullptr;
  REQUIRE(halogen_module_state(module.get(), key, &entry, nullptr) == HALOGEN_OK);
  return std::vector<int64_t>(entry->shape, entry->shape + entry->ndim);
}

}  // namespace

std::string check_conv_module(Module &module, const ConvProblem &problem, uint64_t stream, int thin) {
  ConvData data = ordinary_data(problem, stream);
  ConvBackwardData backward = ordinary_backward_data(problem, data, stream);
  module.set("weight", Values(data.weight.begin(), data.weight.end()));
  if (problem.bias) module.set("bias", Values(data.bias.begin(), data.bias.end()));
  std::vector<float> output(backward.grad_output.size());
  const TensorView x(data.input.data(), with_thin(problem.input_shape(), thin));
  const TensorView y(output.data(), with_thin(problem.output_shape(), thin));
  halogen_error error = HALOGEN_ERROR_INIT;
  const std::vector<float> expected = run_conv(best_context(), problem, data).output;
  for (const int training : {1, 0, 0}) {
    REQUIRE(halogen_module_set_training(module.get(), training, nullptr) == HALOGEN_OK);
    output.assign(output.size(), 9);
    if (halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, nullptr, &error) != HALOGEN_OK)
      return error.message;
    if (!same_bits(output, expected)) return describe(problem) + ": forward is not the operator's";
  }
  ConvGradients<float> got = {std::vector<float>(data.input.size(), 9), std::vector<float>(data.weight.size(), 9),
                              std::vector<float>(problem.bias ? data.bias.size() : 0, 9)};
  const TensorView g(backward.grad_output.data(), y.shape()), dx(got.input.data(), x.shape());
  const TensorView dw(got.weight.data(), shape_of(module, "weight"));
  const TensorView db = problem.bias ? TensorView(got.bias.data(), shape_of(module, "bias")) : TensorView();
  halogen_module_gradients gradients = HALOGEN_MODULE_GRADIENTS_INIT;
  gradients.input = &dx.dl;
  gradients.weight = &dw.dl;
  if (problem.bias) gradients.bias = &db.dl;
  if (halogen_module_backward(module.get(), &x.dl, &g.dl, &gradients, nullptr, nullptr, &error) != HALOGEN_OK) {
    return error.message;
  }
  Wanted wanted;
  wanted.bias = problem.bias;
  const ConvBackwardResult operators =
      run_backward(best_context(), problem, data, backward, HALOGEN_CONV_PATH_AUTO, wanted);
  if (operators.status != HALOGEN_OK) return operators.message;
  const bool same_gradients = same_bits(got.input, operators.gradients.input) &&
                              same_bits(got.weight, operators.gradients.weight) &&
                              (!problem.bias || same_bits(got.bias, operators.gradients.bias));
  return same_gradients ? "" : describe(problem) + ": backward is not the operator's";
}

std::string repr_of(const Module &module) {
  char text[1024];
  size_t length = 0;
  REQUIRE(halogen_module_repr(module.get(), text, sizeof text, &length, nullptr) == HALOGEN_OK);
  CHECK(std::string(text).size() == length);
  return text;
}

std::string output_of(const Module &module, const std::vector<int64_t> &shape, DLDataType dtype) {
  const TensorView x(nullptr, shape, dtype);
  int64_t extents[8];
  int32_t rank = 0;
  DLDataType type = {};
  halogen_error error = HALOGEN_ERROR_INIT;
  if (halogen_module_output(module.get(), &x.dl, extents, &rank, &type, &error) != HALOGEN_OK) return error.message;
  CHECK(same(type, dtype));
  std::string text;
  for (int32_t i = 0; i < rank; ++i) text += (i > 0 ? "x" : "") + std::to_string(extents[i]);
  return text;
}

}  // namespace halogen_tests
