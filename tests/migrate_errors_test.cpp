// halogen/migrate.h: every way to misuse it.
#include <doctest/doctest.h>

#include "support/conversion.h"
#include "support/misuse.h"

using namespace halogen_tests;

namespace {

using Class = halogen_module_class;

constexpr Class kTorch = HALOGEN_TORCH_BATCH_NORM2D, kMindspore = HALOGEN_MINDSPORE_BATCH_NORM2D;

Class raw_class(int32_t number) {
  Class raw;
  set_raw(raw, number);
  return raw;
}

/** A conversion must be refused, with `to` and the report as they were. */
void convert_refused(const char *what, halogen_status status, const std::vector<std::string> &words, Class from_class,
                     const void *from, Class to_class, Settings &to, halogen_convert_report *report) {
  std::vector<Watched> watched{{"to", to.get(), HALOGEN_MODULE_PARAMS_MAX}};
  if (report != nullptr) watched.push_back({"report", report, sizeof *report});
  check_refused(what, status, words, watched, [&](halogen_error *error) {
    return halogen_convert_params(from_class, from, to_class, to.get(), report, error);
  });
}

}  // namespace

TEST_SUITE_BEGIN("migrate");

TEST_CASE("migrate: classes and names that do not exist") {
  Settings torch(kTorch);
  Class found = kTorch;
  char text[8];
  check_refused("no name", HALOGEN_ERROR_NULL_POINTER, {"name"}, {},
                [&](halogen_error *error) { return halogen_module_class_find(nullptr, &found, error); });
  check_refused("nowhere to", HALOGEN_ERROR_NULL_POINTER, {"module_class"}, {}, [&](halogen_error *error) {
    return halogen_module_class_find("torch.nn.BatchNorm2d", nullptr, error);
  });
  check_refused("unknown name", HALOGEN_ERROR_KEY, {"torch.nn.BatchNorm4d"}, {{"class", &found, sizeof found}},
                [&](halogen_error *error) { return halogen_module_class_find("torch.nn.BatchNorm4d", &found, error); });
  for (const int32_t number : {-1, 29}) {
    const Class none = raw_class(number);
    const std::vector<std::string> words{"module_class", std::to_string(number)};
    check_refused("init", HALOGEN_ERROR_ARGUMENT, words, {}, [&](halogen_error *error) {
      return halogen_module_params_init(none, torch.get(), sizeof(size_t), error);
    });
    check_refused("set", HALOGEN_ERROR_ARGUMENT, words, {}, [&](halogen_error *error) {
      return halogen_module_params_set(none, torch.get(), "eps", "1", error);
    });
    check_refused("get", HALOGEN_ERROR_ARGUMENT, words, {}, [&](halogen_error *error) {
      return halogen_module_params_get(none, torch.get(), "eps", text, sizeof text, error);
    });
    convert_refused("from", HALOGEN_ERROR_ARGUMENT, {"from_class"}, none, torch.get(), kTorch, torch, nullptr);
    convert_refused("to", HALOGEN_ERROR_ARGUMENT, {"to_class"}, kTorch, torch.get(), none, torch, nullptr);
  }
}

