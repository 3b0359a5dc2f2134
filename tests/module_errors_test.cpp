// halogen/module.h and halogen/torch.h: every way to misuse them; the messages of forward are torch's own words.
#include <doctest/doctest.h>

#include <cstring>

#include "support/callbacks.h"
#include "support/misuse.h"
#include "support/module.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

halogen_context *context() { return context_of(variants()[0]); }

/** A forward of `shape` must be refused, with state and output as they were. */
void forward_refused(Module &module, const std::vector<int64_t> &shape, halogen_status status, const std::string &words,
                     const std::function<void(TensorView &x, TensorView &y)> &spoil = {}) {
  std::vector<float> input(256, 2.0f), output(256, 9.0f);
  TensorView x(input.data(), shape), y(output.data(), shape);
  if (spoil) spoil(x, y);
  std::vector<Watched> watched{{"output", output.data(), output.size() * sizeof(float)},
                               {"input", input.data(), input.size() * sizeof(float)}};
  for (const std::string &key : module.keys()) {
    const DLTensor *tensor = nullptr;
    REQUIRE(halogen_module_state(module.get(), key.c_str(), &tensor, nullptr) == HALOGEN_OK);
    const size_t bytes = tensor->ndim ? static_cast<size_t>(tensor->shape[0]) * sizeof(float) : sizeof(int64_t);
    watched.push_back({key.c_str(), tensor->data, bytes});
  }
  check_refused("forward", status, {words}, watched, [&](halogen_error *error) {
    return halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, nullptr, error);
  });
}

template <typename Params, typename Create>
void check_create(Create create, const Params &valid) {
  halogen_module *module = nullptr;
  const auto refused = [&](const char *what, halogen_status status, const std::vector<std::string> &words,
                           const std::function<void(Params &)> &spoil) {
    Params params = valid;
    spoil(params);
    check_refused(what, status, words, {},
                  [&](halogen_error *error) { return create(context(), &params, &module, error); });
    CHECK(module == nullptr);
  };
  check_refused("no context", HALOGEN_ERROR_NULL_POINTER, {"context"}, {},
                [&](halogen_error *error) { return create(nullptr, &valid, &module, error); });
  check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {},
                [&](halogen_error *error) { return create(context(), nullptr, &module, error); });
  check_refused("no handle", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                [&](halogen_error *error) { return create(context(), &valid, nullptr, error); });
  for (const size_t size : {size_t{0}, size_t{3}, ~size_t{0}}) {
    refused("struct_size", HALOGEN_ERROR_STRUCT_SIZE, {std::to_string(sizeof(Params)), std::to_string(size)},
            [=](Params &p) { p.struct_size = size; });
  }
  for (const int64_t features : {int64_t{0}, int64_t{-1}, -(int64_t{1} << 40)}) {
    refused("num_features", HALOGEN_ERROR_ARGUMENT, {"num_features", std::to_string(features)},
            [=](Params &p) { p.num_features = features; });
  }
  refused("num_features beyond all memory", HALOGEN_ERROR_SIZE, {"num_features"},
          [](Params &p) { p.num_features = int64_t{1} << 62; });
  refused("dtype", HALOGEN_ERROR_DTYPE, {"float32", "int64"}, [](Params &p) { p.dtype = int64_type; });
  refused("device", HALOGEN_ERROR_DEVICE, {}, [](Params &p) { p.device = {kDLMetal, 0}; });
  for (const int flag : {2, -1}) {
    refused("affine", HALOGEN_ERROR_ARGUMENT, {"affine", std::to_string(flag)}, [=](Params &p) { p.affine = flag; });
    refused("track_running_stats", HALOGEN_ERROR_ARGUMENT, {"track_running_stats", std::to_string(flag)},
            [=](Params &p) { p.track_running_stats = flag; });
    refused("momentum_is_none", HALOGEN_ERROR_ARGUMENT, {"momentum_is_none", std::to_string(flag)},
            [=](Params &p) { p.momentum_is_none = flag; });
  }
}

template <typename Params, typename Init>
void check_init(Init init) {
  Params params;
  std::memset(&params, 0x5a, sizeof params);
  const std::vector<Watched> watched{{"params", &params, sizeof params}};
  check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {},
                [&](halogen_error *error) { return init(nullptr, sizeof(Params), 3, error); });
  for (const size_t size : {size_t{0}, size_t{3}, ~size_t{0}}) {
    check_refused("struct_size", HALOGEN_ERROR_STRUCT_SIZE, {std::to_string(size)}, watched,
                  [&](halogen_error *error) { return init(&params, size, 3, error); });
  }
  // A smaller struct of an older header gets what it has room for, and nothing behind it.
  const size_t part = offsetof(Params, momentum_is_none);
  REQUIRE(init(&params, part, 3, nullptr) == HALOGEN_OK);
  CHECK(params.struct_size == part);
  CHECK(params.momentum == 0.1);
  const auto *bytes = reinterpret_cast<const unsigned char *>(&params);
  for (size_t i = part; i < sizeof params; ++i) REQUIRE(bytes[i] == 0x5a);
}

}  // namespace

