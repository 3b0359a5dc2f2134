// runtime/conv_gradient_plan.h: a pure function, whose every number must be one that kernels can take.
#include "conv_gradient_plan.h"

#include <doctest/doctest.h>

#include "conv_tiles.h"
#include "support/random.h"

using namespace halogen;

namespace {

constexpr halogen_isa levels[] = {HALOGEN_ISA_V2, HALOGEN_ISA_V3, HALOGEN_ISA_V4, HALOGEN_ISA_NEON};
constexpr Caches caches = {512 * 1024, 32 * 1024 * 1024};

ConvGradientProblem problem_of(const ConvWeightShape &shape, int64_t N, int64_t L, int64_t pad) {
  ConvGradientProblem p = {};
  p.shape = shape;
  p.N = N;
  p.L = L;
  p.L_out = (L - 1) * shape.stride + shape.dilation * (shape.K - 1) + 1 - 2 * pad;
  p.pad_left = pad;
  p.input = p.grad_input = {shape.C_in * L, L, 1};
  p.grad_output = {shape.C_out * p.L_out, p.L_out, 1};
  p.wants_input = p.wants_weight = p.wants_bias = true;
  return p;
}

}  // namespace

TEST_SUITE("conv_plan") {
  TEST_CASE("conv_gradient_plan: sound for random shapes and levels") {
    halogen_tests::Random random(54);
    for (int i = 0; i < 5000; ++i) {
      const auto up_to = [&](size_t most) { return 1 + static_cast<int64_t>(random.below(most)); };
      const int64_t groups = i % 4 ? 1 : up_to(200);
      const ConvWeightShape w = {groups * up_to(i % 3 ? 600 : 4),
                                 groups * up_to(i % 3 ? 300 : 4),
                                 up_to(i % 5 ? 20 : 2000),
                                 up_to(i % 5 ? 9 : 500),
                                 up_to(4),
                                 groups,
                                 i % 2 ? Dtype::f32 : Dtype::f64};
      const ConvGradientProblem p = problem_of(w, up_to(20), up_to(i % 7 ? 300 : 20000), 0);
      const halogen_isa isa = levels[i % 4];
      ConvGradientPlan plan;
      if (!conv_gradient_plan(p, HALOGEN_CONV_PATH_AUTO, caches, isa, &plan)) {
        CHECK(plan.too_large);
        continue;
      }
      const ConvVectors v = conv_vectors(isa);
      const int64_t lanes = v.bytes / dtype_bytes(w.dtype);
      const int64_t reach = (w.K - 1) * w.dilation / w.stride;
      const bool rows = plan.path == HALOGEN_CONV_PATH_ROWS;
      // Whole tiles, and room for what a tap reads beyond the last position.
      CHECK(plan.sums_row >= plan.strip);
      const ConvTuned tiles = conv_tiles(v.bytes, v.registers);
      const int vectors = plan.single ? kConvSingleVectors : tiles.gradient_vectors;
      const bool narrow = !plan.single && plan.sums_row == lanes;
      CHECK((narrow || plan.sums_row % (vectors * lanes) == 0));
      CHECK(plan.row_tile == (plan.single ? 1 : narrow ? conv_narrow_rows(tiles) : tiles.gradient_rows));
      CHECK(plan.row >= plan.sums_row + reach);
      CHECK(plan.row / plan.block % 2 == 1);
      CHECK(plan.x_row % lanes == 0);
      CHECK(plan.x_row >= plan.strip);
      CHECK(plan.stored_taps >= plan.taps);
      CHECK(plan.blocks * (rows ? plan.block : 1) >= w.group_in());
      // Columns, where there are some, end before the next begins, whole tiles of taps included.
      const ConvColumns &c = plan.columns;
      if (plan.has_columns()) {
        CHECK(c.count == p.N * p.L);
        CHECK(c.row >= w.C_out * w.K + c.tap_tile);
        CHECK(c.x_row >= c.count + lanes);
        CHECK(c.stored >= c.count);
      }
      // Parts that cover all, none of them empty.
      for (const ConvCut &cut :
           {plan.groups, plan.samples, plan.strips, plan.task_groups, plan.task_channels, plan.task_blocks,
            plan.task_taps, plan.bias_positions, c.input_channels, c.weight_channels, c.weight_taps}) {
        REQUIRE(cut.part >= 1);
        CHECK(cut.first(cut.count() - 1) < cut.all);
        CHECK(cut.first(cut.count() - 1) + cut.size(cut.count() - 1) == cut.all);
      }
      CHECK((plan.strips.all - 1) * plan.strip < p.L);
      CHECK(plan.strips.all * plan.strip >= p.L);
      CHECK(plan.task_units >= 1);
      // More than one group in a task only where each is in it as a whole.
      if (plan.task_groups.part > 1) {
        CHECK(plan.task_units == plan.units());
        CHECK(plan.task_channels.count() * plan.task_taps.count() * plan.task_blocks.count() == 1);
      }
    }
  }

  TEST_CASE("conv_gradient_plan: few positions go by columns, whichever gradients are wanted") {
    const ConvWeightShape w = {512, 256, 16, 8, 1, 1, Dtype::f32};
    for (int wanted = 1; wanted < 4; ++wanted) {
      for (int64_t length : {1, 8, 9, 128, 129}) {
        ConvGradientProblem p = problem_of(w, 1, length, 4);
        p.wants_input = (wanted & 1) != 0;
        p.wants_weight = (wanted & 2) != 0;
        ConvGradientPlan plan;
        REQUIRE(conv_gradient_plan(p, HALOGEN_CONV_PATH_AUTO, caches, HALOGEN_ISA_V3, &plan));
        CHECK(plan.input_columns == (p.wants_input && length <= 8));
        CHECK(plan.weight_columns == (p.wants_weight && length <= 128));
        CHECK(plan.input_pieces == (p.wants_input && length > 8));
        CHECK(plan.weight_pieces == (p.wants_weight && length > 128));
      }
    }
  }

  TEST_CASE("conv_gradient_plan: a result that is cropped to little, but too long to count, is refused") {
    ConvGradientProblem p = problem_of({4, 6, 3, 65536, 1, 1, Dtype::f32}, 1, 30000, 0);
    p.L_out = 5;
    p.grad_output = {30, 5, 1};
    ConvGradientPlan plan;
    CHECK(conv_gradient_plan(p, HALOGEN_CONV_PATH_AUTO, caches, HALOGEN_ISA_V3, &plan));
    p.L = 70000;
    CHECK_FALSE(conv_gradient_plan(p, HALOGEN_CONV_PATH_AUTO, caches, HALOGEN_ISA_V3, &plan));
    CHECK(plan.too_large);
  }

  TEST_CASE("conv_gradient_plan: several tasks for every layer that is worth two threads") {
    for (const ConvWeightShape &w :
         {ConvWeightShape{512, 256, 16, 8, 1, 1, Dtype::f32}, ConvWeightShape{64, 32, 4, 2, 1, 1, Dtype::f32},
          ConvWeightShape{1026, 1, 1024, 256, 1, 1, Dtype::f32}}) {
      ConvGradientPlan plan;
      REQUIRE(conv_gradient_plan(problem_of(w, 1, 256, 0), HALOGEN_CONV_PATH_AUTO, caches, HALOGEN_ISA_V3, &plan));
      const int64_t unit_tasks = (plan.units() + plan.task_units - 1) / plan.task_units;
      CHECK(unit_tasks * plan.task_channels.count() >= 2);
      CHECK(plan.task_blocks.count() * plan.task_taps.count() >= 2);
    }
  }
}
