// Module state: views, loading, binding the caller's memory, and forward through what is bound.
#include <doctest/doctest.h>

#include "support/callbacks.h"
#include "support/module.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

halogen_context *context() { return context_of(variants()[0]); }

std::vector<float> numbers(float first) { return {first, first + 1, first + 2}; }
Values as_values(const std::vector<float> &floats) { return Values(floats.begin(), floats.end()); }

}  // namespace

TEST_SUITE("module_state") {
  TEST_CASE("module: load copies into the entry") {
    const Module module(context(), batch_norm_params(3));
    for (const char *key : {"weight", "bias", "running_mean", "running_var"}) {
      std::vector<float> values = numbers(5);
      const TensorView tensor(values.data(), {3});
      CHECK(halogen_module_load_state(module.get(), key, &tensor.dl, nullptr) == HALOGEN_OK);
      values.assign(3, 0);
      CHECK(module.copy_of(key) == as_values(numbers(5)));
    }
    int64_t batches = 41;
    const TensorView scalar(&batches, {}, int64_type);
    CHECK(halogen_module_load_state(module.get(), "num_batches_tracked", &scalar.dl, nullptr) == HALOGEN_OK);
    CHECK(*module.num_batches_tracked() == 41);
  }

  TEST_CASE("module: load heeds byte_offset and dense strides") {
    const Module module(context(), batch_norm_params(3));
    std::vector<float> values{9, 9, 1, 2, 3};
    TensorView tensor(values.data(), {3});
    tensor.dl.byte_offset = 2 * sizeof(float);
    tensor.set_strides({1});
    CHECK(halogen_module_load_state(module.get(), "weight", &tensor.dl, nullptr) == HALOGEN_OK);
    CHECK(module.copy_of("weight") == as_values(numbers(1)));
  }

  TEST_CASE("module: a bound entry is the caller's memory") {
    Module module(context(), batch_norm_params(3));
    std::vector<float> weight = numbers(1), bias = numbers(2), mean = numbers(0), var = numbers(3);
    int64_t batches = 0;
    const auto bind = [&](const char *key, std::vector<float> &values) {
      const TensorView tensor(values.data(), {3});
      CHECK(halogen_module_bind_state(module.get(), key, &tensor.dl, nullptr) == HALOGEN_OK);
      CHECK(module.state(key) == values.data());
    };
    bind("weight", weight);
    bind("bias", bias);
    bind("running_mean", mean);
    bind("running_var", var);
    const TensorView scalar(&batches, {}, int64_type);
    CHECK(halogen_module_bind_state(module.get(), "num_batches_tracked", &scalar.dl, nullptr) == HALOGEN_OK);

    NormProblem problem;
    problem.shape = {2, 3, 4, 4};
    problem.running = Running::unbiased;
    NormData data = ordinary_data(problem, 70);
    data.weight = as_values(weight);
    data.bias = as_values(bias);
    data.running_mean = as_values(mean);
    data.running_var = as_values(var);
    const NormReference expected = reference(problem, data);
    const Values output = module.forward(data.input, problem.shape);
    REQUIRE_MESSAGE(module.status == HALOGEN_OK, module.message);
    const std::string wrong =
        compare("output", output, expected.output, expected.tolerance) +
        compare("running_mean", as_values(mean), expected.running_mean, expected.running_mean_tolerance) +
        compare("running_var", as_values(var), expected.running_var, expected.running_var_tolerance);
    CHECK_MESSAGE(wrong.empty(), wrong);
    CHECK(batches == 1);
    CHECK(weight == numbers(1));
  }

  TEST_CASE("module: the views of the state live on while other entries are bound") {
    const Module module(context(), batch_norm_params(3));
    const DLTensor *weight = nullptr;
    REQUIRE(halogen_module_state(module.get(), "weight", &weight, nullptr) == HALOGEN_OK);
    std::vector<float> bias = numbers(4);
    const TensorView tensor(bias.data(), {3});
    REQUIRE(halogen_module_bind_state(module.get(), "bias", &tensor.dl, nullptr) == HALOGEN_OK);
    CHECK(weight->shape[0] == 3);
    CHECK(static_cast<float *>(weight->data)[2] == 1);
  }

  TEST_CASE("module: forward in place gives the same bits") {
    Module module(context(), batch_norm_params(5));
    const std::vector<int64_t> shape{3, 5, 7, 3};
    NormProblem problem;
    problem.shape = shape;
    const NormData data = ordinary_data(problem, 71);
    const Values expected = module.forward(data.input, shape);
    NormStorage in_place(problem, data);
    const TensorView tensor(in_place.input.data(), shape);
    REQUIRE(halogen_module_forward(module.get(), &tensor.dl, &tensor.dl, nullptr, nullptr, nullptr) == HALOGEN_OK);
    CHECK(same_bits(in_place.input.values(), expected));
  }

  TEST_CASE("module: query says what forward then runs") {
    Module module(context(), batch_norm_params(5));
    const std::vector<int64_t> shape{3, 5, 7, 3};
    for (const bool training : {true, false}) {
      module.set_training(training);
      std::vector<float> input(315, 1.0f), output(315);
      const TensorView blind_input(nullptr, shape), blind_output(nullptr, shape);
      const TensorView x(input.data(), shape), y(output.data(), shape);
      halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT, ran = HALOGEN_KERNEL_INFO_INIT;
      REQUIRE(halogen_module_query(module.get(), &blind_input.dl, &blind_output.dl, &info, nullptr) == HALOGEN_OK);
      const Values before = module.copy_of("running_mean");
      REQUIRE(halogen_module_query(module.get(), &x.dl, &y.dl, &info, nullptr) == HALOGEN_OK);
      CHECK(module.copy_of("running_mean") == before);
      REQUIRE(halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, &ran, nullptr) == HALOGEN_OK);
      CHECK(std::string(info.kernels) == ran.kernels);
      CHECK(std::string(info.isa) == ran.isa);
      CHECK(std::string(ran.kernels).size() > 0);
      CHECK(*module.num_batches_tracked() == 1);
    }
  }

  TEST_CASE("module: all memory comes from the context's allocator and goes back; forward takes none") {
    CountingAllocator allocator;
    {
      halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
      allocator.install(options);
      options.num_threads = 1;
      const Context own(options);
      Module module(own.get(), batch_norm_params(5));
      CHECK(allocator.calls() > 0);
      const std::vector<int64_t> shape{3, 5, 7, 3};
      const Values input(315, 1);
      module.forward(input, shape);
      const int64_t warm = allocator.calls();
      module.forward(input, shape);
      CHECK(allocator.calls() == warm);
    }
    CHECK(allocator.live() == 0);
  }
}