TEST_CASE("migrate: parameters by name") {
  Settings torch(kTorch);
  char text[8];
  const auto set = [&](const char *what, halogen_status status, const std::vector<std::string> &words, const char *name,
                       const char *value) {
    check_refused(what, status, words, {{"params", torch.get(), HALOGEN_MODULE_PARAMS_MAX}}, [&](halogen_error *error) {
      return halogen_module_params_set(kTorch, torch.get(), name, value, error);
    });
  };
  check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {}, [&](halogen_error *error) {
    return halogen_module_params_init(kTorch, nullptr, halogen_module_params_size(kTorch), error);
  });
  check_refused("size", HALOGEN_ERROR_STRUCT_SIZE, {"struct_size", "7"}, {},
                [&](halogen_error *error) { return halogen_module_params_init(kTorch, torch.get(), 7, error); });
  check_refused("set in nothing", HALOGEN_ERROR_NULL_POINTER, {"params"}, {},
                [&](halogen_error *error) { return halogen_module_params_set(kTorch, nullptr, "eps", "1", error); });
  check_refused("get from nothing", HALOGEN_ERROR_NULL_POINTER, {"params"}, {}, [&](halogen_error *error) {
    return halogen_module_params_get(kTorch, nullptr, "eps", text, sizeof text, error);
  });
  check_refused("get to nothing", HALOGEN_ERROR_NULL_POINTER, {"text"}, {}, [&](halogen_error *error) {
    return halogen_module_params_get(kTorch, torch.get(), "eps", nullptr, 8, error);
  });
  check_refused("get an unknown one", HALOGEN_ERROR_KEY, {"freeze", "num_features, eps"}, {},
                [&](halogen_error *error) {
                  return halogen_module_params_get(kTorch, torch.get(), "freeze", text, sizeof text, error);
                });
  set("no name", HALOGEN_ERROR_NULL_POINTER, {"name"}, nullptr, "1");
  set("no text", HALOGEN_ERROR_NULL_POINTER, {"text"}, "eps", nullptr);
  set("unknown", HALOGEN_ERROR_KEY, {"freeze"}, "freeze", "True");
  set("not a parameter", HALOGEN_ERROR_KEY, {"training"}, "training", "True");
  set("no number", HALOGEN_ERROR_ARGUMENT, {"eps", "small"}, "eps", "small");
  set("half a number", HALOGEN_ERROR_ARGUMENT, {"eps", "1e-5x"}, "eps", "1e-5x");
  set("None for eps", HALOGEN_ERROR_ARGUMENT, {"eps", "None"}, "eps", "None");
  set("no integer", HALOGEN_ERROR_ARGUMENT, {"num_features", "3.5"}, "num_features", "3.5");
  set("negative", HALOGEN_ERROR_ARGUMENT, {"num_features", "-3"}, "num_features", "-3");
  set("no flag", HALOGEN_ERROR_ARGUMENT, {"affine", "true"}, "affine", "true");
  set("no dtype", HALOGEN_ERROR_ARGUMENT, {"dtype", "int8"}, "dtype", "int8");
  set("device", HALOGEN_ERROR_UNSUPPORTED, {"device"}, "device", "cuda");

  Settings mindspore(kMindspore), megengine(HALOGEN_MEGENGINE_CONV_TRANSPOSE2D);
  for (const char *bad :
       {"use_batch_statistics=Maybe", "data_format=CHWN", "gamma_init=gaussian", "gamma_init=Tensor"}) {
    CHECK_FALSE(mindspore.try_set(bad));
  }
  for (const char *bad : {"[1]", "[1, 2", "1", "[1, x]", "[1, 2] ", ""}) {
    CHECK_FALSE(megengine.try_set(std::string("kernel_size=") + bad));
  }
  for (const char *good : {"[1, 2]", "(1, 2)", "1,2"}) {
    megengine.set(std::string("kernel_size=") + good);
    CHECK(megengine.text("kernel_size") == "[1, 2]");
  }
}

TEST_CASE("migrate: conversions that make no sense") {
  const Settings torch(kTorch);
  Settings mindspore(kMindspore);
  halogen_convert_report report = HALOGEN_CONVERT_REPORT_INIT;
  convert_refused("no from", HALOGEN_ERROR_NULL_POINTER, {"from"}, kTorch, nullptr, kMindspore, mindspore, &report);
  check_refused("no to", HALOGEN_ERROR_NULL_POINTER, {"to"}, {}, [&](halogen_error *error) {
    return halogen_convert_params(kTorch, torch.get(), kMindspore, nullptr, &report, error);
  });
  Settings other(HALOGEN_MINDSPORE_BATCH_NORM3D);
  convert_refused("other classes", HALOGEN_ERROR_ARGUMENT, {"torch.nn.BatchNorm2d", "mindspore.nn.BatchNorm3d"}, kTorch,
                  torch.get(), HALOGEN_MINDSPORE_BATCH_NORM3D, other, &report);
  report.capacity = 3;
  convert_refused("no entries", HALOGEN_ERROR_NULL_POINTER, {"report.entries"}, kTorch, torch.get(), kMindspore,
                  mindspore, &report);
  report.capacity = 0;
  report.struct_size = 5;
  convert_refused("report's size", HALOGEN_ERROR_STRUCT_SIZE, {"report", "5"}, kTorch, torch.get(), kMindspore,
                  mindspore, &report);
  Settings small(kTorch);
  *static_cast<size_t *>(small.get()) = 5;
  convert_refused("from's size", HALOGEN_ERROR_STRUCT_SIZE, {"from", "5"}, kTorch, small.get(), kMindspore, mindspore,
                  nullptr);
  convert_refused("to's size", HALOGEN_ERROR_STRUCT_SIZE, {"to", "5"}, kTorch, torch.get(), kTorch, small, nullptr);
}

