// torch.nn.GroupNorm and LayerNorm: defaults, state, numbers, and torch's words where they refuse.
#include <doctest/doctest.h>

#include <functional>

#include "support/misuse.h"
#include "support/module.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

halogen_context *context() { return context_of(variants()[0]); }

using Keys = std::vector<std::string>;

void refused(Module &module, const std::vector<int64_t> &shape, halogen_status status, const std::string &words,
             DLDataType dtype = float32) {
  const TensorForm form{dtype, shape, dense_strides(shape)};
  module.forward_at(form, Values(form.count(), 2));
  CHECK_MESSAGE(module.status == status, words);
  CHECK_MESSAGE(module.message.find(words) != std::string::npos, "'", words, "' is not in '", module.message, "'");
}

/** A create that must be refused. */
template <typename Params, typename Create>
void create_refused(Create create, Params params, halogen_status status, const std::vector<std::string> &words,
                    const std::function<void(Params &)> &spoil) {
  spoil(params);
  halogen_module *module = nullptr;
  check_refused("create", status, words, {},
                [&](halogen_error *error) { return create(context(), &params, &module, error); });
  CHECK(module == nullptr);
}

/** What both refuse. */
template <typename Params, typename Create>
void check_create(Create create, const Params &valid) {
  halogen_module *module = nullptr;
  check_refused("no context", HALOGEN_ERROR_NULL_POINTER, {"context"}, {},
                [&](halogen_error *error) { return create(nullptr, &valid, &module, error); });
  check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {},
                [&](halogen_error *error) { return create(context(), nullptr, &module, error); });
  check_refused("no handle", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                [&](halogen_error *error) { return create(context(), &valid, nullptr, error); });
  create_refused<Params>(create, valid, HALOGEN_ERROR_STRUCT_SIZE, {std::to_string(sizeof(Params))},
                         [](Params &p) { p.struct_size = 3; });
  create_refused<Params>(create, valid, HALOGEN_ERROR_ARGUMENT, {"eps"}, [](Params &p) { p.eps = -1; });
  create_refused<Params>(create, valid, HALOGEN_ERROR_DTYPE, {"int64"}, [](Params &p) { p.dtype = int64_type; });
  create_refused<Params>(create, valid, HALOGEN_ERROR_DEVICE, {"device"}, [](Params &p) { p.device = {kDLMetal, 0}; });
}

}  // namespace

