// Tensors of more than 2^31 elements, where int32 arithmetic wraps: computed right, or refused with HALOGEN_ERROR_SIZE.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "support/env.h"
#include "support/norm_gradients.h"
#include "support/norm_run.h"
#include "support/repeated.h"

using namespace halogen_tests;

namespace {

// 513 times the same 2^22 values: 2^31 + 2^22 elements.
constexpr size_t block = size_t{1} << 22;
constexpr size_t repeats = 513;

/** The problem of one block, whose statistics are those of all blocks. */
NormProblem one_block(int64_t channels) {
  NormProblem problem;
  problem.shape = {1, channels, static_cast<int64_t>(block) / channels};
  problem.running = Running::biased;
  return problem;
}

void check(const NormProblem &problem, std::vector<int64_t> shape, const RepeatedMapping &input,
           const RepeatedMapping &output) {
  const NormData data = ordinary_data(problem, 1);
  const NormReference expected = reference(problem, data);
  NormStorage storage(problem, data);
  std::memcpy(input.data(), storage.input.data(), storage.input.size());
  std::memcpy(output.data(), storage.output.data(), storage.output.size());
  NormMemory memory = storage.memory();
  memory.input = input.data();
  memory.output = output.data();
  NormProblem whole = problem;
  whole.shape = std::move(shape);
  NormResult result;
  NormCall call(whole, memory);
  result.status = call.run(context_of(variants()[0]));
  result.message = call.error.message;
  if (result.status == HALOGEN_ERROR_SIZE) {
    MESSAGE(describe(whole), " is refused: ", result.message);
    CHECK(std::isnan(output.data()[0]));
    return;
  }
  result.ran = call.ran;
  static_cast<NormOutputs &>(result) = read_outputs(problem, memory);
  const std::string wrong = verify(problem, expected, result, HALOGEN_NORM_PATH_AUTO, variants()[0].name);
  CHECK_MESSAGE(wrong.empty(), wrong);
}

/** The gradients of `samples` times one block, which are the block's, and for the parameters so many times them. */
void check_backward(const NormProblem &problem, int64_t samples, const RepeatedMapping &input,
                    const RepeatedMapping &grad_output, const RepeatedMapping &grad_input) {
  const GradientData data(problem, 2);
  GradientReference expected = reference_gradients(problem, data);
  const double times = static_cast<double>(samples);
  for (Values *values : {&expected.weight, &expected.bias, &expected.weight_tolerance, &expected.bias_tolerance}) {
    for (double &value : *values) value *= times;
  }
  const NormForms forms(problem);
  store(forms.input, data.forward.input, input.data());
  store(forms.residual, data.grad_output, grad_output.data());
  store(forms.output, Values(data.forward.input.size(), std::nan("")), grad_input.data());
  StoredTensor weight(forms.vector, data.forward.weight), dweight = weight, dbias = weight;
  std::vector<int64_t> shape = problem.shape;
  shape[0] = samples;
  const auto whole = [&](const RepeatedMapping &mapping) { return TensorView(mapping.data(), shape); };
  const auto vector = [&](StoredTensor *of) { return TensorView(of->data(), {problem.c()}); };
  TensorView x = whole(input), dy = whole(grad_output), dx = whole(grad_input);
  TensorView w = vector(&weight), dw = vector(&dweight), db = vector(&dbias);
  halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  args.scope = problem.scope;
  args.input = &x.dl;
  args.grad_output = &dy.dl;
  args.weight = &w.dl;
  args.grad_input = &dx.dl;
  args.grad_weight = &dw.dl;
  args.grad_bias = &db.dl;
  args.eps = problem.eps;
  const halogen_status status = halogen_norm_backward(context_of(variants()[0]), &args, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, describe(problem), " times ", samples, ": ", error.message);
  const std::string wrong =
      compare("grad_input", load(forms.output, grad_input.data()), expected.input, expected.input_tolerance) +
      compare("grad_weight", dweight.values(), expected.weight, expected.weight_tolerance) +
      compare("grad_bias", dbias.values(), expected.bias, expected.bias_tolerance);
  CHECK_MESSAGE(wrong.empty(), describe(problem), " times ", samples, ": ", wrong);
}

}  // namespace

