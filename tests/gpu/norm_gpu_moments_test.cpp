// halogen/moments.h on a GPU: a batch in parts is normalised as the whole is, forward and backward.
#include <halogen/moments.h>

#include <doctest/doctest.h>

#include <cmath>

#include "placement.h"
#include "support/coverage.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** A tensor on the device, in a slot of its own. */
class OnDevice {
 public:
  OnDevice(size_t slot, const TensorForm &form, const Values &values) : slot_(slot), stored_(form, values) {
    view =
        TensorView(placement().put(slot, stored_.data(), stored_.size()), form.shape, form.dtype, placement().device());
    if (!form.dense()) view.set_strides(form.strides);
  }
  Values get() {
    placement().get(slot_, stored_.data(), stored_.size());
    return stored_.values();
  }
  TensorView view;

 private:
  size_t slot_;
  StoredTensor stored_;
};

TensorForm rows_form(std::vector<int64_t> shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * shape[i + 1];
  return {float64, shape, strides};
}

Values unwritten(size_t count) { return Values(count, std::nan("")); }

/** Samples first to last of a problem's data. */
Values samples(const NormProblem &p, const Values &of, int64_t first, int64_t last) {
  const int64_t sample = p.c() * p.s();
  return {of.begin() + first * sample, of.begin() + last * sample};
}

template <class Args, class Function>
void run(const NormProblem &problem, Args *args, Function function) {
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  args->ran = &ran;
  REQUIRE_MESSAGE(function(device_context(), args, &error) == HALOGEN_OK, describe(problem), ": ", error.message);
  record_ran(ran);
}

Values moments_of(const NormProblem &part, const Values &values) {
  OnDevice x(0, NormForms(part).input, values), to(1, rows_form({3, part.c()}), unwritten(3 * part.c()));
  halogen_norm_moments_args args = HALOGEN_NORM_MOMENTS_ARGS_INIT;
  args.input = &x.view.dl;
  args.moments = &to.view.dl;
  run(part, &args, halogen_norm_moments);
  return to.get();
}

Values merged(const NormProblem &p, const Values &parts) {
  const int64_t count = static_cast<int64_t>(parts.size()) / (3 * p.c());
  OnDevice from(0, rows_form({count, 3, p.c()}), parts), to(1, rows_form({3, p.c()}), unwritten(3 * p.c()));
  halogen_norm_merge_moments_args args = HALOGEN_NORM_MERGE_MOMENTS_ARGS_INIT;
  args.parts = &from.view.dl;
  args.moments = &to.view.dl;
  run(p, &args, halogen_norm_merge_moments);
  return to.get();
}

void same(const NormProblem &p, const char *name, const Values &got, const Values &expected, const Values &tolerance) {
  const std::string wrong = compare(name, got, expected, tolerance);
  CHECK_MESSAGE(wrong.empty(), describe(p), ": ", wrong);
}

/** One part's backward call by moments and, with `sums`, its gradients; without, its part_sums. */
struct Backward {
  Values part_sums, input, weight, bias;

  Backward(const NormProblem &part, const Values &x, const Values &dy, const Values &weight_values,
           const Values &moments, const Values *sums) {
    const NormForms forms(part);
    const size_t channels = static_cast<size_t>(part.c());
    OnDevice in(0, forms.input, x), gradient(1, forms.residual, dy), dx(2, forms.output, unwritten(x.size()));
    OnDevice w(3, forms.vector, weight_values), all(4, rows_form({3, part.c()}), moments);
    OnDevice two(5, rows_form({2, part.c()}), sums != nullptr ? *sums : unwritten(2 * channels));
    OnDevice dw(6, forms.vector, unwritten(channels)), db(7, forms.vector, unwritten(channels));
    halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
    args.scope = HALOGEN_NORM_SCOPE_BATCH;
    args.input = &in.view.dl;
    args.grad_output = &gradient.view.dl;
    args.weight = &w.view.dl;
    args.moments = &all.view.dl;
    args.eps = part.eps;
    if (sums != nullptr) {
      args.sums = &two.view.dl;
      args.grad_input = &dx.view.dl;
      args.grad_weight = &dw.view.dl;
      args.grad_bias = &db.view.dl;
    } else {
      args.part_sums = &two.view.dl;
    }
    run(part, &args, halogen_norm_backward);
    part_sums = two.get();
    input = dx.get();
    weight = dw.get();
    bias = db.get();
  }
};