TEST_CASE("migrate: values that are none") {
  Settings to(HALOGEN_TORCH_CONV_TRANSPOSE1D);
  const auto refused = [&](const char *word, const auto &spoil) {
    halogen_mindspore_conv1d_transpose_params params;
    REQUIRE(halogen_mindspore_conv1d_transpose_params_init(&params, sizeof params, 2, 2, 3, nullptr) == HALOGEN_OK);
    spoil(params);
    convert_refused(word, HALOGEN_ERROR_ARGUMENT, {word}, HALOGEN_MINDSPORE_CONV1D_TRANSPOSE, &params,
                    HALOGEN_TORCH_CONV_TRANSPOSE1D, to, nullptr);
  };
  refused("has_bias", [](auto &p) { p.has_bias = 2; });
  refused("pad_mode", [](auto &p) { set_raw(p.pad_mode, 3); });
  refused("version", [](auto &p) { set_raw(p.version, -1); });
  refused("weight_init", [](auto &p) { set_raw(p.weight_init.kind, 11); });
  refused("stride", [](auto &p) { p.stride = 0; });
  refused("dilation", [](auto &p) { p.dilation = 0; });
  refused("kernel_size", [](auto &p) { p.kernel_size = 0; });
  refused("group", [](auto &p) { p.group = 0; });
  refused("in_channels", [](auto &p) { p.in_channels = 0; });
  refused("out_channels", [](auto &p) { p.out_channels = 0; });
  refused("stride", [](auto &p) { p.stride = -2; });
  refused("kernel_size", [](auto &p) { p.kernel_size = int64_t{1} << 40; });

  Settings two_axes(HALOGEN_MEGENGINE_CONV_TRANSPOSE2D);
  two_axes.set("kernel_size=[3, 3]");
  convert_refused("two axes", HALOGEN_ERROR_ARGUMENT, {"one axis"}, HALOGEN_MEGENGINE_CONV_TRANSPOSE2D, two_axes.get(),
                  HALOGEN_TORCH_CONV_TRANSPOSE1D, to, nullptr);
  Settings layer(HALOGEN_ONEFLOW_LAYER_NORM);
  halogen_torch_layer_norm_params shapeless;
  REQUIRE(halogen_torch_layer_norm_params_init(&shapeless, sizeof shapeless, nullptr, 1, nullptr) == HALOGEN_OK);
  convert_refused("no shape", HALOGEN_ERROR_NULL_POINTER, {"normalized_shape"}, HALOGEN_TORCH_LAYER_NORM, &shapeless,
                  HALOGEN_ONEFLOW_LAYER_NORM, layer, nullptr);
  shapeless.normalized_dims = 9;
  convert_refused("too many", HALOGEN_ERROR_ARGUMENT, {"normalized_dims", "9"}, HALOGEN_TORCH_LAYER_NORM, &shapeless,
                  HALOGEN_ONEFLOW_LAYER_NORM, layer, nullptr);
}

TEST_CASE("migrate: without a report nothing is lost silently") {
  Settings torch(kTorch), mindspore(kMindspore);
  torch.set("momentum=None");
  convert_refused("momentum", HALOGEN_ERROR_UNSUPPORTED, {"momentum=None", "cannot be expressed"}, kTorch, torch.get(),
                  kMindspore, mindspore, nullptr);
  torch.set("momentum=0.25");
  CHECK(halogen_convert_params(kTorch, torch.get(), kMindspore, mindspore.get(), nullptr, nullptr) == HALOGEN_OK);
  CHECK(mindspore.text("momentum") == "0.75");
}

TEST_CASE("migrate: a report that is too small, and an older struct") {
  const Settings torch(kTorch);
  Settings mindspore(kMindspore);
  halogen_difference entries[3] = {};
  halogen_convert_report report = HALOGEN_CONVERT_REPORT_INIT;
  report.entries = entries;
  report.capacity = 2;
  REQUIRE(halogen_convert_params(kTorch, torch.get(), kMindspore, mindspore.get(), &report, nullptr) == HALOGEN_OK);
  CHECK(report.count > 2);
  CHECK(std::string(entries[1].from_name) == "eps");
  CHECK(entries[2].from_name[0] == '\0');

  // Before torch's bias was known: it is the default.
  halogen_torch_batch_norm_params old;
  REQUIRE(halogen_torch_batch_norm_params_init(&old, sizeof old, 3, nullptr) == HALOGEN_OK);
  old.struct_size = offsetof(halogen_torch_batch_norm_params, bias);
  old.bias = 0;
  CHECK(halogen_convert_params(kTorch, &old, kMindspore, mindspore.get(), nullptr, nullptr) == HALOGEN_OK);
  CHECK(mindspore.text("num_features") == "3");
}

TEST_SUITE_END();
