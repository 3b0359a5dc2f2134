// What torch prints for its modules.
#include <doctest/doctest.h>

#include "support/framework.h"

using namespace halogen_tests;

TEST_SUITE("torch_module") {
  TEST_CASE("torch: repr") {
    auto batch = batch_norm_params(100);
    batch.momentum_is_none = 1;
    batch.eps = 0.001;
    batch.bias = 0;
    CHECK(repr_of(made(halogen_torch_batch_norm1d_create, batch)) ==
          "BatchNorm1d(100, eps=0.001, momentum=None, affine=True, bias=False, track_running_stats=True)");
    CHECK(repr_of(made(halogen_torch_instance_norm3d_create, instance_norm_params(2))) ==
          "InstanceNorm3d(2, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)");
    CHECK(repr_of(Module(best_context(), group_norm_params(2, 6))) ==
          "GroupNorm(2, 6, eps=1e-05, affine=True, bias=True)");
    const std::vector<int64_t> shape{3, 4};
    CHECK(repr_of(Module(best_context(), layer_norm_params(shape))) ==
          "LayerNorm((3, 4), eps=1e-05, elementwise_affine=True, bias=True)");
    const std::vector<int64_t> four{4};
    auto layer = layer_norm_params(four);
    layer.elementwise_affine = 0;
    CHECK(repr_of(Module(best_context(), layer)) == "LayerNorm((4,), eps=1e-05, elementwise_affine=False, bias=False)");
    halogen_torch_conv_transpose1d_params conv;
    REQUIRE(halogen_torch_conv_transpose1d_params_init(&conv, sizeof conv, 4, 6, 3, nullptr) == HALOGEN_OK);
    CHECK(repr_of(made(halogen_torch_conv_transpose1d_create, conv)) ==
          "ConvTranspose1d(4, 6, kernel_size=(3,), stride=(1,))");
    conv.stride = 2;
    conv.padding = 1;
    conv.output_padding = 1;
    conv.dilation = 2;
    conv.groups = 2;
    conv.bias = 0;
    CHECK(repr_of(made(halogen_torch_conv_transpose1d_create, conv)) ==
          "ConvTranspose1d(4, 6, kernel_size=(3,), stride=(2,), padding=(1,), dilation=(2,), output_padding=(1,), "
          "groups=2, bias=False)");
  }

  TEST_CASE("torch: a weight without a bias") {
    auto params = batch_norm_params(4);
    params.bias = 0;
    Module module = made(halogen_torch_batch_norm2d_create, params);
    NormProblem problem;
    problem.shape = {3, 4, 5, 2};
    problem.bias = false;
    problem.running = Running::unbiased;
    std::string wrong = check_norm_module(module, problem, common_keys, true, 65);
    CHECK_MESSAGE(wrong.empty(), wrong);
    auto group_params = group_norm_params(2, 4);
    group_params.bias = 0;
    Module group(best_context(), group_params);
    CHECK(group.keys() == std::vector<std::string>{"weight"});
    problem.running = Running::none;
    problem.scope = HALOGEN_NORM_SCOPE_GROUP;
    problem.num_groups = 2;
    wrong = check_norm_module(group, problem, common_keys, true, 67);
    CHECK_MESSAGE(wrong.empty(), wrong);
    create_refused<halogen_torch_group_norm_params>(halogen_torch_group_norm_create, group_params,
                                                    HALOGEN_ERROR_ARGUMENT, "bias", [](auto &p) { p.bias = 2; });
    create_refused<halogen_torch_group_norm_params>(halogen_torch_group_norm_create, group_params,
                                                    HALOGEN_ERROR_ARGUMENT, "reserved",
                                                    [](auto &p) { p.reserved = 1; });
    create_refused<halogen_torch_batch_norm_params>(halogen_torch_batch_norm2d_create, params, HALOGEN_ERROR_ARGUMENT,
                                                    "bias", [](auto &p) { p.bias = 2; });
    create_refused<halogen_torch_batch_norm_params>(halogen_torch_batch_norm2d_create, params, HALOGEN_ERROR_ARGUMENT,
                                                    "reserved", [](auto &p) { p.reserved = 1; });
  }
}
