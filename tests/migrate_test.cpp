// halogen/migrate.h: parameters between all corresponding classes, and what cannot be expressed.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/conversion.h"

using namespace halogen_tests;

namespace {

using Class = halogen_module_class;

/** What a layer does to a long signal: how much is cropped on the left, and the output's length. */
struct Layout {
  int64_t left, length;
  bool operator==(const Layout &other) const { return left == other.left && length == other.length; }
};

/** tests/golden/README.md, "conv_transpose1d" and MindSpore's pad modes, for an input of length L. */
Layout layout_of(const Settings &m, int64_t L) {
  const bool mindspore = m.module_class() == HALOGEN_MINDSPORE_CONV1D_TRANSPOSE;
  const auto number = [&](const char *name) { return std::stoll(m.text(name)); };
  const int64_t k = number("kernel_size"), s = number("stride"), d = number("dilation"), p = number("padding");
  const int64_t dk = d * (k - 1) + 1, full = (L - 1) * s + dk;
  if (!mindspore) return {p, full - 2 * p + number("output_padding")};
  if (m.text("pad_mode") == "pad") return {p, full - 2 * p};
  const int64_t t = std::max<int64_t>(dk - s, 0);
  return m.text("pad_mode") == "same" ? Layout{t / 2, L * s} : Layout{0, L * s + t};
}

}  // namespace

TEST_SUITE_BEGIN("migrate");

TEST_CASE("migrate: names, sizes and defaults of every class") {
  int count = 0;
  for (const Class c : all_classes()) {
    ++count;
    Class found = HALOGEN_TORCH_BATCH_NORM1D;
    REQUIRE(halogen_module_class_find(halogen_module_class_name(c), &found, nullptr) == HALOGEN_OK);
    CHECK(found == c);
    CHECK(halogen_module_params_size(c) >= sizeof(size_t));
    CHECK(halogen_module_params_size(c) <= HALOGEN_MODULE_PARAMS_MAX);
    const Settings settings(c);
    CHECK(settings.names().size() >= 5);
    CHECK(halogen_module_params_name(c, settings.names().size()) == nullptr);
    CHECK(settings.text("dtype") == "float32");
    CHECK(settings.text("device") == "cpu");
    CHECK(halogen_module_class_corresponds(c, c));
  }
  CHECK(count == 29);
  CHECK(halogen_module_class_name(static_cast<Class>(29)) == nullptr);
  CHECK(halogen_module_params_size(static_cast<Class>(29)) == 0);
  CHECK(halogen_module_params_name(static_cast<Class>(29), 0) == nullptr);
}

TEST_CASE("migrate: correspondence is by what is computed") {
  const auto count = [](Class of) {
    int others = 0;
    for (const Class c : all_classes()) others += c != of && halogen_module_class_corresponds(of, c);
    return others;
  };
  CHECK(count(HALOGEN_TORCH_BATCH_NORM1D) == 3);
  CHECK(count(HALOGEN_TORCH_BATCH_NORM2D) == 3);
  CHECK(count(HALOGEN_TORCH_BATCH_NORM3D) == 2);
  CHECK(count(HALOGEN_TORCH_INSTANCE_NORM1D) == 2);
  CHECK(count(HALOGEN_TORCH_INSTANCE_NORM2D) == 3);
  CHECK(count(HALOGEN_TORCH_INSTANCE_NORM3D) == 2);
  CHECK(count(HALOGEN_TORCH_GROUP_NORM) == 1);
  CHECK(count(HALOGEN_TORCH_LAYER_NORM) == 1);
  CHECK(count(HALOGEN_TORCH_CONV_TRANSPOSE1D) == 3);
  CHECK_FALSE(halogen_module_class_corresponds(HALOGEN_TORCH_BATCH_NORM1D, HALOGEN_TORCH_BATCH_NORM2D));
  CHECK_FALSE(halogen_module_class_corresponds(HALOGEN_TORCH_BATCH_NORM1D, static_cast<Class>(29)));
}

