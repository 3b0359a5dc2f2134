// halogen/moments.h: a batch in parts is normalised as the whole is, forward and backward.
#include <halogen/moments.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "support/coverage.h"
#include "support/env.h"
#include "support/misuse.h"
#include "support/norm_cases.h"
#include "support/norm_gradients.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** A batch and where it is cut: part k is of the samples from cuts[k] to cuts[k + 1]. */
struct Shared {
  NormProblem problem;
  std::vector<int64_t> cuts;

  size_t parts() const { return cuts.size() - 1; }
  size_t channels() const { return static_cast<size_t>(problem.c()); }
};

void must(halogen_status status, const halogen_error &error, const NormProblem &problem) {
  REQUIRE_MESSAGE(status == HALOGEN_OK, describe(problem), ": ", error.message);
}

/** One tensor of data in the whole batch's memory. */
class Data {
 public:
  Data(const Shared &shared, const Values &values) : shared_(shared), stored_(form(shared), values) {}

  Values values() const { return stored_.values(); }
  TensorView part(size_t k) { return samples(shared_.cuts[k], shared_.cuts[k + 1]); }
  TensorView whole() { return samples(0, shared_.problem.n()); }

 private:
  static TensorForm form(const Shared &shared) { return NormForms(shared.problem).input; }

  TensorView samples(int64_t first, int64_t last) {
    const TensorForm form = Data::form(shared_);
    std::vector<int64_t> shape = form.shape;
    shape[0] = last - first;
    const int64_t skipped = first * form.strides[0] * bytes_of(shared_.problem.dtype);
    TensorView view(static_cast<char *>(stored_.data()) + skipped, shape, shared_.problem.dtype);
    view.set_strides(form.strides);
    return view;
  }

  const Shared &shared_;
  StoredTensor stored_;
};

/** Vectors of all parts, NaN at first: (parts, rows, C). */
struct Rows {
  Rows(const Shared &shared, int64_t count)
      : rows(count),
        channels(shared.problem.c()),
        values(shared.parts() * static_cast<size_t>(count * channels), std::nan("")) {}
  TensorView part(size_t k) {
    return TensorView(values.data() + k * static_cast<size_t>(rows * channels), {rows, channels}, float64);
  }
  int64_t rows, channels;
  Values values;
};

Values moments_of(halogen_context *context, const Shared &shared, TensorView input) {
  Values moments(3 * shared.channels(), std::nan(""));
  TensorView to(moments.data(), {3, shared.problem.c()}, float64);
  halogen_norm_moments_args args = HALOGEN_NORM_MOMENTS_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  args.input = &input.dl;
  args.moments = &to.dl;
  args.ran = &ran;
  must(halogen_norm_moments(context, &args, &error), error, shared.problem);
  record_ran(ran);
  return moments;
}

Values merged(halogen_context *context, const Shared &shared, Values parts) {
  Values moments(3 * shared.channels(), std::nan(""));
  const int64_t count = static_cast<int64_t>(parts.size()) / (3 * shared.problem.c());
  TensorView from(parts.data(), {count, 3, shared.problem.c()}, float64);
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

/** Moments of the parts, each by a call of its own, and merged. */
Values gathered(halogen_context *context, const Shared &shared, Data *input) {
  Values parts;
  for (size_t k = 0; k < shared.parts(); ++k) {
    const Values part = moments_of(context, shared, input->part(k));
    parts.insert(parts.end(), part.begin(), part.end());
  }
  return merged(context, shared, parts);
}

void check_moments(const Shared &shared, const Values &got, const Values &input) {
  const NormProblem &p = shared.problem;
  const double u = p.dtype.bits == 64 ? 1e-14 : 1e-6;
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
    CHECK(got[at] == count);
    CHECK(std::abs(got[channels + at] - mean) <= u * (std::abs(mean) + std::sqrt(m2 / count)));
    CHECK(std::abs(got[2 * channels + at] - m2) <= u * m2);
  }
}

