// torch.nn.BatchNorm2d and InstanceNorm2d: defaults, state, modes, numbers.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "support/module.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

using Keys = std::vector<std::string>;

halogen_context *context() { return context_of(variants()[0]); }

NormProblem problem_of(std::vector<int64_t> shape, halogen_norm_scope scope) {
  NormProblem problem;
  problem.shape = std::move(shape);
  problem.scope = scope;
  return problem;
}

/** Fills the module's state from `data` and checks a forward of `problem` against the reference. */
void check_forward(Module &module, const NormProblem &problem, const NormData &data) {
  const NormReference expected = reference(problem, data);
  const Values output = module.forward(data.input, problem.shape);
  REQUIRE_MESSAGE(module.status == HALOGEN_OK, module.message);
  std::string wrong = compare("output", output, expected.output, expected.tolerance);
  if (wrong.empty() && problem.running != Running::none) {
    wrong =
        compare("running_mean", module.copy_of("running_mean"), expected.running_mean, expected.running_mean_tolerance);
    if (wrong.empty()) {
      wrong =
          compare("running_var", module.copy_of("running_var"), expected.running_var, expected.running_var_tolerance);
    }
  }
  CHECK_MESSAGE(wrong.empty(), describe(problem), ": ", wrong);
}

void load(Module &module, const NormData &data) {
  for (const std::string &key : module.keys()) {
    const Values *values = key == "weight"         ? &data.weight
                           : key == "bias"         ? &data.bias
                           : key == "running_mean" ? &data.running_mean
                           : key == "running_var"  ? &data.running_var
                                                   : nullptr;
    if (values) module.set(key.c_str(), *values);
  }
}

}  // namespace

