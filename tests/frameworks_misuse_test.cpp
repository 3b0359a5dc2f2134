// Every params_init and every create of every framework: what all of them refuse, and structs of an older header.
#include <doctest/doctest.h>

#include <halogen/megengine.h>
#include <halogen/mindspore.h>
#include <halogen/oneflow.h>
#include <halogen/torch.h>

#include <cstddef>
#include <functional>

#include "support/framework.h"

using namespace halogen_tests;

namespace {

/** A module whose params_init takes integers. */
template <typename Params, typename Init, typename... Needed>
void check_framework(std::initializer_list<Create<Params> *> creates, Init init, Needed... needed) {
  check_init<Params>(
      [=](Params *params, size_t size, halogen_error *error) { return init(params, size, needed..., error); });
  for (Create<Params> *create : creates) check_create<Params>(create, defaults_of<Params>(init, needed...));
}

/** A transposed convolution's state and gradients of another shape. */
template <typename Params>
void check_conv_shapes(Create<Params> *create, const Params &params, const std::vector<int64_t> &input) {
  const Module module = made(create, params);
  const std::vector<std::string> keys = module.keys();
  std::vector<float> numbers(64, 1), gradient(64, 9);
  const Watched watched[] = {{"gradient", gradient.data(), gradient.size() * sizeof(float)},
                             {"weight", module.state(keys[0].c_str()), 3 * sizeof(float)}};
  const struct {
    std::string key;
    halogen_status status;
    const DLTensor *halogen_module_gradients::*gradient;
  } entries[] = {{"weight", HALOGEN_ERROR_WEIGHT_SHAPE, &halogen_module_gradients::weight},
                 {"bias", HALOGEN_ERROR_BIAS_SHAPE, &halogen_module_gradients::bias}};
  int64_t extents[8];
  int32_t rank = 0;
  const TensorView x(numbers.data(), input);
  REQUIRE(halogen_module_output(module.get(), &x.dl, extents, &rank, nullptr, nullptr) == HALOGEN_OK);
  const TensorView g(numbers.data(), std::vector<int64_t>(extents, extents + rank));
  for (const auto &entry : entries) {
    const DLTensor *state = nullptr;
    REQUIRE(halogen_module_state(module.get(), entry.key.c_str(), &state, nullptr) == HALOGEN_OK);
    std::vector<int64_t> shape(state->shape, state->shape + state->ndim);
    ++shape[1 % shape.size()];
    const TensorView other(numbers.data(), shape), written(gradient.data(), shape);
    const auto refused = [&](const char *what, const std::function<halogen_status(halogen_error *)> &call) {
      check_refused(what, entry.status, {entry.key}, {watched[0], watched[1]}, call);
    };
    refused("load", [&](auto *e) { return halogen_module_load_state(module.get(), entry.key.c_str(), &other.dl, e); });
    refused("bind", [&](auto *e) { return halogen_module_bind_state(module.get(), entry.key.c_str(), &other.dl, e); });
    halogen_module_gradients gradients = HALOGEN_MODULE_GRADIENTS_INIT;
    gradients.*entry.gradient = &written.dl;
    refused("backward", [&](auto *e) {
      return halogen_module_backward(module.get(), &x.dl, &g.dl, &gradients, nullptr, nullptr, e);
    });
  }
}

}  // namespace

