#include "norm_gradient_kernels.h"

#include <algorithm>

#include "coverage.h"
#include "norm_axes.h"
#include "norm_kernels.h"
#include "variants.h"

namespace halogen_tests {

namespace {

using InputIs = GradientWish::InputIs;

// Rows shorter than this are split by lanes across channels; shorter sets are not rows of their own.
constexpr int64_t kShortRow = 32;

/** What kernels see of the call's tensors. */
struct Work {
  bool last = false;  /**< channel-last */
  size_t copies = 0;  /**< tensors that do not fit */
  bool masks = false; /**< the gradient goes through the activation in a pass of its own, or to grad_residual */
  bool in_place = false;
  bool input_rows_follow = true, rows_follow = true, samples_follow = true;
};

Work work_of(const NormProblem &p, const GradientWish &wish) {
  const NormForms forms(p);
  const bool activates = p.activation != HALOGEN_ACTIVATION_NONE, in_own = wish.input_is == InputIs::own;
  const TensorForm &grad_input = in_own ? forms.output : wish.input_is == InputIs::input ? forms.input : forms.residual;
  std::vector<Axes> all{Axes(forms.input), Axes(forms.residual)};
  if (activates) all.push_back(Axes(forms.output));
  if (wish.input) all.push_back(Axes(grad_input));
  if (wish.residual) all.push_back(Axes(forms.residual));
  const auto count = [&](auto fits) { return static_cast<size_t>(std::count_if(all.begin(), all.end(), fits)); };
  const size_t first = count([](const Axes &axes) { return axes.first(); });
  const size_t last = count([](const Axes &axes) { return axes.last(); });
  Work work;
  work.last = last > first;
  work.copies = all.size() - std::max(first, last);
  // Kernels take the mask themselves, but for those that compute dx as the forward pass of the gradient.
  const bool masked_apart = !wish.residual && activates && wish.input && p.given;
  work.masks = wish.residual || masked_apart;
  work.in_place = wish.input && (wish.input_is == InputIs::input || masked_apart ||
                                 (wish.input_is == InputIs::grad_output && !wish.residual));

  // What is copied has no gaps, and neither has memory of the library's own.
  const auto fits = [&](const Axes &axes) { return work.last ? axes.last() : axes.first(); };
  const auto look = [&](const Axes &axes) {
    if (!fits(axes)) return;
    work.rows_follow = work.rows_follow && axes.rows_follow();
    work.samples_follow = work.samples_follow && axes.samples_follow();
  };
  look(all[0]);
  work.input_rows_follow = work.rows_follow;
  if (wish.input) look(Axes(grad_input));
  if (!masked_apart) look(all[1]);
  if (activates && !wish.residual && !masked_apart && (wish.input || wish.weight || wish.bias)) look(all[2]);
  return work;
}

bool sets_of_channels(const NormProblem &p) {
  return !p.given && p.scope == HALOGEN_NORM_SCOPE_GROUP && p.num_groups != p.c();
}

std::string without_streaming(std::string name) {
  const size_t at = name.find("_stream");
  if (at == std::string::npos) return name;
  name.erase(at);
  const size_t lanes = name.rfind('_');
  return name.substr(0, lanes) + (name.substr(lanes) == "_sc" ? "_slab" : "_cs_row");
}

}  // namespace

bool backward_rows_are_sets(const NormProblem &p, const GradientWish &wish) {
  const Work work = work_of(p, wish);
  return wish.input && !work.in_place && p.scope == HALOGEN_NORM_SCOPE_GROUP && !p.given && p.s() == 1 &&
         work.rows_follow && p.c() / p.num_groups >= kShortRow;
}

bool backward_path_applies(const NormProblem &p, halogen_norm_path path, const GradientWish &wish) {
  if (path == HALOGEN_NORM_PATH_SPLIT || path == HALOGEN_NORM_PATH_AUTO) return true;
  const Work work = work_of(p, wish);
  if (sets_of_channels(p)) return path == HALOGEN_NORM_PATH_ROW && backward_rows_are_sets(p, wish);
  if (path == HALOGEN_NORM_PATH_ROW) return !work.last;
  const bool per_channel = p.given || p.scope == HALOGEN_NORM_SCOPE_BATCH;
  return work.last ? !per_channel || work.samples_follow : work.rows_follow;
}

std::vector<std::string> expected_gradient_kernels(const NormProblem &p, const GradientWish &wish,
                                                   halogen_norm_path path) {
  const Work work = work_of(p, wish);
  const std::string dtype = short_name(p.dtype), compute = short_name(p.compute_type());
  std::vector<std::string> names(work.copies, "tensor_copy_" + std::string(p.half() ? "f16" : dtype));
  if (p.half() && !p.float_vectors) names.insert(names.end(), p.weight + (p.given ? 2u : 0u), "norm_convert_" + dtype);
  if (work.masks) names.push_back("norm_mask_" + dtype);
  const bool parameters = wish.weight || wish.bias, split = path == HALOGEN_NORM_PATH_SPLIT || !wish.input;
  if (!p.given && !p.saved && (parameters || wish.input)) {
    const bool across = work.last || (p.s() < kShortRow && work.input_rows_follow);
    names.push_back("norm_partial_" + dtype + (across ? "_slab" : "_cs_row"));
    names.push_back("norm_merge_" + compute);
  }
  const bool each = !split && path == HALOGEN_NORM_PATH_ROW && backward_rows_are_sets(p, wish);
  const bool across = split ? work.last || (p.s() < kShortRow && work.rows_follow) : path == HALOGEN_NORM_PATH_SLAB;
  const std::string lanes = each ? "_cs_each" : across ? "_slab" : "_cs_row";
  // Given statistics: dx is the gradient times something, and nothing is summed up for it.
  const bool scaled = wish.input && p.given && (split || !parameters), fused = wish.input && !scaled && !split;
  if (!fused && (parameters || (wish.input && !p.given))) {
    names.push_back("norm_sums_" + dtype + lanes);
    names.push_back("norm_sum_merge_f64");
  }
  if (each && parameters) names.push_back("norm_sum_merge_f64");
  if (fused) names.push_back("norm_backward_" + dtype + lanes);
  if (scaled) names.push_back("norm_apply_" + dtype + lanes);
  if (wish.input && !fused && !scaled) {
    names.push_back("norm_coefficients_" + compute);
    names.push_back("norm_dx_" + dtype + lanes);
  }
  if (parameters) names.push_back("norm_gradients_" + short_name(p.parameter_type()));
  return names;
}

std::string unexpected_kernels(const NormProblem &p, const GradientWish &wish, halogen_norm_path path,
                               const GradientResult &result) {
  if (element_count(p.shape) == 0) return "";
  const std::string text = result.ran.kernels;
  if (text != result.query.kernels || std::string(result.ran.isa) != result.query.isa) {
    return "ran '" + text + "', but a query says '" + result.query.kernels + "'";
  }
  std::vector<std::string> ran = kernel_names(result.ran);
  for (std::string &name : ran) name = without_streaming(name);
  std::sort(ran.begin(), ran.end());
  for (const halogen_norm_path one : norm_paths) {
    if (one == HALOGEN_NORM_PATH_AUTO || (path != HALOGEN_NORM_PATH_AUTO && one != path)) continue;
    if (!backward_path_applies(p, one, wish)) continue;
    std::vector<std::string> meant = expected_gradient_kernels(p, wish, one);
    std::sort(meant.begin(), meant.end());
    if (meant == ran) return "";
    // The last names, of copies, may have no room.
    const size_t longest = std::string(" tensor_copy_bf16__v4_zen4").size();
    const bool full = text.size() + longest >= sizeof(result.ran.kernels);
    if (full && std::includes(meant.begin(), meant.end(), ran.begin(), ran.end())) return "";
  }
  return describe(p) + ": ran '" + text + "'";
}

}  // namespace halogen_tests