TEST_SUITE("torch_module") {
  TEST_CASE("torch: GroupNorm and LayerNorm have torch's defaults and state") {
    const auto group = group_norm_params(2, 6);
    CHECK(group.struct_size == sizeof group);
    CHECK(group.num_groups == 2);
    CHECK(group.num_channels == 6);
    CHECK(group.eps == 1e-5);
    CHECK(group.affine == 1);
    CHECK(same(group.dtype, float32));
    const std::vector<int64_t> shape{4, 5};
    auto layer = layer_norm_params(shape);
    CHECK(layer.struct_size == sizeof layer);
    CHECK(layer.normalized_shape == shape.data());
    CHECK(layer.normalized_dims == 2);
    CHECK(layer.eps == 1e-5);
    CHECK(layer.elementwise_affine == 1);
    CHECK(layer.bias == 1);
    const Module groups(context(), group), layers(context(), layer);
    CHECK(groups.keys() == Keys{"weight", "bias"});
    CHECK(layers.keys() == Keys{"weight", "bias"});
    CHECK(groups.copy_of("weight") == Values(6, 1));
    CHECK(layers.copy_of("weight") == Values(20, 1));
    CHECK(layers.copy_of("bias") == Values(20, 0));
    const DLTensor *weight = nullptr;
    REQUIRE(halogen_module_state(layers.get(), "weight", &weight, nullptr) == HALOGEN_OK);
    CHECK(std::vector<int64_t>(weight->shape, weight->shape + weight->ndim) == shape);
    layer.bias = 0;
    CHECK(Module(context(), layer).keys() == Keys{"weight"});
    layer.elementwise_affine = 0;
    layer.bias = 1;
    CHECK(Module(context(), layer).keys().empty());
  }

  TEST_CASE("torch: GroupNorm agrees with the reference in every dtype and memory format") {
    for (const DLDataType dtype : float_types) {
      for (const std::vector<int64_t> &shape :
           std::vector<std::vector<int64_t>>{{4, 6}, {2, 6, 9}, {2, 6, 5, 7}, {2, 6, 2, 3, 4}}) {
        for (const Place place : {Place::first, Place::last, Place::transposed}) {
          NormProblem problem;
          problem.shape = shape;
          problem.scope = HALOGEN_NORM_SCOPE_GROUP;
          problem.num_groups = 3;
          problem.dtype = dtype;
          problem.put_all(place);
          for (const Variant &variant : variants_of(dtype)) {
            auto params = group_norm_params(3, 6);
            params.dtype = dtype;
            Module module(context_of(variant), params);
            const NormData data = ordinary_data(problem, 8);
            module.set("weight", data.weight);
            module.set("bias", data.bias);
            const NormReference expected = reference(problem, data);
            const Values output = module.forward_at(NormForms(problem).input, data.input);
            REQUIRE_MESSAGE(module.status == HALOGEN_OK, module.message);
            const std::string wrong = compare("output", output, expected.output, expected.tolerance);
            CHECK_MESSAGE(wrong.empty(), variant.name, " ", describe(problem), ": ", wrong);
          }
        }
      }
    }
  }

  TEST_CASE("torch: LayerNorm agrees with the reference, with a weight for every element") {
    const std::vector<int64_t> normalized{4, 5};
    for (const DLDataType dtype : float_types) {
      for (const std::vector<int64_t> &lead : std::vector<std::vector<int64_t>>{{}, {7}, {2, 3}, {2, 1, 3, 2}}) {
        // The reference's channels are the normalised elements.
        NormProblem problem;
        problem.shape = {element_count(lead), 20};
        problem.scope = HALOGEN_NORM_SCOPE_GROUP;
        problem.num_groups = 1;
        problem.dtype = dtype;
        std::vector<int64_t> shape = lead;
        shape.insert(shape.end(), normalized.begin(), normalized.end());
        TensorForm gaps{dtype, shape, dense_strides(shape)};
        // A gap behind every row, where the other dimensions still are one.
        for (size_t d = 0; d < lead.size(); ++d) gaps.strides[d] = gaps.strides[d] / 20 * 23;
        for (const Variant &variant : variants_of(dtype)) {
          auto params = layer_norm_params(normalized);
          params.dtype = dtype;
          Module module(context_of(variant), params);
          const NormData data = ordinary_data(problem, 9);
          module.set("weight", data.weight);
          module.set("bias", data.bias);
          const NormReference expected = reference(problem, data);
          for (const TensorForm &form : {TensorForm{dtype, shape, dense_strides(shape)}, gaps}) {
            const Values output = module.forward_at(form, data.input);
            REQUIRE_MESSAGE(module.status == HALOGEN_OK, module.message);
            const std::string wrong = compare("output", output, expected.output, expected.tolerance);
            CHECK_MESSAGE(wrong.empty(), variant.name, " ", describe(problem), ": ", wrong);
          }
        }
      }
    }
  }

  TEST_CASE("torch: GroupNorm refuses in torch's words") {
    Module module(context(), group_norm_params(2, 6));
    refused(module, {6}, HALOGEN_ERROR_RANK, "Expected at least 2 dimensions for input tensor but received 1");
    refused(module, {2, 5, 3}, HALOGEN_ERROR_CHANNELS,
            "Expected number of channels in input to be divisible by num_groups, but got input of shape [2, 5, 3] and "
            "num_groups=2");
    refused(
        module, {2, 8, 3}, HALOGEN_ERROR_CHANNELS,
        "Expected weight to be a vector of size equal to the number of channels in input, but got weight of shape [6] "
        "and input of shape [2, 8, 3]");
    refused(module, {2, 6, 0}, HALOGEN_ERROR_SHAPE, "Expected HxW to be greater than 0, got 0");
    refused(module, {2, 6, 3}, HALOGEN_ERROR_DTYPE, "mixed dtype (CPU): all inputs must share same datatype.", float64);
    Module one_each(context(), group_norm_params(6, 6));
    refused(one_each, {1, 6, 1, 1}, HALOGEN_ERROR_TOO_FEW_VALUES,
            "Expected more than 1 value per channel when training, got input size [1, 6, 1, 1]");
    one_each.forward(Values(12, 1), {2, 6});
    CHECK_MESSAGE(one_each.status == HALOGEN_OK, one_each.message);
    module.forward({}, {0, 6, 3});
    CHECK_MESSAGE(module.status == HALOGEN_OK, module.message);
    auto plain = group_norm_params(2, 6);
    plain.affine = 0;
    Module without(context(), plain);
    without.forward(Values(48, 1), {2, 8, 3});
    CHECK_MESSAGE(without.status == HALOGEN_OK, without.message);
  }

  TEST_CASE("torch: LayerNorm refuses in torch's words") {
    const std::vector<int64_t> normalized{4, 5};
    Module module(context(), layer_norm_params(normalized));
    refused(module, {2, 3, 4}, HALOGEN_ERROR_SHAPE,
            "Given normalized_shape=[4, 5], expected input with shape [*, 4, 5], but got input of size[2, 3, 4]");
    refused(module, {5}, HALOGEN_ERROR_SHAPE, "but got input of size[5]");
    module.forward_at({float32, {2, 4, 5}, {60, 10, 1}}, Values(40, 1));
    CHECK(module.status == HALOGEN_ERROR_LAYOUT);
    std::vector<float> memory(80);
    const TensorView x(memory.data(), {2, 4, 5}), y(memory.data() + 40, {4, 2, 5}), z(memory.data() + 40, {40});
    for (const TensorView *output : {&y, &z}) {
      CHECK(halogen_module_forward(module.get(), &x.dl, &output->dl, nullptr, nullptr, nullptr) == HALOGEN_ERROR_SHAPE);
    }
  }

  TEST_CASE("torch: what GroupNorm and LayerNorm cannot be created with") {
    using Group = halogen_torch_group_norm_params;
    using Layer = halogen_torch_layer_norm_params;
    check_create(halogen_torch_group_norm_create, group_norm_params(2, 6));
    const auto group = [](halogen_status status, const std::vector<std::string> &words,
                          const std::function<void(Group &)> &spoil) {
      create_refused<Group>(halogen_torch_group_norm_create, group_norm_params(2, 6), status, words, spoil);
    };
    group(HALOGEN_ERROR_GROUPS, {"num_channels (6) must be divisible by num_groups (4)"},
          [](Group &p) { p.num_groups = 4; });
    group(HALOGEN_ERROR_GROUPS, {"num_groups", "0"}, [](Group &p) { p.num_groups = 0; });
    group(HALOGEN_ERROR_ARGUMENT, {"num_channels", "-6"}, [](Group &p) { p.num_channels = -6; });
    group(HALOGEN_ERROR_SIZE, {"num_groups"}, [](Group &p) { p.num_groups = p.num_channels = int64_t{1} << 31; });
    group(HALOGEN_ERROR_ARGUMENT, {"affine", "2"}, [](Group &p) { p.affine = 2; });

    const std::vector<int64_t> shape{4, 5}, zero{4, 0}, huge{int64_t{1} << 40, int64_t{1} << 40};
    check_create(halogen_torch_layer_norm_create, layer_norm_params(shape));
    const auto layer = [&](halogen_status status, const std::vector<std::string> &words,
                           const std::function<void(Layer &)> &spoil) {
      create_refused<Layer>(halogen_torch_layer_norm_create, layer_norm_params(shape), status, words, spoil);
    };
    for (const int dims : {0, -1, 9}) {
      layer(HALOGEN_ERROR_RANK, {"normalized_dims", std::to_string(dims)}, [=](Layer &p) { p.normalized_dims = dims; });
    }
    layer(HALOGEN_ERROR_NULL_POINTER, {"normalized_shape"}, [](Layer &p) { p.normalized_shape = nullptr; });
    layer(HALOGEN_ERROR_ARGUMENT, {"normalized_shape", "[4, 0]"}, [&](Layer &p) { p.normalized_shape = zero.data(); });
    layer(HALOGEN_ERROR_SIZE, {"normalized_shape"}, [&](Layer &p) { p.normalized_shape = huge.data(); });
    layer(HALOGEN_ERROR_ARGUMENT, {"elementwise_affine"}, [](Layer &p) { p.elementwise_affine = 2; });
    layer(HALOGEN_ERROR_ARGUMENT, {"bias"}, [](Layer &p) { p.bias = -1; });

    check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {}, [](halogen_error *error) {
      return halogen_torch_group_norm_params_init(nullptr, sizeof(Group), 1, 1, error);
    });
    check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {}, [&](halogen_error *error) {
      return halogen_torch_layer_norm_params_init(nullptr, sizeof(Layer), shape.data(), 2, error);
    });
  }
}
