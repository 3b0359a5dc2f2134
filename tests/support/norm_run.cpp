#include "norm_run.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "coverage.h"
#include "crash_note.h"

namespace halogen_tests {

namespace {

TensorView view(const TensorForm &form, void *data, DLDevice device) {
  TensorView tensor(data, form.shape, form.dtype, device);
  if (!form.dense()) tensor.set_strides(form.strides);
  return tensor;
}

}  // namespace

NormCall::NormCall(const NormProblem &problem, const NormMemory &memory, halogen_norm_path path, DLDevice device)
    : description_(describe(problem)) {
  const NormForms forms(problem);
  const auto data = [&](const TensorForm &form, void *at) {
    return view(problem.named_last ? with_channels_last(form) : form, at, device);
  };
  const auto vector = [&](void *at) { return view(forms.vector, at, device); };
  input = data(forms.input, memory.input);
  output = data(forms.output, memory.output);
  residual = data(forms.residual, memory.residual);
  weight = vector(memory.weight);
  bias = vector(memory.bias);
  mean = vector(memory.mean);
  var = vector(memory.var);
  running_mean = vector(memory.running_mean);
  running_var = vector(memory.running_var);
  saved_mean = view(forms.saved, memory.saved_mean, device);
  saved_rstd = view(forms.saved, memory.saved_rstd, device);
  args.scope = problem.scope;
  args.num_groups = problem.num_groups;
  args.input = &input.dl;
  args.output = &output.dl;
  if (problem.weight) args.weight = &weight.dl;
  if (problem.bias) args.bias = &bias.dl;
  if (problem.given) {
    args.mean = &mean.dl;
    args.var = &var.dl;
  }
  if (problem.running != Running::none) {
    args.running_mean = &running_mean.dl;
    args.running_var = &running_var.dl;
    args.running_weight = problem.running_weight;
    args.running_var_unbiased = problem.running == Running::unbiased;
  }
  if (problem.residual) args.residual = &residual.dl;
  if (problem.saved) {
    args.saved_mean = &saved_mean.dl;
    args.saved_rstd = &saved_rstd.dl;
  }
  args.activation = problem.activation;
  args.negative_slope = problem.negative_slope;
  args.layout = problem.named_last ? HALOGEN_LAYOUT_CHANNEL_LAST : HALOGEN_LAYOUT_CHANNEL_FIRST;
  args.eps = problem.eps;
  args.path = path;
  args.ran = &ran;
}

halogen_status NormCall::run(halogen_context *context) {
  const char *isa = "";
  halogen_context_isa(context, nullptr, &isa, nullptr);
  note_running(std::string(isa) + " path " + path_name(args.path) + ", " + description_);
  const halogen_status status = halogen_norm_forward(context, &args, &error);
  if (status == HALOGEN_OK) record_ran(ran);
  return status;
}

NormResult run_norm_in(halogen_context *context, const NormProblem &problem, const NormMemory &memory,
                       halogen_norm_path path) {
  NormCall call(problem, memory, path);
  NormResult result;
  result.status = call.run(context);
  result.message = call.error.message;
  result.ran = call.ran;
  static_cast<NormOutputs &>(result) = read_outputs(problem, memory);
  return result;
}

NormResult run_norm(halogen_context *context, const NormProblem &problem, const NormData &data, halogen_norm_path path,
                    OutputIs output) {
  NormStorage storage(problem, data);
  NormMemory memory = storage.memory();
  if (output == OutputIs::input) memory.output = memory.input;
  if (output == OutputIs::residual) memory.output = memory.residual;
  NormResult result = run_norm_in(context, problem, memory, path);
  for (const StoredTensor *tensor : storage.all()) result.gaps_intact = result.gaps_intact && tensor->gaps_intact();
  return result;
}

std::string compare(const char *name, const Values &got, const Values &expected, const Values &tolerance) {
  if (got.size() != expected.size()) return std::string(name) + ": another number of values";
  for (size_t i = 0; i < expected.size(); ++i) {
    const double value = got[i];
    if (std::isnan(expected[i]) ? std::isnan(value) : value == expected[i]) continue;
    if (std::fabs(value - expected[i]) <= tolerance[i]) continue;
    std::ostringstream text;
    text.precision(17);
    text << name << "[" << i << "]: expected " << expected[i] << " ± " << tolerance[i] << ", got " << value;
    return text.str();
  }
  return "";
}

std::string verify(const NormProblem &problem, const NormReference &expected, const NormResult &result,
                   halogen_norm_path path, const std::string &isa) {
  std::string wrong;
  if (result.status != HALOGEN_OK) {
    wrong = std::string(halogen_status_name(result.status)) + ": " + result.message;
  } else if (result.ran.isa != isa) {
    wrong = std::string("ran as '") + result.ran.isa + "'";
  } else {
    std::vector<std::string> meant = expected_kernels(problem, path), ran = kernel_names(result.ran);
    std::sort(meant.begin(), meant.end());
    std::sort(ran.begin(), ran.end());
    if (path != HALOGEN_NORM_PATH_AUTO && meant != ran) wrong = std::string("ran '") + result.ran.kernels + "'";
    if (ran.empty()) wrong = "no kernel is named";
  }
  if (wrong.empty() && !result.gaps_intact) wrong = "bytes beside a tensor's elements were written";
  if (wrong.empty()) wrong = compare("output", result.output, expected.output, expected.tolerance);
  if (wrong.empty() && problem.running != Running::none) {
    wrong = compare("running_mean", result.running_mean, expected.running_mean, expected.running_mean_tolerance);
  }
  if (wrong.empty() && problem.running != Running::none) {
    wrong = compare("running_var", result.running_var, expected.running_var, expected.running_var_tolerance);
  }
  if (wrong.empty()) {
    wrong = compare("saved_mean", result.saved_mean, expected.saved_mean, expected.saved_mean_tolerance);
  }
  if (wrong.empty()) {
    wrong = compare("saved_rstd", result.saved_rstd, expected.saved_rstd, expected.saved_rstd_tolerance);
  }
  if (wrong.empty()) return wrong;
  return isa + " path " + path_name(path) + ", " + describe(problem) + ": " + wrong;
}

void check_everywhere(const NormProblem &problem, const NormData &data, OutputIs output) {
  const NormReference expected = reference(problem, data);
  for (const Variant &variant : variants_of(problem.dtype)) {
    for (halogen_norm_path path : norm_paths) {
      if (!path_applies(problem, path)) continue;
      const std::string wrong =
          verify(problem, expected, run_norm(context_of(variant), problem, data, path, output), path, variant.name);
      CHECK_MESSAGE(wrong.empty(), wrong);
    }
  }
}

bool same_bits(const Values &a, const Values &b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

bool same_outputs(const NormOutputs &a, const NormOutputs &b) {
  return same_bits(a.output, b.output) && same_bits(a.running_mean, b.running_mean) &&
         same_bits(a.running_var, b.running_var) && same_bits(a.saved_mean, b.saved_mean) &&
         same_bits(a.saved_rstd, b.saved_rstd);
}

}  // namespace halogen_tests