TEST_CASE("migrate: defaults convert between all classes and back without a loss") {
  for (const Class a : all_classes()) {
    for (const Class b : all_classes()) {
      if (!halogen_module_class_corresponds(a, b)) continue;
      INFO(halogen_module_class_name(a), " -> ", halogen_module_class_name(b));
      const Settings from(a);
      const Converted there(from, b);
      CHECK(there.cannot() == 0);
      // Not the same words always ("same" that crops nothing is "pad" afterwards), but the same meaning.
      const Converted back(there.to, a);
      CHECK(back.cannot() == 0);
      CHECK(Converted(back.to, b).cannot() == 0);
      if (a != b) continue;
      CHECK(there.to.texts() == from.texts());
      for (const halogen_difference &d : there.differences) CHECK(d.kind == HALOGEN_DIFFERENCE_EQUAL);
    }
  }
}

TEST_CASE("migrate: torch to every framework and back is torch, or the report says why not") {
  const std::vector<std::vector<std::string>> norms{{"momentum=0.3", "eps=0.001"},
                                                    {"momentum=0.1", "affine=False"},
                                                    {"momentum=None"},
                                                    {"track_running_stats=True"},
                                                    {"track_running_stats=False"},
                                                    {"bias=False", "affine=True"},
                                                    {"dtype=float64"},
                                                    {"momentum=0.0"},
                                                    {"momentum=1.0"},
                                                    {"dtype=bfloat16"},
                                                    {"momentum=0.1234567891"}};
  const std::vector<std::vector<std::string>> convs{{"kernel_size=5", "stride=2", "padding=2", "output_padding=1"},
                                                    {"kernel_size=4", "stride=2", "padding=1"},
                                                    {"kernel_size=2", "stride=4", "output_padding=2"},
                                                    {"groups=2", "in_channels=4", "out_channels=6"},
                                                    {"kernel_size=3", "dilation=4", "output_padding=3"},
                                                    {"bias=False"},
                                                    {"padding_mode=reflect"}};
  for (const Class a : all_classes()) {
    if (std::string(halogen_module_class_name(a)).rfind("torch", 0) != 0) continue;
    for (const Class b : all_classes()) {
      if (a == b || !halogen_module_class_corresponds(a, b)) continue;
      for (const auto &changes : a == HALOGEN_TORCH_CONV_TRANSPOSE1D ? convs : norms) {
        Settings from(a);
        bool known = true;
        for (const std::string &change : changes) known = known && from.try_set(change);
        if (!known) continue;
        INFO(changes[0], ": ", halogen_module_class_name(a), " -> ", halogen_module_class_name(b));
        const Converted there(from, b), back(there.to, a);
        if (there.cannot() != 0) CHECK(there.first_reason() != "");
        if (there.cannot() != 0) continue;
        for (const std::string &name : from.names()) {
          // What the other has no parameter for is without effect; MindSpore's affine=False says on the way back what it is.
          const bool explained =
              there.line(name).to_name[0] == '\0' || there.reason_of(name) != "" || back.reason_of(name) != "";
          if (!explained) CHECK(back.to.text(name) == from.text(name));
        }
      }
    }
  }
}

TEST_CASE("migrate: momentum is complemented where the other weighs the old statistic") {
  for (const auto &[from, to] :
       {std::pair{"0.1", "0.9"}, {"0.9", "0.1"}, {"0.3", "0.7"}, {"0.01", "0.99"}, {"0.0", "1.0"}}) {
    Settings torch(HALOGEN_TORCH_BATCH_NORM2D);
    torch.set(std::string("momentum=") + from);
    for (const Class other : {HALOGEN_MINDSPORE_BATCH_NORM2D, HALOGEN_MEGENGINE_BATCH_NORM2D}) {
      const Converted there(torch, other);
      CHECK(there.to.text("momentum") == to);
      CHECK(there.kind_of("momentum") == HALOGEN_DIFFERENCE_CONVERTED);
    }
    const Converted oneflow(torch, HALOGEN_ONEFLOW_BATCH_NORM2D);
    CHECK(oneflow.kind_of("momentum") == HALOGEN_DIFFERENCE_EQUAL);
  }
  Settings cumulative(HALOGEN_TORCH_BATCH_NORM1D);
  cumulative.set("momentum=None");
  for (const Class other :
       {HALOGEN_MINDSPORE_BATCH_NORM1D, HALOGEN_MEGENGINE_BATCH_NORM1D, HALOGEN_ONEFLOW_BATCH_NORM1D}) {
    const Converted there(cumulative, other);
    CHECK(there.kind_of("momentum") == HALOGEN_DIFFERENCE_CANNOT);
    CHECK(there.cannot() == 1);
  }
  // Without running statistics it has no effect.
  cumulative.set("track_running_stats=False");
  CHECK(Converted(cumulative, HALOGEN_MEGENGINE_BATCH_NORM1D).cannot() == 0);
}