void check_forward(halogen_context *context, const Shared &shared, const NormData &data) {
  const NormProblem &p = shared.problem;
  Data input(shared, data.input), output(shared, Values(data.input.size(), std::nan("")));
  Values moments = gathered(context, shared, &input);
  check_moments(shared, moments, data.input);
  TensorView all(moments.data(), {3, p.c()}, float64);
  const NormReference expected = reference(p, data);
  for (size_t k = 0; k < shared.parts(); ++k) {
    NormStorage vectors(p, data);
    NormCall call(p, vectors.memory());
    TensorView x = input.part(k), y = output.part(k);
    call.args.input = &x.dl;
    call.args.output = &y.dl;
    call.args.moments = &all.dl;
    must(call.run(context), call.error, p);
    const NormOutputs got = read_outputs(p, vectors.memory());
    const auto same = [&](const char *name, const Values &a, const Values &b, const Values &tolerance) {
      const std::string wrong = compare(name, a, b, tolerance);
      CHECK_MESSAGE(wrong.empty(), describe(p), ", part ", k, ": ", wrong);
    };
    same("running_mean", got.running_mean, expected.running_mean, expected.running_mean_tolerance);
    same("running_var", got.running_var, expected.running_var, expected.running_var_tolerance);
    same("saved_mean", got.saved_mean, expected.saved_mean, expected.saved_mean_tolerance);
    same("saved_rstd", got.saved_rstd, expected.saved_rstd, expected.saved_rstd_tolerance);
  }
  const std::string wrong = compare("output", output.values(), expected.output, expected.tolerance);
  CHECK_MESSAGE(wrong.empty(), describe(p), ": ", wrong);
}

/** One part's backward call; of the vectors, dweight and dbias are (2, C). */
struct BackwardCall {
  BackwardCall(const Shared &shared, TensorView *x, TensorView *dy, TensorView *moments, StoredTensor *weight)
      : w(weight->data(), {shared.problem.c()}, shared.problem.dtype) {
    args.scope = HALOGEN_NORM_SCOPE_BATCH;
    args.input = &x->dl;
    args.grad_output = &dy->dl;
    args.weight = &w.dl;
    args.moments = &moments->dl;
    args.eps = shared.problem.eps;
    args.ran = &ran;
  }
  void run(halogen_context *context, const NormProblem &problem) {
    must(halogen_norm_backward(context, &args, &error), error, problem);
    record_ran(ran);
  }
  TensorView w;
  halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
};

void check_backward(halogen_context *context, const Shared &shared, const GradientData &data) {
  const NormProblem &p = shared.problem;
  const GradientReference expected = reference_gradients(p, data);
  Data input(shared, data.forward.input), grad_output(shared, data.grad_output), output(shared, data.output);
  Data grad_input(shared, Values(data.grad_output.size(), std::nan("")));
  const TensorForm vector = NormForms(p).vector;
  StoredTensor weight(vector, data.forward.weight);
  Values moments = gathered(context, shared, &input);
  TensorView all(moments.data(), {3, p.c()}, float64);
  const auto activate = [&](BackwardCall *call, TensorView *y) {
    call->args.activation = p.activation;
    call->args.negative_slope = p.negative_slope;
    call->args.output = &y->dl;
  };
  Rows sums(shared, 2);
  for (size_t k = 0; k < shared.parts(); ++k) {
    TensorView x = input.part(k), dy = grad_output.part(k), y = output.part(k), to = sums.part(k);
    BackwardCall call(shared, &x, &dy, &all, &weight);
    activate(&call, &y);
    call.args.part_sums = &to.dl;
    call.run(context, p);
  }
  Values total(2 * shared.channels(), 0.0);
  for (size_t i = 0; i < sums.values.size(); ++i) total[i % total.size()] += sums.values[i];
  TensorView reduced(total.data(), {2, p.c()}, float64);
  for (size_t k = 0; k < shared.parts(); ++k) {
    TensorView x = input.part(k), dy = grad_output.part(k), y = output.part(k), dx = grad_input.part(k);
    StoredTensor dweight(vector, Values(shared.channels(), std::nan(""))), dbias = dweight;
    TensorView dw(dweight.data(), {p.c()}, p.dtype), db(dbias.data(), {p.c()}, p.dtype);
    BackwardCall call(shared, &x, &dy, &all, &weight);
    activate(&call, &y);
    call.args.sums = &reduced.dl;
    call.args.grad_input = &dx.dl;
    call.args.grad_weight = &dw.dl;
    call.args.grad_bias = &db.dl;
    call.run(context, p);
    const std::string w = compare("grad_weight", dweight.values(), expected.weight, expected.weight_tolerance);
    const std::string b = compare("grad_bias", dbias.values(), expected.bias, expected.bias_tolerance);
    CHECK_MESSAGE((w + b).empty(), describe(p), ", part ", k, ": ", w, b);
  }
  const std::string wrong = compare("grad_input", grad_input.values(), expected.input, expected.input_tolerance);
  CHECK_MESSAGE(wrong.empty(), describe(p), ": ", wrong);
}

