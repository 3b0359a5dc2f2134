#include "norm_parts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "coverage.h"
#include "norm_run.h"

namespace halogen_tests {

namespace {

void must(halogen_status status, const halogen_error &error, const NormProblem &problem) {
  REQUIRE_MESSAGE(status == HALOGEN_OK, describe(problem), ": ", error.message);
}

Values unwritten(size_t count) { return Values(count, std::nan("")); }

halogen_layout layout_of(const NormProblem &problem) {
  return problem.named_last ? HALOGEN_LAYOUT_CHANNEL_LAST : HALOGEN_LAYOUT_CHANNEL_FIRST;
}

Values moments_of(halogen_context *context, const Shared &shared, TensorView input) {
  Values moments = unwritten(3 * shared.channels());
  TensorView to(moments.data(), {3, shared.problem.c()}, float64);
  halogen_norm_moments_args args = HALOGEN_NORM_MOMENTS_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  args.layout = layout_of(shared.problem);
  args.input = &input.dl;
  args.moments = &to.dl;
  args.ran = &ran;
  must(halogen_norm_moments(context, &args, &error), error, shared.problem);
  record_ran(ran);
  return moments;
}

/** A vector that a call writes, and what it must be. */
void check_values(const Shared &shared, size_t part, const char *name, const Values &got, const Values &expected,
                  const Values &tolerance) {
  const std::string wrong = compare(name, got, expected, tolerance);
  CHECK_MESSAGE(wrong.empty(), describe(shared.problem), ", part ", part, " of ", shared.parts(), ": ", wrong);
}

void check_data(const Shared &shared, const char *name, const SharedTensor &got, const Values &expected,
                const Values &tolerance) {
  const std::string wrong = compare(name, got.values(), expected, tolerance);
  CHECK_MESSAGE(wrong.empty(), describe(shared.problem), ", ", shared.parts(), " parts: ", wrong);
  CHECK_MESSAGE(got.gaps_intact(), describe(shared.problem), ": bytes beside the elements of ", name, " were written");
}

/** A batch's tensors, and a backward call for each part of it. */
class Backward {
 public:
  Backward(halogen_context *context, const Shared &shared, const GradientData &data, const PartsRun &how)
      : context_(context),
        shared_(shared),
        p_(shared.problem),
        data_(data),
        how_(how),
        forms_(p_),
        input_(shared, forms_.input, data.forward.input),
        grad_output_(shared, forms_.residual, data.grad_output),
        output_(shared, forms_.output, data.output),
        grad_input_(shared, forms_.output, unwritten(data.grad_output.size())),
        grad_residual_(shared, forms_.residual, unwritten(data.grad_output.size())),
        weight_(forms_.vector, data.forward.weight),
        moments_(how.merge(context, shared, moments_of_parts(context, shared, &input_))),
        total_(2 * shared.channels(), 0.0) {}

  void check() {
    const GradientReference expected = reference_gradients(p_, data_);
    for (size_t k = 0; k < shared_.parts(); ++k) sum(k);
    if (how_.wish.residual || how_.mask_once) {
      check_data(shared_, "grad_residual", grad_residual_, expected.residual, expected.residual_tolerance);
    }
    for (size_t k = 0; k < shared_.parts(); ++k) {
      const Vectors got = call(k, how_.mask_once, [&](halogen_norm_backward_args *args, Tensors *tensors) {
        args->sums = &tensors->total.dl;
        if (how_.wish.input) args->grad_input = &tensors->dx.dl;
        if (how_.wish.weight) args->grad_weight = &tensors->dw.dl;
        if (how_.wish.bias) args->grad_bias = &tensors->db.dl;
      });
      const Values none = unwritten(shared_.channels());
      const Values &weight = how_.wish.weight ? expected.weight : none, &bias = how_.wish.bias ? expected.bias : none;
      check_values(shared_, k, "grad_weight", got.weight, weight, expected.weight_tolerance);
      check_values(shared_, k, "grad_bias", got.bias, bias, expected.bias_tolerance);
    }
    const Values none = unwritten(expected.input.size());
    check_data(shared_, "grad_input", grad_input_, how_.wish.input ? expected.input : none, expected.input_tolerance);
  }