TEST_CASE("migrate: whose statistics a batch normalisation uses") {
  struct {
    Class from;
    const char *change;
    Class to;
    const char *name, *value;
    halogen_difference_kind kind;
  } const cases[] = {{HALOGEN_TORCH_BATCH_NORM2D, "track_running_stats=False", HALOGEN_MINDSPORE_BATCH_NORM2D,
                      "use_batch_statistics", "True", HALOGEN_DIFFERENCE_CONVERTED},
                     {HALOGEN_MINDSPORE_BATCH_NORM2D, "use_batch_statistics=True", HALOGEN_TORCH_BATCH_NORM2D,
                      "track_running_stats", "False", HALOGEN_DIFFERENCE_CONVERTED},
                     {HALOGEN_MINDSPORE_BATCH_NORM2D, "use_batch_statistics=False", HALOGEN_MEGENGINE_BATCH_NORM2D,
                      "freeze", "True", HALOGEN_DIFFERENCE_CONVERTED},
                     {HALOGEN_MEGENGINE_BATCH_NORM2D, "freeze=True", HALOGEN_MINDSPORE_BATCH_NORM2D,
                      "use_batch_statistics", "False", HALOGEN_DIFFERENCE_CONVERTED},
                     {HALOGEN_MEGENGINE_BATCH_NORM2D, "freeze=True", HALOGEN_TORCH_BATCH_NORM2D, "track_running_stats",
                      "True", HALOGEN_DIFFERENCE_CANNOT},
                     {HALOGEN_MINDSPORE_BATCH_NORM2D, "use_batch_statistics=False", HALOGEN_ONEFLOW_BATCH_NORM2D,
                      "track_running_stats", "True", HALOGEN_DIFFERENCE_CANNOT},
                     {HALOGEN_TORCH_INSTANCE_NORM2D, "track_running_stats=True", HALOGEN_ONEFLOW_INSTANCE_NORM2D,
                      "documented_running_stats", "True", HALOGEN_DIFFERENCE_CANNOT},
                     {HALOGEN_ONEFLOW_INSTANCE_NORM2D, "track_running_stats=True", HALOGEN_TORCH_INSTANCE_NORM2D,
                      "track_running_stats", "False", HALOGEN_DIFFERENCE_CONVERTED}};
  for (const auto &c : cases) {
    INFO(c.change, ": ", halogen_module_class_name(c.from), " -> ", halogen_module_class_name(c.to));
    Settings from(c.from);
    from.set(c.change);
    const Converted there(from, c.to);
    CHECK(there.to.text(c.name) == c.value);
    CHECK(there.kind_of(c.name) == c.kind);
  }
  for (const Class other : {HALOGEN_MINDSPORE_INSTANCE_NORM2D, HALOGEN_MEGENGINE_INSTANCE_NORM}) {
    Settings tracking(HALOGEN_TORCH_INSTANCE_NORM2D);
    tracking.set("track_running_stats=True");
    const Converted there(tracking, other);
    CHECK(there.kind_of("track_running_stats") == HALOGEN_DIFFERENCE_CANNOT);
    CHECK(there.reason_of("track_running_stats").find("always uses the input's own") != std::string::npos);
  }
}

