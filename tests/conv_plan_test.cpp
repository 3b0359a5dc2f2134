// runtime/conv_layout.h, runtime/conv_plan.h and the frameworks' paddings: pure functions, whose every number must be one that kernels
// can take.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "conv_plan.h"
#include "conv_tiles.h"
#include "frameworks/conv_pads.h"
#include "support/random.h"

using namespace halogen;

namespace {

constexpr halogen_isa levels[] = {HALOGEN_ISA_V2, HALOGEN_ISA_V3, HALOGEN_ISA_V4, HALOGEN_ISA_V4_SPR, HALOGEN_ISA_NEON};

ConvPads pads(ConvPadMode mode, int64_t length, int64_t kernel, int64_t stride, int64_t dilation, int64_t padding = 0,
              int64_t output_padding = 0, int64_t output_size = 0) {
  ConvPads result = {};
  REQUIRE(conv_pads({nullptr, nullptr}, {mode, padding, output_padding, output_size, length, kernel, stride, dilation},
                    &result) == HALOGEN_OK);
  return result;
}

int64_t length_of(const ConvPads &p, int64_t length, int64_t kernel, int64_t stride, int64_t dilation) {
  return (length - 1) * stride + dilation * (kernel - 1) + 1 - p.left - p.right;
}

}  // namespace

