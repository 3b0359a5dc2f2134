// halogen/module.h: backward, the output's form, repr, clone, convert, to, reset_running_stats, several entries at once.
#include <doctest/doctest.h>

#include <map>

#include "support/callbacks.h"
#include "support/conv_problem.h"
#include "support/framework.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

Module trained() {
  Module module(best_context(), batch_norm_params(3));
  module.forward({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {2, 3, 2, 1});
  REQUIRE(module.status == HALOGEN_OK);
  return Module(module.release());
}

}  // namespace

TEST_SUITE("module_move") {
  TEST_CASE("module: backward of torch's normalisations, in training and evaluation") {
    for (const bool training : {true, false}) {
      NormProblem problem;
      problem.shape = {3, 4, 5, 2};
      problem.given = !training;
      problem.running = training ? Running::unbiased : Running::none;
      Module batch(best_context(), batch_norm_params(4));
      batch.set_training(training);
      std::string wrong = check_norm_module(batch, problem, common_keys, true, 60);
      CHECK_MESSAGE(wrong.empty(), wrong);
      auto params = instance_norm_params(4);
      params.affine = params.track_running_stats = 1;
      Module instance(best_context(), params);
      instance.set_training(training);
      problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
      wrong = check_norm_module(instance, problem, common_keys, true, 61);
      CHECK_MESSAGE(wrong.empty(), wrong);
    }
    NormProblem problem;
    problem.shape = {3, 4, 5};
    problem.scope = HALOGEN_NORM_SCOPE_GROUP;
    problem.num_groups = 2;
    Module group(best_context(), group_norm_params(2, 4));
    std::string wrong = check_norm_module(group, problem, common_keys, true, 62);
    CHECK_MESSAGE(wrong.empty(), wrong);
    problem.shape = {3, 20};
    problem.num_groups = 1;
    const std::vector<int64_t> shape{20};
    Module layer(best_context(), layer_norm_params(shape));
    wrong = check_norm_module(layer, problem, common_keys, true, 63);
    CHECK_MESSAGE(wrong.empty(), wrong);
  }

  TEST_CASE("module: backward of torch's transposed convolution") {
    for (const bool batched : {true, false}) {
      halogen_torch_conv_transpose1d_params params;
      REQUIRE(halogen_torch_conv_transpose1d_params_init(&params, sizeof params, 6, 4, 5, nullptr) == HALOGEN_OK);
      params.stride = 3;
      params.padding = 2;
      params.output_padding = 1;
      params.groups = 2;
      params.bias = batched ? 1 : 0;
      ConvProblem problem;
      problem.n = batched ? 3 : 1;
      problem.batched = batched;
      problem.c_in = 6;
      problem.c_out = 4;
      problem.length = 9;
      problem.kernel = 5;
      problem.stride = 3;
      problem.groups = 2;
      problem.pad_left = 2;
      problem.pad_right = 1;
      problem.bias = batched;
      Module module = made(halogen_torch_conv_transpose1d_create, params);
      const std::string wrong = check_conv_module(module, problem, 66);
      CHECK_MESSAGE(wrong.empty(), wrong);
    }
  }

  TEST_CASE("module: misuse of a transposed convolution's backward") {
    halogen_torch_conv_transpose1d_params params;
    REQUIRE(halogen_torch_conv_transpose1d_params_init(&params, sizeof params, 2, 2, 3, nullptr) == HALOGEN_OK);
    const Module module = made(halogen_torch_conv_transpose1d_create, params);
    std::vector<float> data(16, 1), gradient(16, 9);
    const TensorView x(data.data(), {2, 4}), g(data.data(), {2, 6}), dx(gradient.data(), {2, 4});
    halogen_module_gradients gradients = HALOGEN_MODULE_GRADIENTS_INIT;
    gradients.input = &dx.dl;
    const auto refused = [&](halogen_status status, const char *words, const DLTensor &input, const DLTensor &output) {
      check_refused(words, status, {words}, {{"gradient", gradient.data(), 64}}, [&](halogen_error *e) {
        return halogen_module_backward(module.get(), &input, &output, &gradients, nullptr, nullptr, e);
      });
    };
    const TensorView channels(data.data(), {3, 4}), shorter(data.data(), {2, 5});
    refused(HALOGEN_ERROR_CHANNELS, "expected input[1, 3, 4] to have 2 channels", channels.dl, g.dl);
    refused(HALOGEN_ERROR_SHAPE, "grad_output", x.dl, shorter.dl);
    gradients.weight = &dx.dl;
    refused(HALOGEN_ERROR_WEIGHT_SHAPE, "gradients.weight: expected the parameter's shape [2, 2, 3]", x.dl, g.dl);
    gradients.weight = nullptr;
    gradients.bias = &dx.dl;
    refused(HALOGEN_ERROR_BIAS_SHAPE, "gradients.bias", x.dl, g.dl);
  }

  TEST_CASE("module: misuse of backward") {
    const Module module(best_context(), batch_norm_params(2));
    std::vector<float> data(8, 1), gradient(8, 9);
    const TensorView x(data.data(), {2, 2, 2, 1});
    TensorView g(gradient.data(), {2, 2, 2, 1}), w(gradient.data(), {2});
    halogen_module_gradients gradients = HALOGEN_MODULE_GRADIENTS_INIT;
    gradients.input = &g.dl;
    const std::vector<Watched> watched{{"gradient", gradient.data(), 32}};
    const DLTensor *input = &x.dl, *grad_output = &x.dl;
    const auto refused = [&](halogen_status status, const char *words) {
      check_refused(words, status, {words}, watched, [&](halogen_error *e) {
        return halogen_module_backward(module.get(), input, grad_output, &gradients, nullptr, nullptr, e);
      });
    };
    check_refused("module", HALOGEN_ERROR_NULL_POINTER, {"module"}, watched, [&](halogen_error *e) {
      return halogen_module_backward(nullptr, input, grad_output, &gradients, nullptr, nullptr, e);
    });
    check_refused("gradients", HALOGEN_ERROR_NULL_POINTER, {"gradients"}, watched, [&](halogen_error *e) {
      return halogen_module_backward(module.get(), input, grad_output, nullptr, nullptr, nullptr, e);
    });
    halogen_kernel_info ran = {};
    check_refused("ran", HALOGEN_ERROR_STRUCT_SIZE, {"ran"}, watched, [&](halogen_error *e) {
      return halogen_module_backward(module.get(), input, grad_output, &gradients, nullptr, &ran, e);
    });
    input = nullptr;
    refused(HALOGEN_ERROR_NULL_POINTER, "input");
    input = &x.dl;
    grad_output = nullptr;
    refused(HALOGEN_ERROR_NULL_POINTER, "grad_output");
    grad_output = &x.dl;
    gradients.struct_size = 4;
    refused(HALOGEN_ERROR_STRUCT_SIZE, "gradients");
    gradients.struct_size = sizeof gradients;
    const TensorView cut(data.data(), {2, 2, 2});
    input = &cut.dl;
    refused(HALOGEN_ERROR_RANK, "expected 4D input (got 3D input)");
    input = &x.dl;
    grad_output = &cut.dl;
    refused(HALOGEN_ERROR_RANK, "grad_output");
    grad_output = &x.dl;
    gradients.weight = &g.dl;
    refused(HALOGEN_ERROR_SHAPE, "gradients.weight: expected the parameter's shape [2], got [2, 2, 2, 1]");
    gradients.weight = &w.dl;
    w.dl.dtype = float64;
    refused(HALOGEN_ERROR_DTYPE, "gradients.weight");
    auto plain = batch_norm_params(2);
    plain.affine = 0;
    const Module without(best_context(), plain);
    gradients.weight = nullptr;
    w.dl.dtype = float32;
    gradients.bias = &w.dl;
    check_refused("no such parameter", HALOGEN_ERROR_KEY, {"gradients.bias"}, watched, [&](halogen_error *e) {
      return halogen_module_backward(without.get(), input, grad_output, &gradients, nullptr, nullptr, e);
    });
  }

  TEST_CASE("module: the output's form") {
    const Module module(best_context(), batch_norm_params(4));
    CHECK(output_of(module, {2, 4, 3, 5}) == "2x4x3x5");
    CHECK(output_of(module, {2, 4, 3, 5}, float16) == "2x4x3x5");
    CHECK(output_of(module, {2, 4, 3}) == "expected 4D input (got 3D input)");
    float value = 0;
    const TensorView x(&value, {1, 4, 1, 2});
    int64_t shape[8];
    int32_t rank = 0;
    const auto null = [&](const char *word, const std::function<halogen_status(halogen_error *)> &call) {
      check_refused(word, HALOGEN_ERROR_NULL_POINTER, {word}, {{"rank", &rank, sizeof rank}}, call);
    };
    null("module", [&](auto *e) { return halogen_module_output(nullptr, &x.dl, shape, &rank, nullptr, e); });
    null("input", [&](auto *e) { return halogen_module_output(module.get(), nullptr, shape, &rank, nullptr, e); });
    null("shape", [&](auto *e) { return halogen_module_output(module.get(), &x.dl, nullptr, &rank, nullptr, e); });
    null("ndim", [&](auto *e) { return halogen_module_output(module.get(), &x.dl, shape, nullptr, nullptr, e); });
  }

  TEST_CASE("module: repr fits into what there is") {
    const Module module(best_context(), batch_norm_params(4));
    const std::string whole =
        "BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)";
    CHECK(repr_of(module) == whole);
    char text[12] = "zzzzzzzzzzz";
    size_t length = 0;
    REQUIRE(halogen_module_repr(module.get(), text, 8, &length, nullptr) == HALOGEN_OK);
    CHECK(std::string(text) == whole.substr(0, 7));
    CHECK(text[8] == 'z');
    CHECK(length == whole.size());
    REQUIRE(halogen_module_repr(module.get(), nullptr, 0, &length, nullptr) == HALOGEN_OK);
    CHECK(length == whole.size());
    check_refused("module", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                  [&](halogen_error *e) { return halogen_module_repr(nullptr, text, 8, nullptr, e); });
    check_refused("text", HALOGEN_ERROR_NULL_POINTER, {"text"}, {},
                  [&](halogen_error *e) { return halogen_module_repr(module.get(), nullptr, 8, nullptr, e); });
  }

  TEST_CASE("module: a clone shares nothing") {
    Module module = trained();
    std::vector<float> weight{7, 8, 9};
    const TensorView bound(weight.data(), {3});
    REQUIRE(halogen_module_bind_state(module.get(), "weight", &bound.dl, nullptr) == HALOGEN_OK);
    module.set_training(false);
    halogen_module *copy = nullptr;
    REQUIRE(halogen_module_clone(module.get(), &copy, nullptr) == HALOGEN_OK);
    Module clone(copy);
    CHECK(clone.keys() == module.keys());
    for (const char *key : {"weight", "bias", "running_mean", "running_var"}) {
      CHECK(clone.copy_of(key) == module.copy_of(key));
      CHECK(clone.state(key) != module.state(key));
    }
    CHECK(*clone.num_batches_tracked() == 1);
    // In the same mode, with the same numbers.
    CHECK(clone.forward(Values(6, 2), {1, 3, 2, 1}) == module.forward(Values(6, 2), {1, 3, 2, 1}));
    clone.set("weight", {1, 1, 1});
    CHECK(weight[0] == 7);
    check_refused("module", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                  [&](halogen_error *e) { return halogen_module_clone(nullptr, &copy, e); });
    check_refused("clone", HALOGEN_ERROR_NULL_POINTER, {"clone"}, {},
                  [&](halogen_error *e) { return halogen_module_clone(module.get(), nullptr, e); });
  }

  TEST_CASE("module: a clone of a convolution packs its own weight") {
    halogen_torch_conv_transpose1d_params params;
    REQUIRE(halogen_torch_conv_transpose1d_params_init(&params, sizeof params, 2, 2, 3, nullptr) == HALOGEN_OK);
    Module module = made(halogen_torch_conv_transpose1d_create, params);
    module.set("weight", Values(12, 1));
    module.set_training(false);
    std::vector<float> input(8, 1), first(12), second(12);
    const TensorView x(input.data(), {2, 4}), y(first.data(), {2, 6}), z(second.data(), {2, 6});
    REQUIRE(halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, nullptr, nullptr) == HALOGEN_OK);
    halogen_module *copy = nullptr;
    REQUIRE(halogen_module_clone(module.get(), &copy, nullptr) == HALOGEN_OK);
    const Module clone(copy);
    halogen_module_destroy(module.release());
    REQUIRE(halogen_module_forward(clone.get(), &x.dl, &z.dl, nullptr, nullptr, nullptr) == HALOGEN_OK);
    CHECK(first == second);
  }

  TEST_CASE("module: convert rounds parameters and statistics once, and leaves counters") {
    for (const DLDataType dtype : float_types) {
      Module module = trained();
      module.set("weight", {1.0009765, 3e-7, -65519});
      std::map<std::string, Values> before;
      for (const char *key : {"weight", "bias", "running_mean", "running_var"}) before[key] = module.copy_of(key);
      REQUIRE(halogen_module_convert(module.get(), dtype, nullptr) == HALOGEN_OK);
      for (const auto &[key, values] : before) {
        const DLTensor *entry = nullptr;
        REQUIRE(halogen_module_state(module.get(), key.c_str(), &entry, nullptr) == HALOGEN_OK);
        CHECK(same(entry->dtype, dtype));
        const Values got = module.copy_of(key.c_str());
        for (size_t i = 0; i < values.size(); ++i) CHECK(got[i] == rounded(values[i], dtype));
      }
      CHECK(*module.num_batches_tracked() == 1);
      if (!is_here(dtype)) continue;
      NormProblem problem;
      problem.shape = {2, 3, 4, 2};
      problem.dtype = dtype;
      problem.running = Running::unbiased;
      const std::string wrong = check_norm_module(module, problem, common_keys, true, 64);
      CHECK_MESSAGE(wrong.empty(), wrong);
    }
    const Module module = trained();
    check_refused("module", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                  [&](halogen_error *e) { return halogen_module_convert(nullptr, float16, e); });
    check_refused("dtype", HALOGEN_ERROR_DTYPE, {"int64"}, {},
                  [&](halogen_error *e) { return halogen_module_convert(module.get(), int64_type, e); });
  }

  TEST_CASE("module: to the CPU, where it is, and to devices that are not there") {
    const Module module = trained();
    const Values before = module.copy_of("running_mean");
    CHECK(halogen_module_to(module.get(), cpu, nullptr, nullptr) == HALOGEN_OK);
    CHECK(module.copy_of("running_mean") == before);
    check_refused("module", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                  [&](halogen_error *e) { return halogen_module_to(nullptr, cpu, nullptr, e); });
    check_refused("device", HALOGEN_ERROR_DEVICE, {"device"}, {}, [&](halogen_error *e) {
      return halogen_module_to(module.get(), {kDLMetal, 0}, nullptr, e);
    });
  }

  TEST_CASE("module: reset_running_stats") {
    const Module module = trained();
    CHECK(module.copy_of("running_mean") != Values(3, 0));
    const Values weight = module.copy_of("weight");
    CHECK(halogen_module_reset_running_stats(module.get(), nullptr) == HALOGEN_OK);
    CHECK(module.copy_of("running_mean") == Values(3, 0));
    CHECK(module.copy_of("running_var") == Values(3, 1));
    CHECK(*module.num_batches_tracked() == 0);
    CHECK(module.copy_of("weight") == weight);
    const Module without(best_context(), instance_norm_params(3));
    CHECK(halogen_module_reset_running_stats(without.get(), nullptr) == HALOGEN_OK);
    check_refused("module", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                  [&](halogen_error *e) { return halogen_module_reset_running_stats(nullptr, e); });
  }

  TEST_CASE("module: several entries at once, strict or not, by copy or by reference") {
    Module module(best_context(), instance_norm_params(2));
    auto params = instance_norm_params(2);
    params.affine = 1;
    Module affine(best_context(), params);
    std::vector<float> w{3, 4}, b{5, 6};
    const TensorView weight(w.data(), {2}), bias(b.data(), {2});
    const char *keys[] = {"bias", "weight", "other"};
    const DLTensor *tensors[] = {&bias.dl, &weight.dl, &weight.dl};
    const auto set = [&](size_t count, int32_t strict, int32_t by_reference, halogen_error *error = nullptr) {
      return halogen_module_set_states(affine.get(), keys, tensors, count, strict, by_reference, error);
    };
    CHECK(set(2, 1, 0) == HALOGEN_OK);
    CHECK(affine.copy_of("weight") == Values{3, 4});
    CHECK(affine.state("weight") != w.data());
    CHECK(set(3, 0, 1) == HALOGEN_OK);
    CHECK(affine.state("weight") == w.data());
    CHECK(affine.state("bias") == b.data());
    CHECK(set(0, 0, 0) == HALOGEN_OK);
    const auto refused = [&](halogen_status status, const char *words, size_t count, int32_t strict,
                             int32_t reference) {
      check_refused(words, status, {words}, {{"weight", w.data(), 8}},
                    [&](halogen_error *e) { return set(count, strict, reference, e); });
    };
    refused(HALOGEN_ERROR_KEY,
            "Error(s) in loading state_dict for InstanceNorm2d: Unexpected key(s) in state_dict: \"other\".", 3, 1, 0);
    refused(HALOGEN_ERROR_KEY,
            "Error(s) in loading state_dict for InstanceNorm2d: Missing key(s) in state_dict: \"weight\".", 1, 1, 0);
    refused(HALOGEN_ERROR_ARGUMENT, "strict", 2, 2, 0);
    refused(HALOGEN_ERROR_ARGUMENT, "by_reference", 2, 1, -1);
    keys[2] = "bias";
    refused(HALOGEN_ERROR_KEY, "\"bias\" twice", 3, 0, 0);
    keys[2] = nullptr;
    refused(HALOGEN_ERROR_NULL_POINTER, "keys[2]", 3, 0, 0);
    // All are checked before one is changed.
    std::vector<float> other{8, 8};
    const TensorView good(other.data(), {2}), wrong(other.data(), {1, 2});
    tensors[0] = &good.dl;
    tensors[1] = &wrong.dl;
    refused(HALOGEN_ERROR_RANK, "weight", 2, 1, 0);
    CHECK(b == std::vector<float>{5, 6});
    tensors[1] = nullptr;
    refused(HALOGEN_ERROR_NULL_POINTER, "weight", 2, 1, 0);
    check_refused("module", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                  [&](halogen_error *e) { return halogen_module_set_states(nullptr, keys, tensors, 1, 0, 0, e); });
    check_refused("keys", HALOGEN_ERROR_NULL_POINTER, {"keys"}, {}, [&](halogen_error *e) {
      return halogen_module_set_states(affine.get(), nullptr, tensors, 1, 0, 0, e);
    });
    check_refused("tensors", HALOGEN_ERROR_NULL_POINTER, {"tensors"}, {},
                  [&](halogen_error *e) { return halogen_module_set_states(affine.get(), keys, nullptr, 1, 0, 0, e); });
  }

  TEST_CASE("module: clone and convert without memory leave the module as it was") {
    for (int64_t successes = 0; successes < 12; ++successes) {
      CountingAllocator allocator;
      halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
      allocator.install(options);
      const Context own(options);
      const Module module(own.get(), batch_norm_params(3));
      allocator.fail_after(successes);
      halogen_module *copy = nullptr;
      const halogen_status cloned = halogen_module_clone(module.get(), &copy, nullptr);
      CHECK((cloned == HALOGEN_OK) == (copy != nullptr));
      const halogen_status converted = halogen_module_convert(module.get(), float64, nullptr);
      for (const halogen_status status : {cloned, converted}) {
        CHECK((status == HALOGEN_OK || status == HALOGEN_ERROR_OUT_OF_MEMORY));
      }
      CHECK(module.copy_of("running_var") == Values(3, 1));
      halogen_module_destroy(copy);
      if (successes == 11) CHECK(converted == HALOGEN_OK);
    }
  }
}