TEST_CASE("migrate: affine, its default, and what MindSpore makes of it") {
  const Converted to_mindspore(Settings(HALOGEN_TORCH_INSTANCE_NORM2D), HALOGEN_MINDSPORE_INSTANCE_NORM2D);
  CHECK(to_mindspore.kind_of("affine") == HALOGEN_DIFFERENCE_DEFAULT);
  CHECK(to_mindspore.to.text("affine") == "False");
  Settings mindspore(HALOGEN_MINDSPORE_BATCH_NORM2D);
  mindspore.set("affine=False");
  const Converted to_torch(mindspore, HALOGEN_TORCH_BATCH_NORM2D);
  CHECK(to_torch.to.text("affine") == "True");
  CHECK(to_torch.kind_of("affine") == HALOGEN_DIFFERENCE_CONVERTED);
  Settings weight(HALOGEN_TORCH_BATCH_NORM2D);
  weight.set("bias=False");
  for (const Class other :
       {HALOGEN_MINDSPORE_BATCH_NORM2D, HALOGEN_MEGENGINE_BATCH_NORM2D, HALOGEN_ONEFLOW_BATCH_NORM2D}) {
    CHECK(Converted(weight, other).kind_of("affine, bias") == HALOGEN_DIFFERENCE_CANNOT);
  }
  for (const auto &[from, to] : {std::pair{HALOGEN_TORCH_GROUP_NORM, HALOGEN_ONEFLOW_GROUP_NORM},
                                 {HALOGEN_TORCH_LAYER_NORM, HALOGEN_ONEFLOW_LAYER_NORM}}) {
    Settings torch(from);
    torch.set("bias=False");
    CHECK(Converted(torch, to).kind_of("bias") == HALOGEN_DIFFERENCE_CANNOT);
  }
}

TEST_CASE("migrate: MindSpore's version, data_format and initialisers") {
  const auto kind = [](const char *change, const char *name) {
    Settings mindspore(HALOGEN_MINDSPORE_BATCH_NORM2D);
    mindspore.set(change);
    return Converted(mindspore, HALOGEN_TORCH_BATCH_NORM2D).kind_of(name);
  };
  CHECK(kind("version=2.0", "version") == HALOGEN_DIFFERENCE_CANNOT);
  CHECK(kind("data_format=NHWC", "data_format") == HALOGEN_DIFFERENCE_CANNOT);
  CHECK(kind("gamma_init=0.5", "gamma_init") == HALOGEN_DIFFERENCE_DEFAULT);
  CHECK(kind("gamma_init=ones", "gamma_init") == HALOGEN_DIFFERENCE_EQUAL);
  CHECK(kind("moving_var_init=zeros", "moving_var_init") == HALOGEN_DIFFERENCE_DEFAULT);
  // The old default's numbers, written out for the new one.
  Settings old(HALOGEN_MINDSPORE_CONV1D_TRANSPOSE);
  old.set("version=2.0");
  CHECK(Converted(old, HALOGEN_TORCH_CONV_TRANSPOSE1D).kind_of("weight_init") == HALOGEN_DIFFERENCE_DEFAULT);
  Settings megengine(HALOGEN_MEGENGINE_CONV_TRANSPOSE2D);
  megengine.set("kernel_size=[1, 4]");
  megengine.set("out_channels=4");
  CHECK(Converted(megengine, HALOGEN_MINDSPORE_CONV1D_TRANSPOSE).to.text("weight_init") == "normal(0.25)");
}

TEST_CASE("migrate: dtypes that a framework's module lacks") {
  Settings torch(HALOGEN_TORCH_BATCH_NORM2D);
  torch.set("dtype=float64");
  CHECK(Converted(torch, HALOGEN_ONEFLOW_BATCH_NORM2D).kind_of("dtype") == HALOGEN_DIFFERENCE_EQUAL);
  const Converted mindspore(torch, HALOGEN_MINDSPORE_BATCH_NORM2D);
  CHECK(mindspore.kind_of("dtype") == HALOGEN_DIFFERENCE_CANNOT);
  CHECK(mindspore.to.text("dtype") == "float32");
}

TEST_CASE("migrate: paddings that look alike and are not (tests/golden/README.md, fact 2)") {
  Settings torch(HALOGEN_TORCH_CONV_TRANSPOSE1D);
  for (const char *change : {"kernel_size=5", "stride=3", "padding=2", "output_padding=2"}) torch.set(change);
  const Converted there(torch, HALOGEN_MINDSPORE_CONV1D_TRANSPOSE);
  CHECK(there.kind_of("padding, output_padding") == HALOGEN_DIFFERENCE_CANNOT);
  Settings same(HALOGEN_MINDSPORE_CONV1D_TRANSPOSE);
  for (const char *change : {"kernel_size=5", "stride=3"}) same.set(change);
  const Converted back(same, HALOGEN_TORCH_CONV_TRANSPOSE1D);
  CHECK(back.to.text("padding") == "1");
  CHECK(back.to.text("output_padding") == "0");
  CHECK(back.cannot() == 0);
  // An odd crop.
  same.set("stride=2");
  const Converted odd(same, HALOGEN_TORCH_CONV_TRANSPOSE1D);
  CHECK(odd.kind_of("pad_mode, padding") == HALOGEN_DIFFERENCE_CANNOT);
  CHECK(odd.reason_of("pad_mode, padding").find("on the right") != std::string::npos);
}

