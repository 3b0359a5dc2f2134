#include "norm_kernels.h"

#include "norm_axes.h"

namespace halogen_tests {

namespace {

// Rows shorter than this are split by lanes across channels.
constexpr int64_t kShortRow = 32;
std::vector<Axes> axes_of(const NormProblem &problem) {
  const NormForms forms(problem);
  std::vector<Axes> all{Axes(forms.input), Axes(forms.output)};
  if (problem.residual) all.push_back(Axes(forms.residual));
  return all;
}

}  // namespace

bool runs_channel_last(const NormProblem &problem) {
  int first = 0, last = 0;
  for (const Axes &axes : axes_of(problem)) {
    first += axes.first();
    last += axes.last();
  }
  return last > first;
}

bool path_applies(const NormProblem &problem, halogen_norm_path path) {
  const bool last = runs_channel_last(problem);
  // What does not fit is copied, and then without gaps.
  bool rows_follow = true, samples_follow = true;
  for (const Axes &axes : axes_of(problem)) {
    rows_follow = rows_follow && (!axes.first() || axes.rows_follow());
    samples_follow = samples_follow && (!axes.last() || axes.samples_follow());
  }
  switch (path) {
    case HALOGEN_NORM_PATH_ROW:
      return !last;
    case HALOGEN_NORM_PATH_SLAB:
      if (!last) return rows_follow;
      return problem.given || problem.scope != HALOGEN_NORM_SCOPE_BATCH || samples_follow;
    case HALOGEN_NORM_PATH_SPLIT:
      return !problem.given;
    default:
      return true;
  }
}

bool rows_are_sets(const NormProblem &problem) {
  bool dense = problem.s() == 1;
  for (const Axes &axes : axes_of(problem)) dense = dense && (!axes.first() || axes.rows_follow());
  const int64_t width = problem.num_groups > 0 ? problem.c() / problem.num_groups : 0;
  return !problem.given && dense && width >= kShortRow;
}

std::vector<std::string> expected_kernels(const NormProblem &problem, halogen_norm_path path) {
  std::vector<std::string> names;
  if (path == HALOGEN_NORM_PATH_AUTO) return names;
  const std::string dtype = short_name(problem.dtype), compute = short_name(problem.compute_type());
  const bool last = runs_channel_last(problem);
  bool rows_follow = true;
  for (const Axes &axes : axes_of(problem)) {
    const bool fits = last ? axes.last() : axes.first();
    if (!fits) names.push_back("tensor_copy_" + std::string(problem.half() ? "f16" : dtype));
    rows_follow = rows_follow && (!fits || axes.rows_follow());
  }
  if (problem.half() && !problem.float_vectors) {
    const int vectors = problem.weight + problem.bias + (problem.given ? 2 : 0);
    names.insert(names.end(), static_cast<size_t>(vectors), "norm_convert_" + dtype);
  }
  const bool split = path == HALOGEN_NORM_PATH_SPLIT;
  const bool across = split ? last || (rows_follow && problem.s() < kShortRow) : path == HALOGEN_NORM_PATH_SLAB;
  const bool each = path == HALOGEN_NORM_PATH_ROW && rows_are_sets(problem);
  const std::string lanes = across ? "_slab" : each ? "_cs_each" : "_cs_row";
  if (split) {
    names.push_back("norm_partial_" + dtype + lanes);
    names.push_back("norm_merge_" + compute);
  }
  names.push_back((split || problem.given ? "norm_apply_" : "norm_fused_") + dtype + lanes);
  if (problem.saved) names.push_back("norm_save_" + compute);
  if (problem.running != Running::none) names.push_back("norm_running_" + short_name(problem.parameter_type()));
  return names;
}

}  // namespace halogen_tests