TEST_SUITE("conv_plan") {
  TEST_CASE("conv_layout: every tap of every phase is in one run") {
    halogen_tests::Random random(51);
    for (int i = 0; i < 5000; ++i) {
      const auto up_to = [&](size_t most) { return 1 + static_cast<int64_t>(random.below(most)); };
      const int64_t groups = up_to(3);
      const ConvWeightShape shape = {groups * up_to(5),
                                     groups * up_to(40),
                                     up_to(i % 2 ? 20 : 300),
                                     up_to(i % 3 ? 9 : 200),
                                     up_to(4),
                                     groups,
                                     i % 4 ? Dtype::f32 : Dtype::f64};
      const ConvLayout layout = conv_layout(shape, i % 4 == 3);
      const int64_t phases = conv_phases(shape).phases;
      REQUIRE(layout.count <= kMaxConvRuns);
      std::vector<int> seen(static_cast<size_t>(shape.K), 0);
      int64_t end = 0;
      for (int32_t r = 0; r < layout.count; ++r) {
        const ConvRun &run = layout.runs[r];
        CHECK(run.offset == end);
        CHECK(layout.block % run.width == 0);
        CHECK((run.blocks == 1 || run.width == layout.block));
        end +=
            run.blocks * conv_channel_blocks(layout, run, shape.group_out()) * layout.depth * run.taps * layout.block;
        for (int64_t k0 = run.first; k0 < run.first + run.width * run.blocks; ++k0) {
          for (int64_t j = 0; j < run.taps; ++j) ++seen[static_cast<size_t>(k0 + j * phases)];
        }
      }
      CHECK(end == layout.group_elements);
      for (const int count : seen) CHECK(count == 1);
    }
  }

  TEST_CASE("conv_plan: sound for random shapes, caches and levels") {
    halogen_tests::Random random(52);
    for (int i = 0; i < 5000; ++i) {
      const auto up_to = [&](size_t most) { return 1 + static_cast<int64_t>(random.below(most)); };
      const int64_t groups = i % 4 ? 1 : up_to(8);
      ConvProblem p = {};
      p.shape = {groups * up_to(800),
                 groups * up_to(800),
                 up_to(i % 5 ? 20 : 2000),
                 up_to(i % 5 ? 9 : 600),
                 up_to(2),
                 groups,
                 i % 4 ? Dtype::bf16 : Dtype::f64};
      p.N = up_to(20);
      p.L = up_to(i % 3 ? 100 : 10000);
      p.pad_left = static_cast<int64_t>(random.below(30)) - 10;
      p.L_out = (p.L - 1) * p.shape.stride + p.shape.dilation * (p.shape.K - 1) + 1 - p.pad_left;
      p.finite = i % 7 != 0;
      p.input = {p.shape.C_in * p.L, p.L, 1};
      p.output = {p.shape.C_out * p.L_out, p.L_out, 1};
      if (p.L_out < 1 || p.L_out * p.shape.C_out >= int64_t{1} << 31) continue;
      for (const halogen_isa isa : levels) {
        const ConvLayout layout = conv_layout(p.shape, conv_packs_pairs(p.shape, isa));
        ConvPlan plan;
        REQUIRE_MESSAGE(conv_plan(p, layout, HALOGEN_CONV_PATH_AUTO, {512 << 10, 32 << 20}, isa, &plan),
                        std::string(plan.reason));
        CHECK(plan.path != HALOGEN_CONV_PATH_AUTO);
        CHECK(plan.tile >= 1);
        CHECK((plan.positions + plan.before) % plan.tile == 0);
        CHECK(plan.positions >= 1);
        CHECK(plan.position_tasks * plan.positions >= plan.last - plan.first);
        CHECK((plan.position_tasks - 1) * plan.positions < plan.last - plan.first);
        CHECK(plan.channels >= 1);
        CHECK((plan.channels == p.shape.group_out() || plan.channels % conv_channel_step(layout) == 0));
        CHECK(plan.channel_tasks * plan.channels >= p.shape.group_out());
        // All outputs lie in [first, last) strides.
        CHECK(plan.first * p.shape.stride <= p.pad_left);
        CHECK(plan.last * p.shape.stride >= p.pad_left + p.L_out);
        // What a task reads and writes fits what it has.
        const int64_t reach = (layout.most_taps - 1) * conv_phases(p.shape).spacing;
        CHECK(plan.padded_row >= plan.positions + plan.before + reach + (p.finite ? 0 : plan.tile));
        CHECK(plan.sums_row >= p.shape.stride * (plan.positions + plan.before));
        CHECK(plan.sums_elements >= plan.sums_row * plan.channels);
      }
    }
  }

  TEST_CASE("conv_plan: few positions have the smallest tile that holds them") {
    ConvProblem p = {};
    p.shape = {256, 128, 16, 8, 1, 1, Dtype::f32};
    p.N = 1;
    p.pad_left = 4;
    p.finite = true;
    const ConvLayout layout = conv_layout(p.shape, false);
    for (const halogen_isa isa : levels) {
      const ConvVectors v = conv_vectors(isa);
      const int most = conv_tiles(v.bytes, v.registers).rows_positions;
      for (p.L = 1; p.L < 20; ++p.L) {
        p.L_out = 8 * p.L;
        p.input = {256 * p.L, p.L, 1};
        p.output = {128 * p.L_out, p.L_out, 1};
        ConvPlan plan;
        REQUIRE(conv_plan(p, layout, HALOGEN_CONV_PATH_AUTO, {512 << 10, 32 << 20}, isa, &plan));
        CHECK(most % plan.tile == 0);
        CHECK((plan.tile == most || plan.tile >= p.L + 1));
        CHECK((plan.tile / 2 < p.L + 1 || plan.tile % 2 != 0 || plan.tile < 6));
      }
    }
  }

  TEST_CASE(
      "conv_tiles: whole tiles make a block of either dtype, and tiles of one and of two rows fit into each other") {
    for (const halogen_isa isa : levels) {
      const ConvVectors v = conv_vectors(isa);
      const ConvTuned tiles = conv_tiles(v.bytes, v.registers);
      CHECK(tiles.vector_bytes == v.bytes);
      CHECK(tiles.registers == v.registers);
      for (int ConvTuned::*const tile : kConvTiles) CHECK(tiles.*tile > 0);
      for (const int size : {4, 8}) CHECK(kConvBlockBytes / size % tiles.length_rows == 0);
      const auto [less, most] = std::minmax(tiles.length1_vectors, tiles.length2_vectors);
      CHECK(most % less == 0);
    }
  }

  TEST_CASE("conv_plan: one and two rows a group have a tile that their kernels' tiles fit into") {
    for (const halogen_isa isa : levels) {
      const ConvVectors v = conv_vectors(isa);
      const ConvTuned tiles = conv_tiles(v.bytes, v.registers);
      for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
        const int64_t lanes = v.bytes / dtype_bytes(dtype);
        for (const int64_t taps : {1, 2, 3}) {
          ConvProblem p = {};
          p.shape = {8, 8, taps, 2, 1, 8, dtype};
          p.N = 1;
          p.L = 1000;
          p.L_out = 2000;
          p.input = {8000, 1000, 1};
          p.output = {16000, 2000, 1};
          p.finite = true;
          ConvPlan plan;
          REQUIRE(conv_plan(p, conv_layout(p.shape, false), HALOGEN_CONV_PATH_AUTO, {512 << 10, 32 << 20}, isa, &plan));
          CHECK(plan.few_rows);
          // One tap: one phase has it. Two: a run of both. Three: the phases have runs of their own.
          const int vectors = taps == 2 ? tiles.length2_vectors : tiles.length1_vectors;
          CHECK(plan.tile == vectors * lanes);
        }
      }
    }
  }

  TEST_CASE("conv_plan: beyond 2^31 elements is refused") {
    ConvProblem p = {};
    p.shape = {1, 1, 1, 1, 1, 1, Dtype::f32};
    p.input = p.output = {0, 1, 1};
    p.N = 1;
    p.L = p.L_out = int64_t{1} << 31;
    p.finite = true;
    ConvPlan plan;
    CHECK_FALSE(conv_plan(p, conv_layout(p.shape, false), HALOGEN_CONV_PATH_AUTO, {512 << 10, 32 << 20}, HALOGEN_ISA_V2,
                          &plan));
    CHECK(plan.too_large);
    CHECK_FALSE(conv_sizes_fit({1 << 20, 1 << 20, 1, 1, 1, 1, Dtype::f32}));
    CHECK_FALSE(conv_sizes_fit({1, 1, 1, int64_t{1} << 60, 1, 1, Dtype::f32}));
    CHECK_FALSE(conv_sizes_fit({1, 1, int64_t{1} << 40, 1, int64_t{1} << 40, 1, Dtype::f32}));
    CHECK(conv_sizes_fit({2049, 1, 4096, 1024, 1, 1, Dtype::f32}));
  }

  TEST_CASE("conv_pads: torch, oneflow and megengine, padding and output_padding") {
    const ConvPads p = pads(ConvPadMode::sides, 50, 5, 3, 1, 2, 2);
    CHECK(p.left == 2);
    CHECK(p.right == 0);
    CHECK(length_of(p, 50, 5, 3, 1) == 150);
    CHECK(pads(ConvPadMode::sides, 7, 4, 2, 1, 0, 3).right == -3);
  }

  TEST_CASE("conv_pads: torch's output_size") {
    for (int64_t size = 147; size < 150; ++size) {
      const ConvPads p = pads(ConvPadMode::size, 50, 3, 3, 1, 1, 0, size);
      CHECK(p.left == 1);
      CHECK(length_of(p, 50, 3, 3, 1) == size);
    }
  }

  TEST_CASE("conv_pads: mindspore's same and valid") {
    for (int64_t kernel = 1; kernel < 9; ++kernel) {
      for (int64_t stride = 1; stride < 9; ++stride) {
        for (int64_t dilation = 1; dilation < 4; ++dilation) {
          const int64_t reach = dilation * (kernel - 1) + 1, crop = std::max<int64_t>(reach - stride, 0);
          const ConvPads same = pads(ConvPadMode::same, 11, kernel, stride, dilation);
          CHECK(length_of(same, 11, kernel, stride, dilation) == 11 * stride);
          CHECK(same.left == crop / 2);
          const ConvPads valid = pads(ConvPadMode::valid, 11, kernel, stride, dilation);
          CHECK(valid.left == 0);
          CHECK(length_of(valid, 11, kernel, stride, dilation) == 11 * stride + crop);
        }
      }
    }
  }

  TEST_CASE("conv_plan: few positions of one channel of many phases are several tasks") {
    ConvProblem p = {};
    p.shape = {1026, 1, 1024, 256, 1, 1, Dtype::f32};
    p.N = p.L = 1;
    p.L_out = 1024;
    p.input = {1026, 1, 1};
    p.output = {1024, 1024, 1};
    p.finite = true;
    const ConvLayout layout = conv_layout(p.shape, false);
    ConvPlan plan;
    REQUIRE(conv_plan(p, layout, HALOGEN_CONV_PATH_AUTO, {512 * 1024, 32 * 1024 * 1024}, HALOGEN_ISA_V3, &plan));
    CHECK(plan.block_tasks == 16);
    CHECK(plan.block_tasks * plan.blocks >= layout.runs[0].blocks);
    CHECK(plan.tasks(p) == plan.block_tasks);
    p.L = 500;
    p.L_out = 499 * 256 + 1024;
    REQUIRE(conv_plan(p, layout, HALOGEN_CONV_PATH_AUTO, {512 * 1024, 32 * 1024 * 1024}, HALOGEN_ISA_V3, &plan));
    CHECK(plan.block_tasks == 1);
  }

  TEST_CASE("conv_packs_pairs: not where lanes along the rows of a block would be idle") {
    const auto packs = [](int64_t C_in, int64_t C_out, int64_t K, int64_t stride) {
      return conv_packs_pairs({C_in, C_out, K, stride, 1, 1, Dtype::bf16}, HALOGEN_ISA_V4_ZEN4);
    };
    CHECK_FALSE(packs(64, 1, 25, 4));  // one phase of seven taps, three of six
    CHECK_FALSE(packs(64, 1, 4, 2));
    CHECK_FALSE(packs(1, 64, 4, 2));
    CHECK(packs(64, 1, 24, 4));
    CHECK(packs(64, 2, 25, 4));
    CHECK_FALSE(conv_packs_pairs({64, 64, 4, 2, 1, 1, Dtype::bf16}, HALOGEN_ISA_V4));
    CHECK_FALSE(conv_packs_pairs({64, 64, 4, 2, 1, 1, Dtype::f16}, HALOGEN_ISA_V4_ZEN4));
  }

  TEST_CASE("conv_pads: numbers that overflow") {
    ConvPads p = {};
    const int64_t large = int64_t{1} << 62;
    for (const ConvPadding &padding : {ConvPadding{ConvPadMode::sides, -large, large + large / 2, 0, 1, 1, 1, 1},
                                       ConvPadding{ConvPadMode::size, 0, 0, 1, large, 1, 4, 1},
                                       ConvPadding{ConvPadMode::same, 0, 0, 0, 1, large, 1, 4}}) {
      CHECK(conv_pads({nullptr, nullptr}, padding, &p) == HALOGEN_ERROR_SIZE);
    }
  }
}
