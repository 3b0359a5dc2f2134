// halogen_convert_state() and halogen_module_create(): a converted module gives the other framework's numbers.
#include <doctest/doctest.h>

#include <halogen/init.h>

#include <cstring>

#include "support/conversion.h"
#include "support/created.h"
#include "support/misuse.h"
#include "support/variants.h"

using namespace halogen_tests;

namespace {

using Class = halogen_module_class;

halogen_context *context() { return context_of(variants()[0]); }

/** What became of every entry. */
std::vector<halogen_difference> convert(const Created &from, const Created &to) {
  std::vector<halogen_difference> entries(16);
  halogen_convert_report report = HALOGEN_CONVERT_REPORT_INIT;
  report.entries = entries.data();
  report.capacity = entries.size();
  halogen_error error = HALOGEN_ERROR_INIT;
  REQUIRE_MESSAGE(halogen_convert_state(from.get(), to.get(), &report, &error) == HALOGEN_OK, error.message);
  entries.resize(report.count);
  return entries;
}

Values forward(const Created &module, std::vector<int64_t> shape, bool training) {
  REQUIRE(halogen_module_set_training(module.get(), training, nullptr) == HALOGEN_OK);
  std::vector<float> input(static_cast<size_t>(element_count(shape))), output(4 * input.size() + 64);
  TensorView x(input.data(), shape);
  halogen_initializer normal = HALOGEN_INITIALIZER_INIT;
  REQUIRE(halogen_initializer_init(&normal, sizeof normal, HALOGEN_INITIALIZER_NORMAL, nullptr) == HALOGEN_OK);
  normal.sigma = 1;
  REQUIRE(halogen_initialize(context(), &normal, 99, 0, &x.dl, nullptr) == HALOGEN_OK);
  int64_t extents[8] = {};
  int32_t ndim = 0;
  halogen_error error = HALOGEN_ERROR_INIT;
  REQUIRE_MESSAGE(halogen_module_output(module.get(), &x.dl, extents, &ndim, nullptr, &error) == HALOGEN_OK,
                  error.message);
  TensorView y(output.data(), std::vector<int64_t>(extents, extents + ndim));
  REQUIRE(element_count(y.shape()) <= static_cast<int64_t>(output.size()));
  REQUIRE_MESSAGE(halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, nullptr, &error) == HALOGEN_OK,
                  error.message);
  return Values(output.begin(), output.begin() + element_count(y.shape()));
}

void check_close(const Values &a, const Values &b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-5));
}

/** An input that the class takes; MegEngine's transposed convolution has two axes. */
std::vector<int64_t> shape_for(const Settings &settings) {
  const std::string name = halogen_module_class_name(settings.module_class());
  if (name.find("1d") != std::string::npos || name.find("1dT") != std::string::npos) return {3, 4, 9};
  if (name.find("3d") != std::string::npos) return {3, 4, 2, 3, 2};
  if (name.find("ConvTranspose2d") == std::string::npos) return {3, 4, 3, 5};
  return settings.text("kernel_size").rfind("[1,", 0) == 0 ? std::vector<int64_t>{3, 4, 1, 9}
                                                           : std::vector<int64_t>{3, 4, 9, 1};
}

/** Sets what has no default to 4 channels. */
Settings with_channels(Class c) {
  Settings settings(c);
  for (const char *name : {"num_features", "num_channels", "in_channels", "out_channels"}) {
    settings.try_set(std::string(name) + "=4");
  }
  settings.try_set("num_groups=2");
  return settings;
}

}  // namespace

TEST_SUITE_BEGIN("migrate");