TEST_SUITE("torch_module") {
  TEST_CASE("torch: defaults") {
    const auto batch = batch_norm_params(5);
    CHECK(batch.struct_size == sizeof batch);
    CHECK(batch.num_features == 5);
    CHECK(batch.eps == 1e-5);
    CHECK(batch.momentum == 0.1);
    CHECK(batch.momentum_is_none == 0);
    CHECK(batch.affine == 1);
    CHECK(batch.track_running_stats == 1);
    CHECK(batch.dtype.code == kDLFloat);
    CHECK(batch.dtype.bits == 32);
    CHECK(batch.dtype.lanes == 1);
    CHECK(batch.device.device_type == kDLCPU);
    const auto instance = instance_norm_params(6);
    CHECK(instance.struct_size == sizeof instance);
    CHECK(instance.num_features == 6);
    CHECK(instance.eps == 1e-5);
    CHECK(instance.momentum == 0.1);
    CHECK(instance.momentum_is_none == 0);
    CHECK(instance.affine == 0);
    CHECK(instance.track_running_stats == 0);
    CHECK(instance.dtype.bits == 32);
    CHECK(instance.device.device_type == kDLCPU);
  }

  TEST_CASE("torch: state keys in torch's order, with torch's initial values") {
    for (const bool affine : {false, true}) {
      for (const bool track : {false, true}) {
        Keys expected;
        if (affine) expected = {"weight", "bias"};
        if (track) expected.insert(expected.end(), {"running_mean", "running_var", "num_batches_tracked"});
        auto batch = batch_norm_params(4);
        auto instance = instance_norm_params(4);
        batch.affine = instance.affine = affine;
        batch.track_running_stats = instance.track_running_stats = track;
        const Module modules[] = {Module(context(), batch), Module(context(), instance)};
        for (const Module &module : modules) {
          CHECK(module.keys() == expected);
          CHECK(halogen_module_state_key(module.get(), expected.size()) == nullptr);
          if (affine) {
            CHECK(module.copy_of("weight") == Values(4, 1));
            CHECK(module.copy_of("bias") == Values(4, 0));
          }
          if (track) {
            CHECK(module.copy_of("running_mean") == Values(4, 0));
            CHECK(module.copy_of("running_var") == Values(4, 1));
            CHECK(*module.num_batches_tracked() == 0);
            const DLTensor *batches = nullptr;
            REQUIRE(halogen_module_state(module.get(), "num_batches_tracked", &batches, nullptr) == HALOGEN_OK);
            CHECK(batches->ndim == 0);
            CHECK(batches->dtype.code == kDLInt);
            CHECK(batches->dtype.bits == 64);
          }
        }
      }
    }
    CHECK(halogen_module_state_count(nullptr) == 0);
    CHECK(halogen_module_state_key(nullptr, 0) == nullptr);
  }

  TEST_CASE("torch: the documents' example") {
    Module batch(context(), batch_norm_params(3));
    Values input(12);
    for (size_t i = 0; i < 12; ++i) input[i] = 0.1 * static_cast<double>(i + 1);
    const Values output = batch.forward(input, {1, 3, 2, 2});
    REQUIRE_MESSAGE(batch.status == HALOGEN_OK, batch.message);
    const double expected[] = {-1.341104, -0.44703, 0.44703, 1.341104};
    for (size_t i = 0; i < 12; ++i) CHECK(output[i] == doctest::Approx(expected[i % 4]).epsilon(1e-5));
  }

  TEST_CASE("torch: BatchNorm2d in training and evaluation, affine or not, tracked or not") {
    for (const bool affine : {false, true}) {
      for (const bool track : {false, true}) {
        auto params = batch_norm_params(7);
        params.affine = affine;
        params.track_running_stats = track;
        params.momentum = 0.3;
        params.eps = 1e-3;
        NormProblem problem = problem_of({4, 7, 5, 6}, HALOGEN_NORM_SCOPE_BATCH);
        problem.weight = problem.bias = affine;
        problem.running_weight = 0.3;
        problem.eps = 1e-3;
        NormData data = ordinary_data(problem, 31);
        Module module(context(), params);
        load(module, data);
        problem.running = track ? Running::unbiased : Running::none;
        check_forward(module, problem, data);
        if (track) {
          CHECK(*module.num_batches_tracked() == 1);
          data.mean = data.running_mean = module.copy_of("running_mean");
          data.var = data.running_var = module.copy_of("running_var");
        }
        module.set_training(false);
        problem.running = Running::none;
        problem.given = track;
        check_forward(module, problem, data);
        if (track) {
          CHECK(module.copy_of("running_mean") == data.running_mean);
          CHECK(module.copy_of("running_var") == data.running_var);
          CHECK(*module.num_batches_tracked() == 1);
        }
      }
    }
  }

  TEST_CASE("torch: BatchNorm2d with momentum None is a cumulative average") {
    auto params = batch_norm_params(3);
    params.momentum_is_none = 1;
    params.momentum = 123;  // has no effect
    Module module(context(), params);
    NormProblem problem = problem_of({2, 3, 4, 4}, HALOGEN_NORM_SCOPE_BATCH);
    problem.running = Running::unbiased;
    for (int step = 1; step <= 4; ++step) {
      NormData data = ordinary_data(problem, 40 + static_cast<uint64_t>(step));
      data.running_mean = module.copy_of("running_mean");
      data.running_var = module.copy_of("running_var");
      data.weight.assign(3, 1);
      data.bias.assign(3, 0);
      problem.running_weight = 1.0 / step;
      check_forward(module, problem, data);
      CHECK(*module.num_batches_tracked() == step);
    }
  }

  TEST_CASE("torch: BatchNorm2d with an empty batch computes nothing but counts it") {
    for (const bool momentum_is_none : {false, true}) {
      auto params = batch_norm_params(4);
      params.momentum_is_none = momentum_is_none;
      Module module(context(), params);
      module.forward({}, {0, 4, 3, 4});
      CHECK_MESSAGE(module.status == HALOGEN_OK, module.message);
      CHECK(*module.num_batches_tracked() == 1);
      CHECK(module.copy_of("running_mean") == Values(4, 0));
      CHECK(module.copy_of("running_var") == Values(4, 1));
      module.set_training(false);
      module.forward({}, {0, 4, 3, 4});
      CHECK(module.status == HALOGEN_OK);
      CHECK(*module.num_batches_tracked() == 1);
    }
  }

  TEST_CASE("torch: InstanceNorm2d in training and evaluation, affine or not, tracked or not, batched or not") {
    for (const bool unbatched : {false, true}) {
      for (const bool affine : {false, true}) {
        for (const bool track : {false, true}) {
          auto params = instance_norm_params(7);
          params.affine = affine;
          params.track_running_stats = track;
          NormProblem problem = problem_of({unbatched ? 1 : 3, 7, 5, 6}, HALOGEN_NORM_SCOPE_INSTANCE);
          problem.weight = problem.bias = affine;
          NormData data = ordinary_data(problem, 50);
          Module module(context(), params);
          load(module, data);
          const auto check = [&] {
            const NormReference expected = reference(problem, data);
            const std::vector<int64_t> shape = unbatched ? std::vector<int64_t>{7, 5, 6} : problem.shape;
            const Values output = module.forward(data.input, shape);
            REQUIRE_MESSAGE(module.status == HALOGEN_OK, module.message);
            std::string wrong = compare("output", output, expected.output, expected.tolerance);
            CHECK_MESSAGE(wrong.empty(), wrong);
            if (problem.running == Running::none) return;
            wrong = compare("running_mean", module.copy_of("running_mean"), expected.running_mean,
                            expected.running_mean_tolerance) +
                    compare("running_var", module.copy_of("running_var"), expected.running_var,
                            expected.running_var_tolerance);
            CHECK_MESSAGE(wrong.empty(), wrong);
          };
          problem.running = track ? Running::unbiased : Running::none;
          check();
          if (track) {
            CHECK(*module.num_batches_tracked() == 0);
            data.mean = data.running_mean = module.copy_of("running_mean");
            data.var = data.running_var = module.copy_of("running_var");
          }
          module.set_training(false);
          problem.running = Running::none;
          problem.given = track;
          check();
          if (track) CHECK(module.copy_of("running_mean") == data.running_mean);
        }
      }
    }
  }

  TEST_CASE("torch: InstanceNorm2d with momentum None never moves its running statistics") {
    auto params = instance_norm_params(3);
    params.track_running_stats = 1;
    params.momentum_is_none = 1;
    Module module(context(), params);
    const NormProblem problem = problem_of({2, 3, 4, 4}, HALOGEN_NORM_SCOPE_INSTANCE);
    module.forward(ordinary_data(problem, 60).input, problem.shape);
    REQUIRE_MESSAGE(module.status == HALOGEN_OK, module.message);
    CHECK(module.copy_of("running_mean") == Values(3, 0));
    CHECK(module.copy_of("running_var") == Values(3, 1));
  }

  TEST_CASE("torch: InstanceNorm2d without affine and tracking accepts another C") {
    Module module(context(), instance_norm_params(5));
    NormProblem problem = problem_of({2, 3, 4, 4}, HALOGEN_NORM_SCOPE_INSTANCE);
    problem.weight = problem.bias = false;
    check_forward(module, problem, ordinary_data(problem, 61));
  }

  TEST_CASE("torch: every variant computes the same module") {
    for (const Variant &variant : variants()) {
      Module module(context_of(variant), batch_norm_params(16));
      NormProblem problem = problem_of({3, 16, 9, 9}, HALOGEN_NORM_SCOPE_BATCH);
      problem.running = Running::unbiased;
      const NormData data = ordinary_data(problem, 62);
      load(module, data);
      check_forward(module, problem, data);
    }
  }

  TEST_CASE("torch: forward in evaluation mode from several threads on one module") {
    Module module(context(), batch_norm_params(16));
    const NormProblem problem = problem_of({3, 16, 9, 9}, HALOGEN_NORM_SCOPE_BATCH);
    const NormData data = ordinary_data(problem, 63);
    load(module, data);
    module.set_training(false);
    const Values expected = module.forward(data.input, problem.shape);
    REQUIRE(module.status == HALOGEN_OK);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) {
          NormStorage own(problem, data);
          const TensorView x(own.input.data(), problem.shape), y(own.output.data(), problem.shape);
          const halogen_status status = halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, nullptr, nullptr);
          if (status != HALOGEN_OK || !same_bits(own.output.values(), expected)) ++wrong;
        }
      });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(wrong == 0);
  }
}