TEST_SUITE("frameworks") {
  TEST_CASE("frameworks: misuse of params_init and create") {
    const int64_t shape[] = {4}, kernel[] = {1, 3}, channels = 4;
    const auto *normalized = static_cast<const int64_t *>(shape);
    check_framework<halogen_torch_batch_norm_params>(
        {halogen_torch_batch_norm1d_create, halogen_torch_batch_norm2d_create, halogen_torch_batch_norm3d_create},
        halogen_torch_batch_norm_params_init, channels);
    check_framework<halogen_torch_instance_norm_params>(
        {halogen_torch_instance_norm1d_create, halogen_torch_instance_norm2d_create,
         halogen_torch_instance_norm3d_create},
        halogen_torch_instance_norm_params_init, channels);
    check_framework<halogen_torch_group_norm_params>({halogen_torch_group_norm_create},
                                                     halogen_torch_group_norm_params_init, int64_t{2}, channels);
    check_framework<halogen_torch_layer_norm_params>({halogen_torch_layer_norm_create},
                                                     halogen_torch_layer_norm_params_init, normalized, 1);
    check_framework<halogen_torch_conv_transpose1d_params>({halogen_torch_conv_transpose1d_create},
                                                           halogen_torch_conv_transpose1d_params_init, channels,
                                                           channels, int64_t{3});
    check_framework<halogen_mindspore_batch_norm_params>(
        {halogen_mindspore_batch_norm1d_create, halogen_mindspore_batch_norm2d_create,
         halogen_mindspore_batch_norm3d_create},
        halogen_mindspore_batch_norm_params_init, channels);
    check_framework<halogen_mindspore_instance_norm_params>(
        {halogen_mindspore_instance_norm1d_create, halogen_mindspore_instance_norm2d_create,
         halogen_mindspore_instance_norm3d_create},
        halogen_mindspore_instance_norm_params_init, channels);
    check_framework<halogen_mindspore_conv1d_transpose_params>({halogen_mindspore_conv1d_transpose_create},
                                                               halogen_mindspore_conv1d_transpose_params_init, channels,
                                                               channels, int64_t{3});
    check_framework<halogen_megengine_batch_norm_params>(
        {halogen_megengine_batch_norm1d_create, halogen_megengine_batch_norm2d_create},
        halogen_megengine_batch_norm_params_init, channels);
    check_framework<halogen_megengine_instance_norm_params>({halogen_megengine_instance_norm_create},
                                                            halogen_megengine_instance_norm_params_init, channels);
    check_framework<halogen_megengine_conv_transpose2d_params>({halogen_megengine_conv_transpose2d_create},
                                                               halogen_megengine_conv_transpose2d_params_init, channels,
                                                               channels, static_cast<const int64_t *>(kernel));
    halogen_megengine_conv_transpose2d_params conv;
    check_refused("no kernel_size", HALOGEN_ERROR_NULL_POINTER, {"kernel_size"}, {}, [&](halogen_error *error) {
      return halogen_megengine_conv_transpose2d_params_init(&conv, sizeof conv, 4, 4, nullptr, error);
    });
    check_framework<halogen_oneflow_batch_norm_params>(
        {halogen_oneflow_batch_norm1d_create, halogen_oneflow_batch_norm2d_create, halogen_oneflow_batch_norm3d_create},
        halogen_oneflow_batch_norm_params_init, channels);
    check_framework<halogen_oneflow_instance_norm_params>(
        {halogen_oneflow_instance_norm1d_create, halogen_oneflow_instance_norm2d_create,
         halogen_oneflow_instance_norm3d_create},
        halogen_oneflow_instance_norm_params_init, channels);
    check_framework<halogen_oneflow_group_norm_params>({halogen_oneflow_group_norm_create},
                                                       halogen_oneflow_group_norm_params_init, int64_t{2}, channels);
    check_framework<halogen_oneflow_layer_norm_params>({halogen_oneflow_layer_norm_create},
                                                       halogen_oneflow_layer_norm_params_init, normalized, 1);
    check_framework<halogen_oneflow_conv_transpose1d_params>({halogen_oneflow_conv_transpose1d_create},
                                                             halogen_oneflow_conv_transpose1d_params_init, channels,
                                                             channels, int64_t{3});
  }

  TEST_CASE("frameworks: a convolution's weight or bias of another shape has a status of its own") {
    auto torch = defaults_of<halogen_torch_conv_transpose1d_params>(halogen_torch_conv_transpose1d_params_init,
                                                                    int64_t{2}, int64_t{2}, int64_t{3});
    check_conv_shapes(halogen_torch_conv_transpose1d_create, torch, {1, 2, 3});
    auto mindspore = defaults_of<halogen_mindspore_conv1d_transpose_params>(
        halogen_mindspore_conv1d_transpose_params_init, int64_t{2}, int64_t{2}, int64_t{3});
    mindspore.has_bias = 1;
    check_conv_shapes(halogen_mindspore_conv1d_transpose_create, mindspore, {1, 2, 3});
    const int64_t kernel[] = {1, 3};
    auto megengine = defaults_of<halogen_megengine_conv_transpose2d_params>(
        halogen_megengine_conv_transpose2d_params_init, int64_t{2}, int64_t{2}, static_cast<const int64_t *>(kernel));
    check_conv_shapes(halogen_megengine_conv_transpose2d_create, megengine, {1, 2, 1, 3});
    auto oneflow = defaults_of<halogen_oneflow_conv_transpose1d_params>(halogen_oneflow_conv_transpose1d_params_init,
                                                                        int64_t{2}, int64_t{2}, int64_t{3});
    check_conv_shapes(halogen_oneflow_conv_transpose1d_create, oneflow, {1, 2, 3});
  }

  TEST_CASE("frameworks: what a struct of an older header lacks has its default") {
    auto params = batch_norm_params(3);
    params.struct_size = offsetof(halogen_torch_batch_norm_params, bias);
    params.bias = 0;  // behind the struct's end, as that header has it
    CHECK(made(halogen_torch_batch_norm2d_create, params).keys().at(1) == "bias");
    params.struct_size = sizeof params;
    CHECK(made(halogen_torch_batch_norm2d_create, params).keys() ==
          std::vector<std::string>{"weight", "running_mean", "running_var", "num_batches_tracked"});
  }
}