std::vector<std::vector<int64_t>> cuts_of(int64_t n) {
  std::vector<std::vector<int64_t>> all{{0, n}, {0, 0, n}, {0, n, n}};
  for (int64_t parts = quick() ? 7 : 2; parts <= 7; ++parts) {
    std::vector<int64_t> cuts{0};
    // Uneven, and for small n some of them empty.
    for (int64_t k = 1; k < parts; ++k) cuts.push_back(n * k * k / (parts * parts));
    cuts.push_back(n);
    all.push_back(cuts);
  }
  return all;
}

}  // namespace

TEST_SUITE("norm_moments") {
  TEST_CASE("norm: a batch in one to seven parts is the whole batch, forward and backward") {
    uint64_t stream = 0;
    for (const DLDataType dtype : float_types) {
      for (const Place place : {Place::first, Place::last}) {
        for (const int64_t rows : quick() ? std::vector<int64_t>{5, 70} : std::vector<int64_t>{1, 5, 49, 70, 5000}) {
          Shared shared;
          shared.problem.shape = {rows > 100 ? 3 : 11, 6, rows};
          shared.problem.dtype = dtype;
          shared.problem.put_all(place);
          shared.problem.running = Running::unbiased;
          shared.problem.saved = true;
          NormProblem backward = shared.problem;
          backward.running = Running::none;
          backward.saved = false;
          backward.activation = HALOGEN_ACTIVATION_LEAKY_RELU;
          backward.negative_slope = 0.25;
          for (const std::vector<int64_t> &cuts : cuts_of(shared.problem.n())) {
            shared.cuts = cuts;
            const NormData data = ordinary_data(shared.problem, ++stream);
            for (const Variant &variant : variants_of(dtype)) {
              check_forward(context_of(variant), shared, data);
              check_backward(context_of(variant), {backward, cuts}, GradientData(backward, stream));
            }
          }
        }
      }
    }
  }

  TEST_CASE("norm: moments keep their digits where the mean is much larger than the deviation") {
    Shared shared;
    shared.problem.shape = {8, 2, 500};
    shared.cuts = {0, 1, 5, 8};
    NormData data = ordinary_data(shared.problem, 1);
    for (double &x : data.input) x = static_cast<float>(1e6 + std::round(8 * x) / 8);
    for (const Variant &variant : variants()) {
      Data input(shared, data.input);
      check_moments(shared, gathered(context_of(variant), shared, &input), data.input);
    }
  }

  TEST_CASE("norm: what is said of empty parts has no say") {
    Shared shared;
    shared.problem.shape = {1, 2, 1};
    shared.cuts = {0, 1};
    const double nan = std::nan("");
    for (const Variant &variant : variants()) {
      halogen_context *context = context_of(variant);
      CHECK(same_bits(merged(context, shared, {0, 0, nan, nan, nan, nan, 2, 3, 1, 5, 4, 6}), {2, 3, 1, 5, 4, 6}));
      CHECK(same_bits(merged(context, shared, {0, 0, 7, 7, 7, 7}), {0, 0, 0, 0, 0, 0}));
      CHECK(same_bits(merged(context, shared, {}), {0, 0, 0, 0, 0, 0}));
    }
  }

  TEST_CASE("norm: moments of no values leave running statistics as they are") {
    NormProblem problem;
    problem.shape = {0, 3, 4};
    problem.running = Running::unbiased;
    NormProblem full = problem;
    full.shape[0] = 1;
    const NormData data = ordinary_data(full, 1);
    for (const Variant &variant : variants()) {
      NormStorage storage(full, data);
      NormCall call(problem, storage.memory());
      Values moments(9, 0.0);
      TensorView all(moments.data(), {3, 3}, float64);
      call.args.moments = &all.dl;
      must(call.run(context_of(variant)), call.error, problem);
      CHECK(same_bits(storage.running_mean.values(), data.running_mean));
      CHECK(same_bits(storage.running_var.values(), data.running_var));
    }
  }
}