void check(const NormProblem &whole, const std::vector<int64_t> &cuts, uint64_t stream) {
  const NormData data = ordinary_data(whole, stream);
  const GradientData gradients(whole, stream);
  const auto each = [&](auto body) {
    for (size_t k = 0; k + 1 < cuts.size(); ++k) {
      NormProblem part = whole;
      part.shape[0] = cuts[k + 1] - cuts[k];
      body(part, [&](const Values &all) { return samples(whole, all, cuts[k], cuts[k + 1]); });
    }
  };
  const auto moments_over_parts = [&](const Values &input) {
    Values parts;
    each([&](const NormProblem &part, auto of) {
      const Values one = moments_of(part, of(input));
      parts.insert(parts.end(), one.begin(), one.end());
    });
    return merged(whole, parts);
  };

  const NormReference expected = reference(whole, data);
  Values moments = moments_over_parts(data.input);
  each([&](const NormProblem &part, auto of) {
    const NormForms forms(part);
    OnDevice x(0, forms.input, of(data.input)), y(1, forms.output, unwritten(of(data.input).size()));
    OnDevice all(2, rows_form({3, part.c()}), moments);
    OnDevice w(3, forms.vector, data.weight), b(4, forms.vector, data.bias);
    OnDevice mean(5, forms.vector, data.running_mean), var(6, forms.vector, data.running_var);
    halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
    args.scope = HALOGEN_NORM_SCOPE_BATCH;
    args.input = &x.view.dl;
    args.output = &y.view.dl;
    args.moments = &all.view.dl;
    args.weight = &w.view.dl;
    args.bias = &b.view.dl;
    args.running_mean = &mean.view.dl;
    args.running_var = &var.view.dl;
    args.running_weight = whole.running_weight;
    args.running_var_unbiased = 1;
    args.eps = whole.eps;
    run(part, &args, halogen_norm_forward);
    same(part, "output", y.get(), of(expected.output), of(expected.tolerance));
    same(part, "running_mean", mean.get(), expected.running_mean, expected.running_mean_tolerance);
    same(part, "running_var", var.get(), expected.running_var, expected.running_var_tolerance);
  });

  const GradientReference wanted = reference_gradients(whole, gradients);
  moments = moments_over_parts(gradients.forward.input);
  const auto backward = [&](const NormProblem &part, auto of, const Values *sums) {
    return Backward(part, of(gradients.forward.input), of(gradients.grad_output), gradients.forward.weight, moments,
                    sums);
  };
  Values sums(2 * static_cast<size_t>(whole.c()), 0.0);
  each([&](const NormProblem &part, auto of) {
    const Backward some = backward(part, of, nullptr);
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += some.part_sums[i];
  });
  each([&](const NormProblem &part, auto of) {
    const Backward all = backward(part, of, &sums);
    same(part, "grad_input", all.input, of(wanted.input), of(wanted.input_tolerance));
    same(part, "grad_weight", all.weight, wanted.weight, wanted.weight_tolerance);
    same(part, "grad_bias", all.bias, wanted.bias, wanted.bias_tolerance);
  });
}

}  // namespace

TEST_CASE("gpu: a batch in parts, one of them empty, is the whole batch, forward and backward") {
  uint64_t stream = 0;
  for (const DLDataType dtype : float_types) {
    for (const Place place : {Place::first, Place::last, Place::transposed}) {
      for (const int64_t rows : {5, 300}) {
        NormProblem problem;
        problem.shape = {7, 6, rows};
        problem.dtype = dtype;
        problem.put_all(place);
        problem.running = Running::unbiased;
        check(problem, {0, 2, 2, 7}, ++stream);
      }
    }
  }
}