TEST_CASE("migrate: every module's parameters and state give every corresponding module's numbers") {
  static const std::vector<std::vector<std::string>> variations{
      {},
      {"affine=True"},
      {"affine=False"},
      {"track_running_stats=False"},
      {"use_batch_statistics=True"},
      {"use_batch_statistics=False"},
      {"freeze=True"},
      {"momentum=0.25", "eps=0.01"},
      {"kernel_size=5", "stride=3", "bias=True"},
      {"kernel_size=5", "stride=3", "has_bias=True"},
      {"kernel_size=5", "stride=3", "padding=2", "output_padding=1"},
      {"kernel_size=4", "stride=2", "pad_mode=valid", "has_bias=True"},
      {"kernel_size=2", "stride=4", "has_bias=True"},
      {"kernel_size=3", "dilation=2", "groups=2"},
      {"kernel_size=3", "dilation=2", "group=2"},
      {"kernel_size=[5, 1]", "stride=[3, 1]", "output_padding=[2, 0]", "padding=[1, 0]"},
      {"kernel_size=[1, 4]", "groups=2"}};
  int pairs = 0;
  for (const Class a : all_classes()) {
    for (const Class b : all_classes()) {
      if (!halogen_module_class_corresponds(a, b)) continue;
      for (const auto &variation : variations) {
        Settings settings = with_channels(a);
        bool known = true;
        std::string text;
        for (const std::string &change : variation) {
          known = known && settings.try_set(change);
          text += change + " ";
        }
        if (!known) continue;
        // A layer norm's shape is not a text.
        const int64_t extents[] = {9};
        if (a == HALOGEN_TORCH_LAYER_NORM || a == HALOGEN_ONEFLOW_LAYER_NORM) {
          const size_t offset = offsetof(halogen_torch_layer_norm_params, normalized_shape);
          static_assert(offsetof(halogen_oneflow_layer_norm_params, normalized_shape) ==
                        offsetof(halogen_torch_layer_norm_params, normalized_shape));
          const int64_t *pointer = extents;
          std::memcpy(static_cast<char *>(settings.get()) + offset, &pointer, sizeof pointer);
        }
        const Converted converted(settings, b);
        if (converted.cannot() != 0) continue;
        const std::string from_name = halogen_module_class_name(a), to_name = halogen_module_class_name(b);
        INFO(from_name, " -> ", to_name, " ", text);
        const Created from(settings), to(converted.to);
        from.randomise(7);
        // What is only there is of no effect on these numbers.
        convert(from, to);
        const bool layer_norm = a == HALOGEN_TORCH_LAYER_NORM || a == HALOGEN_ONEFLOW_LAYER_NORM;
        const std::vector<int64_t> one{3, 4, 9};
        const auto from_shape = layer_norm || settings.try_set("num_groups=2") ? one : shape_for(settings);
        const auto to_shape = layer_norm || settings.try_set("num_groups=2") ? one : shape_for(converted.to);
        check_close(forward(from, from_shape, false), forward(to, to_shape, false));
        check_close(forward(from, from_shape, true), forward(to, to_shape, true));
        // The running statistics have moved alike.
        check_close(forward(from, from_shape, false), forward(to, to_shape, false));
        ++pairs;
      }
    }
  }
  CHECK(pairs > 300);
}

TEST_CASE("migrate: state by another name, in another shape, as another type") {
  Settings torch(HALOGEN_TORCH_BATCH_NORM2D), megengine(HALOGEN_MEGENGINE_BATCH_NORM2D);
  torch.set("num_features=3");
  megengine.set("num_features=3");
  const Created from(torch), to(megengine);
  from.randomise(3);
  const auto entries = convert(from, to);
  CHECK(to.state("running_var").ndim == 4);
  for (const char *key : {"weight", "bias", "running_mean", "running_var"}) {
    CHECK(to.numbers(key) == from.numbers(key));
  }
  REQUIRE(entries.size() == 5);
  for (const halogen_difference &d : entries) {
    const bool batches = std::string(d.from_name) == "num_batches_tracked";
    CHECK(d.kind == (batches ? HALOGEN_DIFFERENCE_EQUAL : HALOGEN_DIFFERENCE_CONVERTED));
    CHECK((d.to_name[0] == '\0') == batches);
  }

  Settings mindspore(HALOGEN_MINDSPORE_BATCH_NORM2D);
  mindspore.set("num_features=3");
  const Created renamed(mindspore);
  convert(from, renamed);
  CHECK(renamed.numbers("moving_variance") == from.numbers("running_var"));
  CHECK(renamed.numbers("gamma") == from.numbers("weight"));

  torch.set("dtype=float16");
  const Created half(torch);
  convert(renamed, half);
  Values rounded_values = renamed.numbers("beta");
  for (double &value : rounded_values) value = rounded(value, float16);
  CHECK(half.numbers("bias") == rounded_values);
  // What MindSpore does not count begins at 0.
  CHECK(half.numbers("num_batches_tracked") == Values{0});
}

