// torch's BatchNorm and InstanceNorm of every rank: dtypes, memory formats, and torch's words where they refuse.
#include <doctest/doctest.h>

#include "support/module.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

struct Class {
  Module::CreateBatchNorm *batch_norm;
  Module::CreateInstanceNorm *instance_norm;
  std::vector<std::vector<int64_t>> shapes;
};

const Class classes[] = {
    {halogen_torch_batch_norm1d_create, halogen_torch_instance_norm1d_create, {{5, 6}, {3, 6, 11}}},
    {halogen_torch_batch_norm2d_create, halogen_torch_instance_norm2d_create, {{3, 6, 4, 5}}},
    {halogen_torch_batch_norm3d_create, halogen_torch_instance_norm3d_create, {{2, 6, 2, 3, 4}}}};

void set_state(Module &module, const NormData &data) {
  for (const std::string &key : module.keys()) {
    if (key == "weight") module.set("weight", data.weight);
    if (key == "bias") module.set("bias", data.bias);
    if (key == "running_mean") module.set("running_mean", data.running_mean);
    if (key == "running_var") module.set("running_var", data.running_var);
  }
}

/** Training, then evaluation, against the reference. */
template <typename Params, typename Create>
void check(const Variant &variant, NormProblem problem, Params params, Create create) {
  params.dtype = problem.parameter_type();
  params.affine = params.track_running_stats = 1;
  Module module(context_of(variant), params, create);
  NormData data = ordinary_data(problem, 5);
  set_state(module, data);
  for (const bool training : {true, false}) {
    module.set_training(training);
    problem.running = training ? Running::unbiased : Running::none;
    problem.given = !training;
    const NormReference expected = reference(problem, data);
    const Values output = module.forward_at(NormForms(problem).input, data.input);
    REQUIRE_MESSAGE(module.status == HALOGEN_OK, describe(problem), ": ", module.message);
    std::string wrong = compare("output", output, expected.output, expected.tolerance);
    data.mean = module.copy_of("running_mean");
    data.var = module.copy_of("running_var");
    if (training) {
      wrong += compare("running_mean", data.mean, expected.running_mean, expected.running_mean_tolerance);
      wrong += compare("running_var", data.var, expected.running_var, expected.running_var_tolerance);
    }
    CHECK_MESSAGE(wrong.empty(), describe(problem), ": ", wrong);
  }
}

void refused(Module &module, const std::vector<int64_t> &shape, halogen_status status, const std::string &words,
             DLDataType dtype = float32) {
  const TensorForm form{dtype, shape, dense_strides(shape)};
  module.forward_at(form, Values(form.count(), 2));
  CHECK_MESSAGE(module.status == status, words);
  CHECK_MESSAGE(module.message.find(words) != std::string::npos, "'", words, "' is not in '", module.message, "'");
}

}  // namespace

