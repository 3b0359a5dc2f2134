// halogen_module_reset_parameters(): every framework's initial distributions, the same for the same seed.
#include <doctest/doctest.h>

#include <cmath>

#include "support/conversion.h"
#include "support/created.h"
#include "support/misuse.h"
#include "support/statistics.h"

using namespace halogen_tests;

namespace {

halogen_status reset(const Created &module, uint64_t seed, uint64_t stream = 0) {
  return halogen_module_reset_parameters(module.get(), seed, stream, nullptr);
}

Settings conv(halogen_module_class c) {
  Settings settings(c);
  settings.set("in_channels=128");
  settings.set("out_channels=96");
  settings.try_set("groups=4");
  settings.try_set("group=4");
  settings.try_set("bias=True");
  settings.try_set("has_bias=True");
  if (!settings.try_set("kernel_size=5")) settings.set("kernel_size=[1, 5]");
  return settings;
}

}  // namespace

TEST_SUITE_BEGIN("module_state");

TEST_CASE("reset_parameters: transposed convolutions, by each framework's fan (tests/golden/README.md, fact 18)") {
  const double bound = 1 / std::sqrt(96 / 4 * 5.0);
  for (const halogen_module_class c :
       {HALOGEN_TORCH_CONV_TRANSPOSE1D, HALOGEN_ONEFLOW_CONV_TRANSPOSE1D, HALOGEN_MINDSPORE_CONV1D_TRANSPOSE}) {
    INFO(std::string(halogen_module_class_name(c)));
    const Created module(conv(c));
    REQUIRE(reset(module, 5) == HALOGEN_OK);
    check_distribution(module.numbers("weight"), expected_uniform(-bound, bound));
    for (const double b : module.numbers("bias")) CHECK(std::abs(b) <= bound);
    CHECK(module.numbers("bias")[0] != module.numbers("weight")[0]);
  }
  const Created megengine(conv(HALOGEN_MEGENGINE_CONV_TRANSPOSE2D));
  REQUIRE(reset(megengine, 5) == HALOGEN_OK);
  check_distribution(megengine.numbers("weight"), expected_normal(0, std::sqrt(1 / (96 * 5.0))));
  CHECK(megengine.numbers("bias") == Values(96, 0));
  Settings old = conv(HALOGEN_MINDSPORE_CONV1D_TRANSPOSE);
  old.set("version=2.0");
  const Created mindspore(old);
  REQUIRE(reset(mindspore, 5) == HALOGEN_OK);
  check_distribution(mindspore.numbers("weight"), expected_normal(0, 0.01));
  CHECK(mindspore.numbers("bias") == Values(96, 0));
}

TEST_CASE("reset_parameters: normalisations, statistics and counters") {
  for (const halogen_module_class c : all_classes()) {
    Settings settings(c);
    settings.try_set("affine=True");
    settings.try_set("track_running_stats=True");
    if (!settings.try_set("num_features=3") && !settings.try_set("num_channels=3")) continue;
    INFO(std::string(halogen_module_class_name(c)));
    const Created module(settings);
    module.randomise(3);
    REQUIRE(reset(module, 1) == HALOGEN_OK);
    for (size_t i = 0; i < halogen_module_state_count(module.get()); ++i) {
      const std::string key = halogen_module_state_key(module.get(), i);
      const bool one = key == "weight" || key == "gamma" || key == "running_var" || key == "moving_variance";
      for (const double v : module.numbers(key)) CHECK(v == (one ? 1 : 0));
    }
  }
}

TEST_CASE("reset_parameters: a seed's numbers, a stream's, and MindSpore's arguments") {
  const Created a(conv(HALOGEN_TORCH_CONV_TRANSPOSE1D)), b(conv(HALOGEN_TORCH_CONV_TRANSPOSE1D));
  REQUIRE(reset(a, 1, 8) == HALOGEN_OK);
  REQUIRE(reset(b, 1, 8) == HALOGEN_OK);
  CHECK(a.numbers("weight") == b.numbers("weight"));
  REQUIRE(reset(b, 2, 8) == HALOGEN_OK);
  check_uncorrelated(a.numbers("weight"), b.numbers("weight"));
  REQUIRE(reset(b, 1, 16) == HALOGEN_OK);
  check_uncorrelated(a.numbers("weight"), b.numbers("weight"));

  Settings mindspore = conv(HALOGEN_MINDSPORE_CONV1D_TRANSPOSE);
  mindspore.set("weight_init=truncatedNormal");
  mindspore.set("bias_init=0.5");
  const Created module(mindspore);
  const Values at_create = module.numbers("weight");
  check_distribution(at_create, expected_truncated(0, 0.01, -2, 2));
  CHECK(module.numbers("bias") == Values(96, 0.5));
  module.randomise(3);
  REQUIRE(reset(module, 0) == HALOGEN_OK);
  CHECK(module.numbers("weight") == at_create);
  CHECK(module.numbers("bias") == Values(96, 0.5));
}

TEST_CASE("reset_parameters: no module") {
  check_refused("no module", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                [](halogen_error *error) { return halogen_module_reset_parameters(nullptr, 0, 0, error); });
}

TEST_SUITE_END();
