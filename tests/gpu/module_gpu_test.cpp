// halogen/module.h on a GPU: modules that move there, run, and come back.
#include <doctest/doctest.h>

#include "placement.h"
#include "support/conv_problem.h"
#include "support/coverage.h"
#include "support/misuse.h"
#include "support/module.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

void move(const Module &module, DLDevice device) {
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_module_to(module.get(), device, nullptr, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
}

/** Forward of dense float32 tensors on the device. */
Values forward_there(const Module &module, const Values &input, const std::vector<int64_t> &shape) {
  const std::vector<float> from(input.begin(), input.end());
  std::vector<float> to(input.size());
  const size_t bytes = from.size() * sizeof(float);
  void *x_memory = the_device().allocate(bytes), *y_memory = the_device().allocate(bytes);
  the_device().upload(x_memory, from.data(), bytes);
  const TensorView x(x_memory, shape, float32, the_device().device());
  const TensorView y(y_memory, shape, float32, the_device().device());
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, &ran, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
  record_ran(ran);
  the_device().download(to.data(), y_memory, bytes);
  return Values(to.begin(), to.end());
}

}  // namespace

TEST_SUITE("gpu_module") {
  TEST_CASE("gpu module: there, trained, cloned, reset, and back") {
    NormProblem problem;
    problem.shape = {2, 5, 6, 7};
    problem.running = Running::unbiased;
    const NormData data = ordinary_data(problem, 80);
    const NormReference expected = reference(problem, data);
    Module module(device_context(), batch_norm_params(5));
    module.set("weight", data.weight);
    module.set("bias", data.bias);
    module.set("running_mean", data.running_mean);
    module.set("running_var", data.running_var);
    move(module, the_device().device());
    const Values output = forward_there(module, data.input, problem.shape);
    halogen_module *copy = nullptr;
    REQUIRE(halogen_module_clone(module.get(), &copy, nullptr) == HALOGEN_OK);
    Module clone(copy);
    REQUIRE(halogen_module_reset_running_stats(module.get(), nullptr) == HALOGEN_OK);
    move(module, cpu);
    move(clone, cpu);
    std::string wrong = compare("output", output, expected.output, expected.tolerance);
    if (wrong.empty()) {
      wrong =
          compare("running_mean", clone.copy_of("running_mean"), expected.running_mean,
                  expected.running_mean_tolerance) +
          compare("running_var", clone.copy_of("running_var"), expected.running_var, expected.running_var_tolerance);
    }
    CHECK_MESSAGE(wrong.empty(), wrong);
    CHECK(clone.copy_of("weight") == data.weight);
    CHECK(*clone.num_batches_tracked() == 1);
    CHECK(module.copy_of("weight") == data.weight);
    CHECK(module.copy_of("running_mean") == Values(5, 0));
    CHECK(module.copy_of("running_var") == Values(5, 1));
    CHECK(*module.num_batches_tracked() == 0);
  }

  TEST_CASE("gpu module: a transposed convolution there, trained and evaluated, and back") {
    ConvProblem problem;
    problem.c_in = problem.c_out = 3;
    problem.length = 20;
    problem.kernel = 3;
    problem.pad_left = problem.pad_right = 1;
    const ConvData data = integer_data(problem, 81);
    const auto values = [](const std::vector<float> &of) { return Values(of.begin(), of.end()); };
    halogen_torch_conv_transpose1d_params params;
    REQUIRE(halogen_torch_conv_transpose1d_params_init(&params, sizeof params, 3, 3, 3, nullptr) == HALOGEN_OK);
    params.padding = 1;
    halogen_module *made = nullptr;
    REQUIRE(halogen_torch_conv_transpose1d_create(device_context(), &params, &made, nullptr) == HALOGEN_OK);
    Module module(made);
    module.set("weight", values(data.weight));
    module.set("bias", values(data.bias));
    move(module, the_device().device());
    for (const bool training : {true, false}) {
      module.set_training(training);
      CHECK(forward_there(module, values(data.input), problem.input_shape()) == reference(problem, data).output);
    }
    move(module, cpu);
    CHECK(module.copy_of("weight") == values(data.weight));
  }

  TEST_CASE("gpu module: state is loaded, reset and converted where it lies") {
    const Module there(device_context(), batch_norm_params(300)), here(device_context(), batch_norm_params(300));
    move(there, the_device().device());
    std::vector<float> values(300);
    for (size_t i = 0; i < values.size(); ++i) values[i] = 1 / (1 + static_cast<float>(i));
    const TensorView mean(values.data(), {300});
    for (const Module *module : {&there, &here}) {
      REQUIRE(halogen_module_load_state(module->get(), "running_mean", &mean.dl, nullptr) == HALOGEN_OK);
    }
    halogen_torch_conv_transpose1d_params params;
    REQUIRE(halogen_torch_conv_transpose1d_params_init(&params, sizeof params, 3, 4, 5, nullptr) == HALOGEN_OK);
    halogen_module *made[2] = {};
    for (halogen_module *&module : made) {
      REQUIRE(halogen_torch_conv_transpose1d_create(device_context(), &params, &module, nullptr) == HALOGEN_OK);
    }
    const Module conv_there(made[0]), conv_here(made[1]);
    move(conv_there, the_device().device());
    for (const Module *module : {&conv_there, &conv_here}) {
      REQUIRE(halogen_module_reset_parameters(module->get(), 5, 16, nullptr) == HALOGEN_OK);
    }
    for (const Module *module : {&there, &here, &conv_there, &conv_here}) {
      REQUIRE(halogen_module_convert(module->get(), float16, nullptr) == HALOGEN_OK);
    }
    move(there, cpu);
    move(conv_there, cpu);
    CHECK(there.copy_of("running_mean") == here.copy_of("running_mean"));
    CHECK(conv_there.copy_of("weight") == conv_here.copy_of("weight"));
    CHECK(conv_there.copy_of("bias") == conv_here.copy_of("bias"));
  }

  TEST_CASE("gpu module: what does not go") {
    const Module module(device_context(), batch_norm_params(3));
    move(module, the_device().device());
    const DLDevice other = {the_device().device().device_type, the_device().device().device_id + 1};
    check_refused("another GPU", HALOGEN_ERROR_DEVICE, {"device_id"}, {},
                  [&](halogen_error *e) { return halogen_module_to(module.get(), other, nullptr, e); });
    auto params = batch_norm_params(3);
    params.device = the_device().device();
    const Module unbound(device_context(), params);
    check_refused("no memory", HALOGEN_ERROR_NULL_POINTER, {"weight"}, {},
                  [&](halogen_error *e) { return halogen_module_to(unbound.get(), cpu, nullptr, e); });
    check_refused("no memory to fill", HALOGEN_ERROR_NULL_POINTER, {"weight", "bind"}, {},
                  [&](halogen_error *e) { return halogen_module_reset_parameters(unbound.get(), 1, 0, e); });
    std::vector<float> three(3);
    const TensorView value(three.data(), {3});
    check_refused("no memory to copy to", HALOGEN_ERROR_NULL_POINTER, {"weight", "bind"}, {},
                  [&](halogen_error *e) { return halogen_module_load_state(unbound.get(), "weight", &value.dl, e); });
  }
}