TEST_CASE("migrate: a padding is expressed if, and only if, the same numbers come out") {
  const Class classes[] = {HALOGEN_TORCH_CONV_TRANSPOSE1D, HALOGEN_ONEFLOW_CONV_TRANSPOSE1D,
                           HALOGEN_MINDSPORE_CONV1D_TRANSPOSE};
  int expressed = 0, cannot = 0;
  const auto check_all = [&](const Settings &from, int64_t k) {
    for (const Class to : classes) {
      if (to == from.module_class()) continue;
      const Converted there(from, to);
      const bool equal = layout_of(from, 50 + k) == layout_of(there.to, 50 + k);
      if (there.cannot() == 0) CHECK(equal);
      if (there.cannot() != 0 && to != HALOGEN_TORCH_CONV_TRANSPOSE1D) CHECK_FALSE(equal);
      (there.cannot() == 0 ? expressed : cannot) += 1;
    }
  };
  for (int64_t k = 1; k <= 5; ++k) {
    for (int64_t s = 1; s <= 4; ++s) {
      for (int64_t d = 1; d <= 3; ++d) {
        for (int64_t p = 0; p <= 3; ++p) {
          for (int64_t o = 0; o < std::max(s, d); ++o) {
            Settings from(HALOGEN_TORCH_CONV_TRANSPOSE1D);
            from.set_numbers(
                {{"kernel_size", k}, {"stride", s}, {"dilation", d}, {"padding", p}, {"output_padding", o}});
            check_all(from, k);
          }
        }
        for (const char *mode : {"pad_mode=same", "pad_mode=valid", "pad_mode=pad"}) {
          Settings from(HALOGEN_MINDSPORE_CONV1D_TRANSPOSE);
          from.set_numbers({{"kernel_size", k}, {"stride", s}, {"dilation", d}});
          from.set(mode);
          check_all(from, k);
        }
      }
    }
  }
  CHECK(expressed > 500);
  CHECK(cannot > 100);
}

TEST_CASE("migrate: MegEngine's axis, and its output_padding (fact 9)") {
  Settings torch(HALOGEN_TORCH_CONV_TRANSPOSE1D);
  torch.set_numbers({{"kernel_size", 5}, {"stride", 3}, {"padding", 1}, {"in_channels", 4}, {"out_channels", 4}});
  const Converted along_width(torch, HALOGEN_MEGENGINE_CONV_TRANSPOSE2D);
  CHECK(along_width.to.text("kernel_size") == "[1, 5]");
  CHECK(along_width.to.text("padding") == "[0, 1]");
  torch.set("output_padding=2");
  const Converted along_height(torch, HALOGEN_MEGENGINE_CONV_TRANSPOSE2D);
  CHECK(along_height.to.text("kernel_size") == "[5, 1]");
  CHECK(along_height.to.text("stride") == "[3, 1]");
  CHECK(along_height.to.text("output_padding") == "[2, 0]");
  CHECK(along_height.cannot() == 0);
  CHECK(Converted(along_height.to, HALOGEN_TORCH_CONV_TRANSPOSE1D).to.texts() == torch.texts());
  torch.set("groups=2");
  CHECK(Converted(torch, HALOGEN_MEGENGINE_CONV_TRANSPOSE2D).kind_of("padding, output_padding") ==
        HALOGEN_DIFFERENCE_CANNOT);
  // What is only in the width has no effect there, and must have none elsewhere.
  Settings ignored(HALOGEN_MEGENGINE_CONV_TRANSPOSE2D);
  for (const char *change : {"kernel_size=[1, 5]", "stride=[1, 3]", "output_padding=[0, 2]"}) ignored.set(change);
  CHECK(Converted(ignored, HALOGEN_TORCH_CONV_TRANSPOSE1D).to.text("output_padding") == "0");
}

TEST_SUITE_END();