TEST_SUITE("module_errors") {
  TEST_CASE("torch: create") {
    for (auto create :
         {halogen_torch_batch_norm1d_create, halogen_torch_batch_norm2d_create, halogen_torch_batch_norm3d_create}) {
      check_create(create, batch_norm_params(4));
    }
    for (auto create : {halogen_torch_instance_norm1d_create, halogen_torch_instance_norm2d_create,
                        halogen_torch_instance_norm3d_create}) {
      check_create(create, instance_norm_params(4));
    }
  }

  TEST_CASE("torch: params_init") {
    check_init<halogen_torch_batch_norm_params>(halogen_torch_batch_norm_params_init);
    check_init<halogen_torch_instance_norm_params>(halogen_torch_instance_norm_params_init);
  }

  TEST_CASE("torch: create without memory") {
    for (int64_t successes = 0; successes < 16; ++successes) {
      CountingAllocator allocator;
      halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
      allocator.install(options);
      const Context own(options);
      const int64_t before = allocator.live();
      allocator.fail_after(successes);
      const auto params = batch_norm_params(4);
      halogen_module *module = nullptr;
      halogen_error error = HALOGEN_ERROR_INIT;
      const halogen_status status = halogen_torch_batch_norm2d_create(own.get(), &params, &module, &error);
      if (status == HALOGEN_OK) {
        CHECK(successes > 0);
        halogen_module_destroy(module);
        return;
      }
      CHECK(status == HALOGEN_ERROR_OUT_OF_MEMORY);
      CHECK(module == nullptr);
      halogen_context_trim(own.get(), nullptr);  // a context keeps what is given back to it
      CHECK(allocator.live() == before);
    }
    FAIL("a module takes more than 16 allocations");
  }

  TEST_CASE("torch: BatchNorm2d refuses in torch's words") {
    Module module(context(), batch_norm_params(4));
    for (const bool training : {true, false}) {
      module.set_training(training);
      forward_refused(module, {4, 3, 4}, HALOGEN_ERROR_RANK, "expected 4D input (got 3D input)");
      forward_refused(module, {2, 4}, HALOGEN_ERROR_RANK, "expected 4D input (got 2D input)");
      forward_refused(module, {1, 4, 2, 2, 2}, HALOGEN_ERROR_RANK, "expected 4D input (got 5D input)");
      forward_refused(module, {2, 5, 3, 4}, HALOGEN_ERROR_CHANNELS, "running_mean should contain 5 elements not 4");
    }
    module.set_training(true);
    forward_refused(module, {1, 4, 1, 1}, HALOGEN_ERROR_TOO_FEW_VALUES,
                    "Expected more than 1 value per channel when training, got input size torch.Size([1, 4, 1, 1])");
    auto untracked = batch_norm_params(4);
    untracked.track_running_stats = 0;
    Module evaluating(context(), untracked);
    forward_refused(evaluating, {2, 5, 3, 4}, HALOGEN_ERROR_CHANNELS, "weight should contain 5 elements not 4");
    evaluating.set_training(false);
    forward_refused(evaluating, {1, 4, 1, 1}, HALOGEN_ERROR_TOO_FEW_VALUES,
                    "Expected more than 1 value per channel when training, got input size torch.Size([1, 4, 1, 1])");
    module.set_training(false);
    module.forward(Values(4, 1), {1, 4, 1, 1});
    CHECK_MESSAGE(module.status == HALOGEN_OK, module.message);
  }

  TEST_CASE("torch: InstanceNorm2d refuses in torch's words") {
    Module plain(context(), instance_norm_params(3));
    for (const bool training : {true, false}) {
      plain.set_training(training);
      forward_refused(plain, {2, 3, 1, 1}, HALOGEN_ERROR_TOO_FEW_VALUES,
                      "Expected more than 1 spatial element when training, got input size torch.Size([2, 3, 1, 1])");
      forward_refused(plain, {3, 1, 1}, HALOGEN_ERROR_TOO_FEW_VALUES,
                      "Expected more than 1 spatial element when training, got input size torch.Size([1, 3, 1, 1])");
      forward_refused(plain, {2, 3}, HALOGEN_ERROR_RANK, "expected 3D or 4D input (got 2D input)");
      forward_refused(plain, {1, 2, 3, 2, 2}, HALOGEN_ERROR_RANK, "expected 3D or 4D input (got 5D input)");
    }
    auto affine = instance_norm_params(5);
    affine.affine = 1;
    Module with_weight(context(), affine);
    forward_refused(with_weight, {2, 3, 4, 4}, HALOGEN_ERROR_CHANNELS,
                    "expected input's size at dim=1 to match num_features (5), but got: 3.");
    forward_refused(with_weight, {3, 4, 4}, HALOGEN_ERROR_CHANNELS,
                    "expected input's size at dim=0 to match num_features (5), but got: 3.");
    auto tracked = instance_norm_params(5);
    tracked.track_running_stats = 1;
    Module with_statistics(context(), tracked);
    forward_refused(with_statistics, {2, 3, 4, 4}, HALOGEN_ERROR_CHANNELS,
                    "running_mean should contain 6 elements not 10");
    with_statistics.set_training(false);
    with_statistics.forward(Values(5, 1), {1, 5, 1, 1});
    CHECK_MESSAGE(with_statistics.status == HALOGEN_OK, with_statistics.message);
  }

  TEST_CASE("module: forward's tensors") {
    Module module(context(), batch_norm_params(4));
    const std::vector<int64_t> shape{2, 4, 3, 4};
    const auto refused = [&](halogen_status status, const char *words,
                             const std::function<void(TensorView &, TensorView &)> &spoil) {
      forward_refused(module, shape, status, words, spoil);
    };
    refused(HALOGEN_ERROR_DTYPE, "float64", [](TensorView &x, TensorView &) { x.dl.dtype = float64; });
    refused(HALOGEN_ERROR_DTYPE, "output", [](TensorView &, TensorView &y) { y.dl.dtype = float64; });
    refused(HALOGEN_ERROR_DEVICE, "input", [](TensorView &x, TensorView &) { x.dl.device = {kDLMetal, 0}; });
    refused(HALOGEN_ERROR_DEVICE, "output", [](TensorView &, TensorView &y) { y.dl.device = {kDLMetal, 0}; });
    refused(HALOGEN_ERROR_SHAPE, "output", [](TensorView &, TensorView &y) { y.set_shape({2, 4, 4, 3}); });
    refused(HALOGEN_ERROR_RANK, "output", [](TensorView &, TensorView &y) { y.set_shape({2, 4, 12}); });
    refused(HALOGEN_ERROR_SHAPE, "-3", [](TensorView &x, TensorView &y) {
      x.set_shape({2, 4, -3, 4});
      y.set_shape({2, 4, -3, 4});
    });
    refused(HALOGEN_ERROR_SIZE, "input", [](TensorView &x, TensorView &y) {
      x.set_shape({int64_t{1} << 40, 4, int64_t{1} << 40, 4});
      y.set_shape({int64_t{1} << 40, 4, int64_t{1} << 40, 4});
    });
    refused(HALOGEN_ERROR_LAYOUT, "input", [](TensorView &x, TensorView &) { x.set_strides({48, 12, 4, -1}); });
    refused(HALOGEN_ERROR_OVERLAP, "output",
            [](TensorView &x, TensorView &y) { y.dl.data = static_cast<float *>(x.dl.data) + 1; });
    refused(HALOGEN_ERROR_NULL_POINTER, "input", [](TensorView &x, TensorView &) { x.dl.data = nullptr; });
    refused(HALOGEN_ERROR_NULL_POINTER, "output", [](TensorView &, TensorView &y) { y.dl.data = nullptr; });
    // The module's own state is a tensor of the call, too.
    void *weight = module.state("weight");
    refused(HALOGEN_ERROR_OVERLAP, "output", [&](TensorView &, TensorView &y) { y.dl.data = weight; });
  }

  TEST_CASE("module: null pointers") {
    const Module module(context(), batch_norm_params(2));
    float value = 0;
    const TensorView x(&value, {1, 2, 1, 1});
    const DLTensor *tensor = nullptr;
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    halogen_module *m = module.get();
    using Error = halogen_error *;
    const std::vector<std::pair<const char *, std::function<halogen_status(Error)>>> calls{
        {"module", [&](Error e) { return halogen_module_set_training(nullptr, 1, e); }},
        {"module", [&](Error e) { return halogen_module_forward(nullptr, &x.dl, &x.dl, nullptr, nullptr, e); }},
        {"input", [&](Error e) { return halogen_module_forward(m, nullptr, &x.dl, nullptr, nullptr, e); }},
        {"output", [&](Error e) { return halogen_module_forward(m, &x.dl, nullptr, nullptr, nullptr, e); }},
        {"module", [&](Error e) { return halogen_module_query(nullptr, &x.dl, &x.dl, &info, e); }},
        {"input", [&](Error e) { return halogen_module_query(m, nullptr, &x.dl, &info, e); }},
        {"output", [&](Error e) { return halogen_module_query(m, &x.dl, nullptr, &info, e); }},
        {"info", [&](Error e) { return halogen_module_query(m, &x.dl, &x.dl, nullptr, e); }},
        {"module", [&](Error e) { return halogen_module_state(nullptr, "weight", &tensor, e); }},
        {"key", [&](Error e) { return halogen_module_state(m, nullptr, &tensor, e); }},
        {"tensor", [&](Error e) { return halogen_module_state(m, "weight", nullptr, e); }},
        {"module", [&](Error e) { return halogen_module_load_state(nullptr, "weight", &x.dl, e); }},
        {"key", [&](Error e) { return halogen_module_load_state(m, nullptr, &x.dl, e); }},
        {"weight", [&](Error e) { return halogen_module_load_state(m, "weight", nullptr, e); }},
        {"module", [&](Error e) { return halogen_module_bind_state(nullptr, "weight", &x.dl, e); }},
        {"key", [&](Error e) { return halogen_module_bind_state(m, nullptr, &x.dl, e); }},
        {"weight", [&](Error e) { return halogen_module_bind_state(m, "weight", nullptr, e); }}};
    for (const auto &[word, call] : calls) check_refused(word, HALOGEN_ERROR_NULL_POINTER, {word}, {}, call);
    halogen_module_destroy(nullptr);
  }

  TEST_CASE("module: training is 0 or 1") {
    const Module module(context(), batch_norm_params(2));
    for (const int mode : {2, -1}) {
      check_refused("training", HALOGEN_ERROR_ARGUMENT, {"training", std::to_string(mode)}, {},
                    [&](halogen_error *error) { return halogen_module_set_training(module.get(), mode, error); });
    }
  }

  TEST_CASE("module: state") {
    auto params = batch_norm_params(3);
    params.affine = 0;
    const Module module(context(), params);
    std::vector<float> values(8, 5.0f);
    const DLTensor *tensor = nullptr;
    for (const char *key : {"weight", "Running_mean", "", "running_mean "}) {
      const TensorView view(values.data(), {3});
      check_refused("state", HALOGEN_ERROR_KEY, {key, "running_mean"}, {},
                    [&](halogen_error *e) { return halogen_module_state(module.get(), key, &tensor, e); });
      check_refused("load", HALOGEN_ERROR_KEY, {key}, {},
                    [&](halogen_error *e) { return halogen_module_load_state(module.get(), key, &view.dl, e); });
      check_refused("bind", HALOGEN_ERROR_KEY, {key}, {},
                    [&](halogen_error *e) { return halogen_module_bind_state(module.get(), key, &view.dl, e); });
    }
    CHECK(tensor == nullptr);
    const std::vector<Watched> watched{{"running_mean", module.state("running_mean"), 3 * sizeof(float)}};
    const auto refused = [&](halogen_status status, const std::vector<std::string> &words, std::vector<int64_t> shape,
                             const std::function<void(TensorView &)> &spoil = {}) {
      TensorView view(values.data(), std::move(shape));
      if (spoil) spoil(view);
      check_refused("load", status, words, watched, [&](halogen_error *e) {
        return halogen_module_load_state(module.get(), "running_mean", &view.dl, e);
      });
      check_refused("bind", status, words, watched, [&](halogen_error *e) {
        return halogen_module_bind_state(module.get(), "running_mean", &view.dl, e);
      });
    };
    refused(HALOGEN_ERROR_SHAPE, {"running_mean", "3", "4"}, {4});
    refused(HALOGEN_ERROR_SHAPE, {"running_mean", "-3"}, {-3});
    refused(HALOGEN_ERROR_RANK, {"running_mean", "1", "2"}, {1, 3});
    refused(HALOGEN_ERROR_DTYPE, {"running_mean", "float32", "float64"}, {3},
            [](TensorView &v) { v.dl.dtype = float64; });
    refused(HALOGEN_ERROR_DEVICE, {"running_mean"}, {3}, [](TensorView &v) { v.dl.device = {kDLMetal, 0}; });
    refused(HALOGEN_ERROR_LAYOUT, {"running_mean", "2"}, {3}, [](TensorView &v) { v.set_strides({2}); });
    refused(HALOGEN_ERROR_NULL_POINTER, {"running_mean"}, {3}, [](TensorView &v) { v.dl.data = nullptr; });
    refused(HALOGEN_ERROR_NULL_POINTER, {"running_mean"}, {3}, [](TensorView &v) { v.dl.shape = nullptr; });
    float number = 1;
    const TensorView wrong(&number, {}, float32);
    check_refused(
        "num_batches_tracked", HALOGEN_ERROR_DTYPE, {"num_batches_tracked", "int64", "float32"}, {},
        [&](halogen_error *e) { return halogen_module_load_state(module.get(), "num_batches_tracked", &wrong.dl, e); });
  }
}
