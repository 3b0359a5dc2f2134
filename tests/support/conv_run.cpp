#include "conv_run.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "coverage.h"
#include "crash_note.h"

namespace halogen_tests {

namespace {

const char *path_name(halogen_conv_path path) {
  return path == HALOGEN_CONV_PATH_ROWS ? "rows" : path == HALOGEN_CONV_PATH_LENGTH ? "length" : "auto";
}

}  // namespace

bool path_applies(const ConvProblem &problem, halogen_conv_path path) {
  if (path != HALOGEN_CONV_PATH_LENGTH) return true;
  // Phases with and without one more tap are apart; each class may have three.
  const int64_t phases = problem.phases(), more = problem.kernel % phases;
  return more <= 3 && (problem.kernel < phases || phases - more <= 3);
}

ConvCall::ConvCall(const ConvProblem &problem, const ConvMemory &memory, halogen_conv_path path)
    : input(memory.input, problem.input_shape()),
      output(memory.output, problem.output_shape()),
      weight(memory.weight, problem.weight_shape()),
      bias(memory.bias, {problem.c_out}),
      description_(describe(problem)) {
  args.input = &input.dl;
  args.output = &output.dl;
  args.weight = &weight.dl;
  if (problem.bias) args.bias = &bias.dl;
  args.stride = problem.stride;
  args.dilation = problem.dilation;
  args.groups = problem.groups;
  args.pad_left = problem.pad_left;
  args.pad_right = problem.pad_right;
  args.input_activation = problem.input_activation;
  args.activation = problem.activation;
  args.input_slope = problem.input_slope;
  args.activation_slope = problem.slope;
  args.path = path;
  args.ran = &ran;
}

halogen_status ConvCall::run(halogen_context *context) {
  const char *isa = "";
  halogen_context_isa(context, nullptr, &isa, nullptr);
  note_running(std::string(isa) + " path " + path_name(args.path) + ", " + description_);
  const halogen_status status = halogen_conv_transpose1d_forward(context, &args, &error);
  if (status == HALOGEN_OK) record_ran(ran);
  return status;
}

ConvResult run_conv(halogen_context *context, const ConvProblem &problem, const ConvData &data,
                    halogen_conv_path path) {
  ConvData own = data;
  ConvResult result;
  result.output.assign(static_cast<size_t>(element_count(problem.output_shape())), std::nanf(""));
  ConvCall call(problem, {own.input.data(), result.output.data(), own.weight.data(), own.bias.data()}, path);
  result.status = call.run(context);
  result.message = call.error.message;
  result.ran = call.ran;
  return result;
}

std::string verify(const ConvProblem &problem, const ConvReference &expected, const ConvResult &result,
                   halogen_conv_path path, const std::string &isa) {
  std::string wrong;
  const std::vector<std::string> ran = kernel_names(result.ran);
  // length, length1 and length2 are one path.
  const auto has = [&](const std::string &name) {
    return std::any_of(ran.begin(), ran.end(), [&](const std::string &r) { return r.rfind(name, 0) == 0; });
  };
  if (result.status != HALOGEN_OK) {
    wrong = std::string(halogen_status_name(result.status)) + ": " + result.message;
  } else if (result.ran.isa != isa) {
    wrong = std::string("ran as '") + result.ran.isa + "'";
  } else if (path != HALOGEN_CONV_PATH_AUTO &&
             !has(path == HALOGEN_CONV_PATH_ROWS ? "conv_sum_f32_rows" : "conv_sum_f32_length")) {
    wrong = std::string("ran '") + result.ran.kernels + "'";
  } else {
    wrong = compare("output", result.output, expected.output, expected.tolerance);
  }
  if (wrong.empty()) return wrong;
  return isa + " path " + path_name(path) + ", " + describe(problem) + ": " + wrong;
}

std::string compare(const char *name, const std::vector<float> &got, const std::vector<double> &expected,
                    const std::vector<double> &tolerance) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const double value = got[i];
    if (std::isnan(expected[i]) ? std::isnan(value) : value == expected[i]) continue;
    if (std::fabs(value - expected[i]) <= tolerance[i]) continue;
    std::ostringstream text;
    text.precision(9);
    text << name << "[" << i << "]: expected " << expected[i] << " ± " << tolerance[i] << ", got " << value;
    return text.str();
  }
  return "";
}

bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

PackedWeights::PackedWeights(halogen_context *context, const ConvProblem &problem, const ConvData &data) {
  std::vector<float> weight = data.weight;
  TensorView view(weight.data(), problem.weight_shape());
  halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
  params.weight = &view.dl;
  params.stride = problem.stride;
  params.dilation = problem.dilation;
  params.groups = problem.groups;
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_conv_transpose1d_weights_create(context, &params, nullptr, 0, &handle_, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
}

}  // namespace halogen_tests