TEST_SUITE("norm_large") {
  TEST_CASE("norm: 2^28 values in a channel, and more than 2^31 elements, are computed right or refused") {
    if (quick()) {
      MESSAGE("left out: takes too long in an emulator");
      return;
    }
    const RepeatedMapping input(block * sizeof(float), repeats), output(block * sizeof(float), repeats);
    if (!input.data() || !output.data()) {
      MESSAGE("left out: this system gives no two tensors of 8 GiB of addresses");
      return;
    }
    NormProblem problem = one_block(2);
    check(problem, {static_cast<int64_t>(repeats), 2, static_cast<int64_t>(block) / 2}, input, output);
    problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
    check(problem, {static_cast<int64_t>(repeats), 2, static_cast<int64_t>(block) / 2}, input, output);
    problem.scope = HALOGEN_NORM_SCOPE_BATCH;
    problem.running = Running::none;
    problem.given = true;
    check(problem, {static_cast<int64_t>(repeats), 2, static_cast<int64_t>(block) / 2}, input, output);
    // Channel-last samples have chunks of their own; with one sample less, the last pass is of one.
    problem = one_block(2);
    problem.put_all(Place::last);
    check(problem, {static_cast<int64_t>(repeats) - 1, 2, static_cast<int64_t>(block) / 2}, input, output);
    // 2^28 values in one channel: long sums, and many blocks to merge.
    problem = one_block(1);
    check(problem, {64, 1, static_cast<int64_t>(block)}, input, output);
    check(problem, {1, 1, static_cast<int64_t>(64 * block)}, input, output);
    // One row alone is beyond 2^31.
    problem = one_block(1);
    check(problem, {1, 1, static_cast<int64_t>(repeats * block)}, input, output);
  }

  TEST_CASE("norm: the gradients of 2^28 values in a channel, and of more than 2^31 elements") {
    if (quick()) {
      MESSAGE("left out: takes too long in an emulator");
      return;
    }
    const RepeatedMapping input(block * sizeof(float), repeats), grad_output(block * sizeof(float), repeats);
    const RepeatedMapping grad_input(block * sizeof(float), repeats);
    if (!input.data() || !grad_output.data() || !grad_input.data()) {
      MESSAGE("left out: this system gives no three tensors of 8 GiB of addresses");
      return;
    }
    check_backward(one_block(1), 64, input, grad_output, grad_input);
    // In passes.
    check_backward(one_block(2), static_cast<int64_t>(repeats), input, grad_output, grad_input);
  }

  TEST_CASE("norm: strides that reach over more than 2^31 elements are taken, or copied, in parts") {
    constexpr int64_t far = (int64_t{1} << 30) + 1000;
    const RepeatedMapping input(block * sizeof(float), 770), output(block * sizeof(float), 770);
    if (!input.data() || !output.data()) {
      MESSAGE("left out: this system gives no two tensors of 12 GiB of addresses");
      return;
    }
    NormProblem problem;
    problem.shape = {4, 3, 5, 7};
    const NormData data = ordinary_data(problem, 3);
    const NormReference expected = reference(problem, data);
    // Copies of one sample at a time; of one channel at a time; no copy.
    for (const std::vector<int64_t> &strides :
         std::vector<std::vector<int64_t>>{{far, 80, 15, 2}, {80, far, 15, 2}, {far, 35, 7, 1}}) {
      const TensorForm form{float32, problem.shape, strides};
      store(form, data.input, input.data());
      NormStorage storage(problem, data);
      NormMemory memory = storage.memory();
      memory.input = input.data();
      memory.output = output.data();
      for (const Variant &variant : variants()) {
        store(form, Values(data.input.size(), std::nan("")), output.data());
        NormCall call(problem, memory);
        call.input.set_strides(strides);
        call.output.set_strides(strides);
        REQUIRE_MESSAGE(call.run(context_of(variant)) == HALOGEN_OK, call.error.message);
        const std::string wrong = compare("output", load(form, memory.output), expected.output, expected.tolerance);
        CHECK_MESSAGE(wrong.empty(), variant.name, ": ", wrong);
      }
    }
  }

  TEST_CASE("norm: gradients of outer strides that reach over more than 2^31 elements are masked in parts") {
    constexpr int64_t far = (int64_t{1} << 30) + 1000;
    const RepeatedMapping grad_output(block * sizeof(float), 770), output(block * sizeof(float), 770);
    if (!grad_output.data() || !output.data()) {
      MESSAGE("left out: this system gives no two tensors of 12 GiB of addresses");
      return;
    }
    NormProblem problem;
    problem.shape = {4, 3, 5, 7};
    problem.activation = HALOGEN_ACTIVATION_RELU;
    const GradientData data(problem, 5);
    const GradientReference expected = reference_gradients(problem, data);
    // One sample at a time; of each sample one channel at a time.
    for (const std::vector<int64_t> &strides : std::vector<std::vector<int64_t>>{{far, 35, 7, 1}, {80, far, 7, 1}}) {
      const TensorForm dense{float32, problem.shape, dense_strides(problem.shape)},
          apart{float32, problem.shape, strides};
      StoredTensor input(dense, data.forward.input), weight({float32, {3}, {1}}, data.forward.weight);
      store(apart, data.grad_output, grad_output.data());
      store(apart, data.output, output.data());
      for (const Variant &variant : variants()) {
        StoredTensor residual(dense, Values(data.grad_output.size(), std::nan(""))), gradient = residual;
        TensorView x(input.data(), problem.shape), w(weight.data(), {3}), dx(gradient.data(), problem.shape);
        TensorView dr(residual.data(), problem.shape), dy(grad_output.data(), problem.shape);
        TensorView y(output.data(), problem.shape);
        for (TensorView *view : {&dy, &y}) view->set_strides(strides);
        halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
        halogen_error error = HALOGEN_ERROR_INIT;
        args.scope = problem.scope;
        args.activation = problem.activation;
        args.input = &x.dl;
        args.grad_output = &dy.dl;
        args.output = &y.dl;
        args.weight = &w.dl;
        args.grad_input = &dx.dl;
        args.grad_residual = &dr.dl;
        args.eps = problem.eps;
        REQUIRE_MESSAGE(halogen_norm_backward(context_of(variant), &args, &error) == HALOGEN_OK, error.message);
        const std::string wrong =
            compare("grad_residual", residual.values(), expected.residual, expected.residual_tolerance) +
            compare("grad_input", gradient.values(), expected.input, expected.input_tolerance);
        CHECK_MESSAGE(wrong.empty(), variant.name, ": ", wrong);
      }
    }
  }
}