TEST_SUITE("torch_module") {
  TEST_CASE("torch: every rank, dtype and memory format agrees with the reference") {
    for (const Class &each : classes) {
      for (const std::vector<int64_t> &shape : each.shapes) {
        for (const DLDataType dtype : float_types) {
          for (const bool float_vectors : {false, true}) {
            for (const Place place : {Place::first, Place::last, Place::gapped}) {
              NormProblem problem;
              problem.shape = shape;
              problem.dtype = dtype;
              problem.float_vectors = float_vectors && problem.half();
              problem.put_all(place);
              for (const Variant &variant : variants_of(dtype)) {
                check(variant, problem, batch_norm_params(6), each.batch_norm);
                problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
                if (problem.s() > 1) check(variant, problem, instance_norm_params(6), each.instance_norm);
                problem.scope = HALOGEN_NORM_SCOPE_BATCH;
              }
            }
          }
        }
      }
    }
  }

  TEST_CASE("torch: initial values in every dtype") {
    for (const DLDataType dtype : float_types) {
      auto params = batch_norm_params(3);
      params.dtype = dtype;
      const Module module(context_of(variants()[0]), params);
      CHECK(module.copy_of("weight") == Values(3, 1));
      CHECK(module.copy_of("bias") == Values(3, 0));
      CHECK(module.copy_of("running_mean") == Values(3, 0));
      CHECK(module.copy_of("running_var") == Values(3, 1));
      CHECK(*module.num_batches_tracked() == 0);
    }
  }

  TEST_CASE("torch: unbatched input of every rank") {
    for (const Class &each : classes) {
      NormProblem problem;
      problem.shape = each.shapes.back();
      problem.shape[0] = 1;
      problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
      problem.weight = problem.bias = false;
      Module module(context_of(variants()[0]), instance_norm_params(6), each.instance_norm);
      const NormData data = ordinary_data(problem, 6);
      const NormReference expected = reference(problem, data);
      const Values output = module.forward(data.input, {problem.shape.begin() + 1, problem.shape.end()});
      REQUIRE_MESSAGE(module.status == HALOGEN_OK, module.message);
      const std::string wrong = compare("output", output, expected.output, expected.tolerance);
      CHECK_MESSAGE(wrong.empty(), wrong);
    }
  }

  TEST_CASE("torch: a module without state takes any dtype") {
    auto params = instance_norm_params(3);
    Module module(context_of(variants()[0]), params);
    const std::vector<int64_t> shape{2, 3, 2, 2};
    module.forward_at({float64, shape, dense_strides(shape)}, Values(24, 1));
    CHECK_MESSAGE(module.status == HALOGEN_OK, module.message);
  }

  TEST_CASE("torch: ranks and numbers of values are refused in torch's words") {
    halogen_context *context = context_of(variants()[0]);
    Module batch1(context, batch_norm_params(4), halogen_torch_batch_norm1d_create);
    Module batch3(context, batch_norm_params(4), halogen_torch_batch_norm3d_create);
    Module instance1(context, instance_norm_params(3), halogen_torch_instance_norm1d_create);
    Module instance3(context, instance_norm_params(3), halogen_torch_instance_norm3d_create);
    refused(batch1, {2, 4, 3, 4}, HALOGEN_ERROR_RANK, "expected 2D or 3D input (got 4D input)");
    refused(batch1, {4}, HALOGEN_ERROR_RANK, "expected 2D or 3D input (got 1D input)");
    refused(batch1, {3, 5}, HALOGEN_ERROR_CHANNELS, "running_mean should contain 5 elements not 4");
    refused(batch1, {1, 4}, HALOGEN_ERROR_TOO_FEW_VALUES,
            "Expected more than 1 value per channel when training, got input size torch.Size([1, 4])");
    refused(batch1, {1, 4, 1}, HALOGEN_ERROR_TOO_FEW_VALUES,
            "Expected more than 1 value per channel when training, got input size torch.Size([1, 4, 1])");
    refused(batch3, {2, 4, 3, 4}, HALOGEN_ERROR_RANK, "expected 5D input (got 4D input)");
    refused(batch3, {1, 4, 1, 1, 1}, HALOGEN_ERROR_TOO_FEW_VALUES,
            "Expected more than 1 value per channel when training, got input size torch.Size([1, 4, 1, 1, 1])");
    refused(instance1, {2}, HALOGEN_ERROR_RANK, "expected 2D or 3D input (got 1D input)");
    refused(instance1, {2, 3, 4, 5}, HALOGEN_ERROR_RANK, "expected 2D or 3D input (got 4D input)");
    refused(instance1, {3, 1}, HALOGEN_ERROR_TOO_FEW_VALUES,
            "Expected more than 1 spatial element when training, got input size torch.Size([1, 3, 1])");
    refused(instance3, {2, 3, 4}, HALOGEN_ERROR_RANK, "expected 4D or 5D input (got 3D input)");
    refused(instance3, {2, 3, 1, 1, 1}, HALOGEN_ERROR_TOO_FEW_VALUES,
            "Expected more than 1 spatial element when training, got input size torch.Size([2, 3, 1, 1, 1])");
    auto affine = instance_norm_params(3);
    affine.affine = 1;
    Module with_weight(context, affine, halogen_torch_instance_norm1d_create);
    refused(with_weight, {4, 5}, HALOGEN_ERROR_CHANNELS,
            "expected input's size at dim=0 to match num_features (3), but got: 4.");
  }

  TEST_CASE("torch: dtypes that do not go together are refused in torch's words") {
    auto params = batch_norm_params(3);
    Module single(context_of(variants()[0]), params);
    refused(single, {2, 3, 2, 2}, HALOGEN_ERROR_DTYPE, "mixed dtype (CPU): all inputs must share same datatype.",
            float64);
    for (const DLDataType dtype : {float64, float16, bfloat16}) {
      params.dtype = dtype;
      Module other(context_of(variants()[0]), params);
      refused(other, {2, 3, 2, 2}, HALOGEN_ERROR_DTYPE,
              "mixed dtype (CPU): expect parameter to have scalar type of Float");
    }
  }
}
