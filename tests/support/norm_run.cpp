#include "norm_run.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "coverage.h"
#include "crash_note.h"

namespace halogen_tests {

NormCall::NormCall(const NormProblem &problem, const NormMemory &memory, halogen_norm_path path, DLDevice device)
    : description_(describe(problem)) {
  const auto vector = [&](void *data) { return TensorView(data, {problem.c()}, float32, device); };
  input = TensorView(memory.input, problem.shape, float32, device);
  output = TensorView(memory.output, problem.shape, float32, device);
  weight = vector(memory.weight);
  bias = vector(memory.bias);
  mean = vector(memory.mean);
  var = vector(memory.var);
  running_mean = vector(memory.running_mean);
  running_var = vector(memory.running_var);
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

NormResult run_norm(halogen_context *context, const NormProblem &problem, const NormData &data, halogen_norm_path path,
                    bool in_place) {
  NormData own = data;
  NormResult result;
  if (in_place) {
    result.output = data.input;
  } else {
    result.output.assign(data.input.size(), std::nanf(""));
  }
  NormMemory memory{own.input.data(), result.output.data(), own.weight.data(),       own.bias.data(),
                    own.mean.data(),  own.var.data(),       own.running_mean.data(), own.running_var.data()};
  if (in_place) memory.input = memory.output;
  NormCall call(problem, memory, path);
  result.status = call.run(context);
  result.message = call.error.message;
  result.ran = call.ran;
  result.running_mean = own.running_mean;
  result.running_var = own.running_var;
  return result;
}

bool path_applies(const NormProblem &problem, halogen_norm_path path) {
  return !problem.given || path != HALOGEN_NORM_PATH_SPLIT;
}

// Rows shorter than this are split by lanes across channels (docs/scheduling.md).
constexpr int64_t kShortRow = 32;

std::vector<std::string> expected_kernels(const NormProblem &problem, halogen_norm_path path) {
  std::vector<std::string> names;
  if (path == HALOGEN_NORM_PATH_AUTO) return names;
  if (problem.given) {
    names.push_back(path == HALOGEN_NORM_PATH_SLAB ? "norm_apply_f32_slab" : "norm_apply_f32_cs_row");
  } else if (path == HALOGEN_NORM_PATH_ROW) {
    names.push_back("norm_fused_f32_cs_row");
  } else if (path == HALOGEN_NORM_PATH_SLAB) {
    names.push_back("norm_fused_f32_slab");
  } else if (problem.s() < kShortRow) {
    names = {"norm_partial_f32_slab", "norm_merge_f32", "norm_apply_f32_slab"};
  } else {
    names = {"norm_partial_f32_cs_row", "norm_merge_f32", "norm_apply_f32_cs_row"};
  }
  if (problem.running != Running::none) names.push_back("norm_running_f32");
  return names;
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
  if (wrong.empty()) wrong = compare("output", result.output, expected.output, expected.tolerance);
  if (wrong.empty() && problem.running != Running::none) {
    wrong = compare("running_mean", result.running_mean, expected.running_mean, expected.running_mean_tolerance);
  }
  if (wrong.empty() && problem.running != Running::none) {
    wrong = compare("running_var", result.running_var, expected.running_var, expected.running_var_tolerance);
  }
  if (wrong.empty()) return wrong;
  return isa + " path " + path_name(path) + ", " + describe(problem) + ": " + wrong;
}

bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace halogen_tests