 private:
  /** What a call may write besides data. */
  struct Vectors {
    Values weight, bias, sums;
  };
  struct Tensors {
    TensorView x, dy, y, dx, dr, w, dw, db, moments, sums, total;
  };

  template <class Ask>
  Vectors call(size_t k, bool masked, const Ask &ask) {
    StoredTensor dweight(forms_.vector, unwritten(shared_.channels())), dbias = dweight;
    Values sums = unwritten(2 * shared_.channels());
    const auto vector = [&](void *at) { return TensorView(at, {p_.c()}, p_.parameter_type()); };
    const auto rows = [&](Values *values, int64_t count) {
      return TensorView(values->data(), {count, p_.c()}, float64);
    };
    Tensors tensors{input_.part(k),         (masked ? grad_residual_ : grad_output_).part(k),
                    output_.part(k),        grad_input_.part(k),
                    grad_residual_.part(k), vector(weight_.data()),
                    vector(dweight.data()), vector(dbias.data()),
                    rows(&moments_, 3),     rows(&sums, 2),
                    rows(&total_, 2)};
    halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
    halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
    halogen_error error = HALOGEN_ERROR_INIT;
    args.scope = HALOGEN_NORM_SCOPE_BATCH;
    args.layout = layout_of(p_);
    args.input = &tensors.x.dl;
    args.grad_output = &tensors.dy.dl;
    if (p_.weight) args.weight = &tensors.w.dl;
    args.moments = &tensors.moments.dl;
    args.eps = p_.eps;
    args.ran = &ran;
    if (!masked) {
      args.activation = p_.activation;
      args.negative_slope = p_.negative_slope;
      args.output = &tensors.y.dl;
    }
    ask(&args, &tensors);
    must(halogen_norm_backward(context_, &args, &error), error, p_);
    record_ran(ran);
    return {dweight.values(), dbias.values(), sums};
  }

  /** One part's sums are added to all others'. */
  void sum(size_t k) {
    const Vectors got = call(k, false, [&](halogen_norm_backward_args *args, Tensors *tensors) {
      args->part_sums = &tensors->sums.dl;
      if (how_.wish.residual || how_.mask_once) args->grad_residual = &tensors->dr.dl;
      if (!how_.each) return;
      args->grad_weight = &tensors->dw.dl;
      args->grad_bias = &tensors->db.dl;
    });
    for (size_t i = 0; i < total_.size(); ++i) total_[i] += got.sums[i];
    if (how_.each) check_own(k, got);
  }

  /** A part's parameters' gradients, and what they are made of. */
  void check_own(size_t k, const Vectors &got) {
    const Vectors alone = call(k, false, [&](halogen_norm_backward_args *args, Tensors *tensors) {
      args->grad_weight = &tensors->dw.dl;
      args->grad_bias = &tensors->db.dl;
    });
    const NormProblem part = problem_of(k);
    const GradientReference expected = reference_gradients(part, data_of(k, part));
    for (const Vectors &v : {got, alone}) {
      check_values(shared_, k, "own grad_weight", v.weight, expected.weight, expected.weight_tolerance);
      check_values(shared_, k, "own grad_bias", v.bias, expected.bias, expected.bias_tolerance);
    }
    // With m, the mean as the type that is computed in has it, sum(g (x - m)) = sum(g (x - mean)) + sum(g) (mean - m). Sums are float64:
    // the parameters' type has no part in their tolerance.
    const size_t channels = shared_.channels();
    const auto unrounded = [&](double tolerance, double value) {
      return tolerance - half_ulp(value, p_.parameter_type());
    };
    Values sums(2 * channels), tolerance(2 * channels);
    for (size_t c = 0; c < channels; ++c) {
      const double off = mean(c) - rounded(mean(c), p_.compute_type());
      sums[c] = expected.bias[c];
      tolerance[c] = unrounded(expected.bias_tolerance[c], expected.bias[c]);
      sums[channels + c] = expected.weight[c] / rstd(c) + expected.bias[c] * off;
      tolerance[channels + c] =
          unrounded(expected.weight_tolerance[c], expected.weight[c]) / rstd(c) + tolerance[c] * std::abs(off);
    }
    check_values(shared_, k, "part_sums", got.sums, sums, tolerance);
  }