TEST_CASE("migrate: what only one side has") {
  Settings plain(HALOGEN_TORCH_BATCH_NORM2D), mindspore(HALOGEN_MINDSPORE_BATCH_NORM2D);
  plain.set("affine=False");
  plain.set("track_running_stats=False");
  const Created none(plain), all(mindspore);
  all.randomise(1);
  const Values before = all.numbers("gamma");
  // Nothing comes, so all stays and says so.
  for (const halogen_difference &d : convert(none, all)) {
    CHECK(d.kind == HALOGEN_DIFFERENCE_DEFAULT);
    CHECK(d.from_name[0] == '\0');
  }
  CHECK(all.numbers("gamma") == before);
  for (const halogen_difference &d : convert(all, none)) CHECK(d.kind == HALOGEN_DIFFERENCE_CANNOT);
  check_refused("lost", HALOGEN_ERROR_UNSUPPORTED, {"cannot be expressed"}, {},
                [&](halogen_error *error) { return halogen_convert_state(all.get(), none.get(), nullptr, error); });
}

TEST_CASE("migrate: a packed weight is packed again") {
  Settings torch = with_channels(HALOGEN_TORCH_CONV_TRANSPOSE1D);
  torch.set("kernel_size=3");
  const Created from(torch), to(torch);
  from.randomise(1);
  to.randomise(2);
  const Values old = forward(to, {2, 4, 5}, false);
  convert(from, to);
  const Values now = forward(to, {2, 4, 5}, false);
  CHECK(now != old);
  CHECK(now == forward(from, {2, 4, 5}, false));
}

TEST_CASE("migrate: states that do not fit") {
  Settings torch(HALOGEN_TORCH_BATCH_NORM2D), mindspore(HALOGEN_MINDSPORE_BATCH_NORM2D);
  torch.set("num_features=3");
  mindspore.set("num_features=4");
  const Created three(torch), four(mindspore);
  halogen_convert_report report = HALOGEN_CONVERT_REPORT_INIT;
  const DLTensor &gamma = four.state("gamma");
  check_refused("shape", HALOGEN_ERROR_SHAPE, {"3", "4"},
                {{"gamma", gamma.data, 16}, {"report", &report, sizeof report}},
                [&](halogen_error *error) { return halogen_convert_state(three.get(), four.get(), &report, error); });
  check_refused("no from", HALOGEN_ERROR_NULL_POINTER, {"from"}, {},
                [&](halogen_error *error) { return halogen_convert_state(nullptr, four.get(), &report, error); });
  check_refused("no to", HALOGEN_ERROR_NULL_POINTER, {"to"}, {},
                [&](halogen_error *error) { return halogen_convert_state(three.get(), nullptr, &report, error); });
  report.struct_size = 9;
  check_refused("report", HALOGEN_ERROR_STRUCT_SIZE, {"report"}, {},
                [&](halogen_error *error) { return halogen_convert_state(three.get(), three.get(), &report, error); });
  halogen_module *module = nullptr;
  Class none;
  set_raw(none, 29);
  check_refused("no class", HALOGEN_ERROR_ARGUMENT, {"module_class", "29"}, {}, [&](halogen_error *error) {
    return halogen_module_create(context(), none, torch.get(), &module, error);
  });
  check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {}, [&](halogen_error *error) {
    return halogen_module_create(context(), HALOGEN_TORCH_BATCH_NORM2D, nullptr, &module, error);
  });
}

TEST_SUITE_END();