  double mean(size_t c) const { return moments_[shared_.channels() + c]; }
  double rstd(size_t c) const { return 1 / std::sqrt(moments_[2 * shared_.channels() + c] / moments_[c] + p_.eps); }

  /** A part as a batch of its own, whose statistics are given. */
  NormProblem problem_of(size_t k) const {
    NormProblem part = p_;
    part.shape[0] = shared_.cuts[k + 1] - shared_.cuts[k];
    part.saved = true;
    return part;
  }

  GradientData data_of(size_t k, const NormProblem &part) const {
    GradientData data(part, 0);
    const auto sample = static_cast<std::ptrdiff_t>(p_.c() * p_.s());
    const auto part_of = [&](const Values &all) {
      return Values(all.begin() + shared_.cuts[k] * sample, all.begin() + shared_.cuts[k + 1] * sample);
    };
    data.forward.input = part_of(data_.forward.input);
    data.grad_output = part_of(data_.grad_output);
    data.output = part_of(data_.output);
    for (size_t c = 0; c < shared_.channels(); ++c) {
      data.saved_mean[c] = mean(c);
      data.saved_rstd[c] = rstd(c);
    }
    return data;
  }

  halogen_context *context_;
  const Shared &shared_;
  const NormProblem &p_;
  const GradientData &data_;
  const PartsRun &how_;
  const NormForms forms_;
  SharedTensor input_, grad_output_, output_, grad_input_, grad_residual_;
  StoredTensor weight_;
  Values moments_, total_;
};

}  // namespace

std::vector<int64_t> random_cuts(int64_t samples, Random &random) {
  std::vector<int64_t> cuts{0, samples};
  for (size_t further = random.below(7); further > 0; --further) {
    // Now and then the same one again.
    const bool again = random.below(4) == 0;
    cuts.push_back(again ? cuts.back() : static_cast<int64_t>(random.below(static_cast<size_t>(samples) + 1)));
  }
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

TensorView SharedTensor::samples(int64_t first, int64_t last) {
  const int64_t skipped = first * stored_.form().strides[0] * static_cast<int64_t>(bytes_of(stored_.form().dtype));
  TensorForm form = stored_.form();
  form.shape[0] = last - first;
  if (shared_.problem.named_last) form = with_channels_last(form);
  TensorView view(static_cast<char *>(stored_.data()) + skipped, form.shape, form.dtype);
  view.set_strides(form.strides);
  return view;
}

std::vector<Values> moments_of_parts(halogen_context *context, const Shared &shared, SharedTensor *input) {
  std::vector<Values> all;
  for (size_t k = 0; k < shared.parts(); ++k) all.push_back(moments_of(context, shared, input->part(k)));
  return all;
}

Values merged(halogen_context *context, const Shared &shared, const std::vector<Values> &parts) {
  Values gathered, moments = unwritten(3 * shared.channels());
  for (const Values &part : parts) gathered.insert(gathered.end(), part.begin(), part.end());
  TensorView from(gathered.data(), {static_cast<int64_t>(parts.size()), 3, shared.problem.c()}, float64);
  TensorView to(moments.data(), {3, shared.problem.c()}, float64);
  halogen_norm_merge_moments_args args = HALOGEN_NORM_MERGE_MOMENTS_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  args.parts = &from.dl;
  args.moments = &to.dl;
  args.ran = &ran;
  must(halogen_norm_merge_moments(context, &args, &error), error, shared.problem);
  record_ran(ran);
  return moments;
}

Values merged_in_groups(halogen_context *context, const Shared &shared, std::vector<Values> parts, Random *random) {
  while (parts.size() > 1) {
    random->shuffle(parts);
    const auto first = parts.end() - static_cast<std::ptrdiff_t>(2 + random->below(parts.size() - 1));
    std::vector<Values> group(first, parts.end());
    parts.erase(first, parts.end());
    if (random->below(3) == 0) group.insert(group.begin(), merged(context, shared, {}));
    parts.push_back(merged(context, shared, group));
  }
  return merged(context, shared, parts);
}

void check_moments(const Shared &shared, const Values &got, const Values &input) {
  const NormProblem &p = shared.problem;
  // A sum of squares in float32 rounds at every addition, at random: a reciprocal deviation's bound, twice. Of 16-bit data sums may be ties
  // that round the same way again and again (docs/numerics.md).
  const double u = p.dtype.bits == 64 ? 1e-14 : 1e-6, of_m2 = p.half() ? 4e-6 : u;
  for (int64_t c = 0; c < p.c(); ++c) {
    double mean = 0, m2 = 0;
    const auto each = [&](auto body) {
      for (int64_t n = 0; n < p.n(); ++n) {
        for (int64_t s = 0; s < p.s(); ++s) body(input[static_cast<size_t>((n * p.c() + c) * p.s() + s)]);
      }
    };
    const double count = static_cast<double>(p.n() * p.s());
    each([&](double x) { mean += x / count; });
    each([&](double x) { m2 += (x - mean) * (x - mean); });
    const size_t at = static_cast<size_t>(c), channels = shared.channels();
    INFO(describe(p), ", ", shared.parts(), " parts, channel ", c);
    CHECK(got[at] == count);
    CHECK(std::abs(got[channels + at] - mean) <= u * (std::abs(mean) + std::sqrt(m2 / count)));
    CHECK(std::abs(got[2 * channels + at] - m2) <= of_m2 * m2);
  }
}

void check_forward_in_parts(halogen_context *context, const Shared &shared, const NormData &data, const PartsRun &how) {
  const NormProblem &p = shared.problem;
  const NormForms forms(p);
  SharedTensor input(shared, forms.input, data.input), output(shared, forms.output, unwritten(data.input.size()));
  SharedTensor residual(shared, forms.residual, p.residual ? data.residual : data.input);
  Values moments = how.merge(context, shared, moments_of_parts(context, shared, &input));
  check_moments(shared, moments, data.input);
  TensorView all(moments.data(), {3, p.c()}, float64);
  const NormReference expected = reference(p, data);
  for (size_t k = 0; k < shared.parts(); ++k) {
    NormStorage vectors(p, data);
    NormCall call(p, vectors.memory());
    TensorView x = input.part(k), y = output.part(k), added = residual.part(k);
    call.args.input = &x.dl;
    call.args.output = &y.dl;
    if (p.residual) call.args.residual = &added.dl;
    call.args.moments = &all.dl;
    must(call.run(context), call.error, p);
    const NormOutputs got = read_outputs(p, vectors.memory());
    if (p.running != Running::none) {
      check_values(shared, k, "running_mean", got.running_mean, expected.running_mean, expected.running_mean_tolerance);
      check_values(shared, k, "running_var", got.running_var, expected.running_var, expected.running_var_tolerance);
    }
    check_values(shared, k, "saved_mean", got.saved_mean, expected.saved_mean, expected.saved_mean_tolerance);
    check_values(shared, k, "saved_rstd", got.saved_rstd, expected.saved_rstd, expected.saved_rstd_tolerance);
  }
  check_data(shared, "output", output, expected.output, expected.tolerance);
}

void check_backward_in_parts(halogen_context *context, const Shared &shared, const GradientData &data,
                             const PartsRun &how) {
  Backward(context, shared, data, how).check();
}

}  // namespace halogen_tests
