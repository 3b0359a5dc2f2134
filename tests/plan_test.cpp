// runtime/norm_plan.h: what runs is a pure function of shape and cache, and every number in a plan is one that kernels can take.
#include <doctest/doctest.h>

#include <algorithm>

#include "norm_plan.h"
#include "support/random.h"

using namespace halogen;

namespace {

constexpr Caches caches = {512 << 10, 32 << 20};
constexpr int64_t l2_sizes[] = {256 << 10, 512 << 10, 1 << 20, 2 << 20};

/** The problem on tensors without gaps. */
NormProblem dense(NormProblem problem) {
  const int64_t C = problem.C, S = problem.S;
  problem.x = problem.channel_last ? NormStrides{C * S, 1, C} : NormStrides{C * S, S, 1};
  problem.y = problem.residual = problem.x;
  return problem;
}

NormProblem batch(int64_t n, int64_t c, int64_t s, bool own_statistics = true) {
  NormProblem problem = {};
  problem.N = n;
  problem.C = c;
  problem.S = s;
  problem.scope = HALOGEN_NORM_SCOPE_BATCH;
  problem.groups = 1;
  problem.own_statistics = own_statistics;
  problem.whole_lines = true;
  return dense(problem);
}

NormProblem backward(NormProblem problem) {
  problem.backward = true;
  return problem;
}

/** Layer norm over the last dimension: a row is a set. */
NormProblem layer(int64_t rows, int64_t width) {
  NormProblem problem = batch(rows, width, 1);
  problem.scope = HALOGEN_NORM_SCOPE_GROUP;
  return problem;
}

NormPlan planned(const NormProblem &problem, int64_t l2_bytes = 512 << 10,
                 halogen_norm_path forced = HALOGEN_NORM_PATH_AUTO) {
  NormPlan plan;
  REQUIRE_MESSAGE(norm_plan(problem, forced, {l2_bytes, 32 << 20}, HALOGEN_STORES_AUTO, &plan), plan.reason);
  CHECK(plan.reason != nullptr);
  return plan;
}

/** What every backward plan must satisfy besides. */
void check_backward_sound(const NormProblem &problem, const NormPlan &plan) {
  // Sums are of channels: sets of several have theirs first, unless a set is a row whose values have parameters of their own.
  CHECK((plan.each || problem.channels_per_set() == 1 || plan.path == HALOGEN_NORM_PATH_SPLIT));
  CHECK(!(plan.each && problem.in_place));
  if (plan.path == HALOGEN_NORM_PATH_SPLIT) {
    // All rows of all samples are in some block.
    const NormBlocks blocks = norm_blocks(problem, plan);
    const int64_t samples = problem.per_channel() ? problem.N : plan.samples;
    CHECK(blocks.count() >= 1);
    if (plan.across) {
      const SlabView view = norm_slab_view(problem, samples);
      CHECK(view.r * view.b * view.width * blocks.sets >= samples * problem.S * problem.C);
      CHECK(blocks.down * plan.chunk_r >= view.r);
      CHECK(blocks.samples == view.b);
    } else {
      const RowView view = norm_sets_view(problem, samples);
      CHECK(blocks.along * plan.block_s >= view.s);
      CHECK(blocks.down * plan.block_r >= view.r);
      CHECK(blocks.sets * blocks.samples * view.r * view.s == samples * problem.C * problem.S);
    }
  } else if (problem.over_samples()) {
    // dx is made from sums that are of all samples.
    CHECK(plan.samples == problem.N);
  }
  if (!plan.each) return;
  CHECK((plan.chunk_rows >= 1 && plan.chunk_rows <= plan.samples));
  // Passes begin at a chunk.
  CHECK((plan.samples == problem.N || plan.samples % plan.chunk_rows == 0));
  CHECK(norm_chunks(problem, plan) * plan.chunk_rows >= problem.N);
}

/** What every plan must satisfy. */
void check_sound(const NormProblem &problem, const NormPlan &plan) {
  CAPTURE(problem.N);
  CAPTURE(problem.C);
  CAPTURE(problem.S);
  CHECK(plan.path != HALOGEN_NORM_PATH_AUTO);
  CHECK(plan.samples >= 1);
  CHECK(plan.samples <= problem.N);
  // Kernels count in 31 bits.
  CHECK(plan.samples * problem.C * problem.S < int64_t{1} << 31);
  CHECK(plan.block_s >= 1);
  CHECK(plan.block_s <= (plan.each ? problem.channels_per_set() : problem.S));
  CHECK(plan.block_r >= 1);
  CHECK(int64_t{plan.block_s} * plan.block_r <= 4096);
  // Kernels take the rows of a block by four where there are a multiple of four in all.
  const int64_t rows = problem.over_samples() ? plan.samples : problem.channels_per_sum();
  CHECK((problem.gpu || !problem.reduces() || plan.each || rows % 4 != 0 || plan.block_r % 4 == 0));
  CHECK(plan.sets_per_task >= 1);
  CHECK(plan.blocks_per_task >= 1);
  CHECK((plan.block_sets >= 1 && plan.block_sets <= 32));
  CHECK((plan.apply_sets >= 1 && plan.apply_samples >= 1));
  const int64_t elements = plan.samples * problem.C * problem.S;
  const RowView order = norm_order_view(problem, plan.samples), sets = norm_sets_view(problem, plan.samples);
  CHECK(order.s * order.r * order.g * order.b == elements);
  CHECK(sets.s * sets.r * sets.g * sets.b == elements);
  CHECK(plan.apply_sets <= order.g);
  CHECK(plan.apply_samples <= order.b);
  const SlabView slabs = norm_slab_view(problem, plan.samples);
  CHECK(slabs.S * problem.C * slabs.r * slabs.b == elements);
  if (problem.gpu) {
    // A chunk is eight threads' blocks. Only a grid's first dimension may exceed 65535.
    CHECK(plan.chunk_r <= 8 * 128);
    CHECK((!norm_across(plan) || slabs.b <= 65535));
    // Parts begin where a device wants them to: what belongs to samples of their own at a multiple of 256 of them.
    const bool whole = plan.samples == problem.N || plan.samples <= 256;
    CHECK((problem.per_channel() || whole || plan.samples % 256 == 0));
  }
  CHECK(plan.slab >= 1);
  CHECK(plan.slab <= problem.C);
  CHECK(plan.slab % problem.channels_per_set() == 0);
  // Pieces of channel-last rows are of several cache lines.
  if (problem.channel_last) CHECK(plan.slab >= std::min<int64_t>(problem.C, 64 / problem.channels_per_set()));
  CHECK(plan.slab_block_r >= 1);
  CHECK(plan.slab_block_r <= 128);
  CHECK(plan.chunk_r >= 1);
  CHECK(plan.rows_per_task >= 1);
  CHECK(norm_workspace_bytes(problem, plan) >= 0);
  CHECK(norm_task_bytes(problem, plan) >= 0);
  if (problem.backward) check_backward_sound(problem, plan);
}

}  // namespace

TEST_SUITE("plan") {
  TEST_CASE("plan: sound for random shapes, scopes and caches") {
    halogen_tests::Random random(1);
    for (int i = 0; i < 20000; ++i) {
      const auto extent = [&](int64_t most) {
        return 1 + static_cast<int64_t>(random.below(static_cast<size_t>(most)));
      };
      NormProblem problem = batch(extent(64), extent(2048), extent(i % 3 ? 400 : 20000));
      problem.scope = static_cast<halogen_norm_scope>(1 + i % 3);
      problem.groups = problem.scope == HALOGEN_NORM_SCOPE_GROUP && problem.C % 4 == 0 ? 4 : 1;
      problem.own_statistics = i % 5 != 0;
      problem.dtype = static_cast<Dtype>(random.below(4));
      problem.channel_last = i % 2 == 0;
      problem.gpu = i % 7 == 0;
      problem = dense(problem);
      for (int64_t l2 : l2_sizes) {
        check_sound(problem, planned(problem, l2));
        NormProblem gradients = backward(problem);
        gradients.in_place = random.below(4) == 0;
        check_sound(gradients, planned(gradients, l2));
      }
    }
  }

  TEST_CASE("plan: backward of rows that are sets is sound for any width, in place or not") {
    halogen_tests::Random random(2);
    size_t each = 0;
    for (int i = 0; i < 2000; ++i) {
      NormProblem problem = backward(layer(1 + static_cast<int64_t>(random.below(100000)), 0));
      problem.C = 1 + static_cast<int64_t>(random.below(i % 2 ? 70000 : 2000));
      problem.dtype = static_cast<Dtype>(random.below(4));
      problem.in_place = i % 5 == 0;
      problem = dense(problem);
      const NormPlan plan = planned(problem);
      check_sound(problem, plan);
      each += plan.each;
    }
    CHECK(each > 500);
  }

  TEST_CASE("plan: tensors beyond 2^31 elements go in passes or are refused") {
    NormPlan plan;
    for (const NormProblem &problem : {batch(1 << 20, 64, 49), batch(513, 2, 1 << 21), batch(513, 2, 1 << 21, false)}) {
      for (const NormProblem &either : {problem, backward(problem)}) {
        check_sound(either, planned(either));
        CHECK(planned(either).samples < either.N);
      }
    }
    for (const NormProblem &problem :
         {batch(1, 1, int64_t{1} << 31), batch(1, 1 << 16, 1 << 15), batch(2, 1, int64_t{1} << 40)}) {
      for (const NormProblem &either : {problem, backward(problem)}) {
        CHECK_FALSE(norm_plan(either, HALOGEN_NORM_PATH_AUTO, caches, HALOGEN_STORES_AUTO, &plan));
        CHECK((plan.too_large && plan.reason != nullptr));
      }
    }
  }

  TEST_CASE("plan: backward, what exceeds 2^31 elements is summed up in passes before any gradient of the input") {
    for (const NormProblem &large : {batch(1 << 20, 64, 49), batch(513, 2, 1 << 21), batch(1 << 24, 256, 1)}) {
      for (const bool last : {false, true}) {
        for (const bool gpu : {false, true}) {
          NormProblem problem = backward(large);
          problem.channel_last = last;
          problem.gpu = gpu;
          problem = dense(problem);
          check_sound(problem, planned(problem));
          CHECK(planned(problem).path == HALOGEN_NORM_PATH_SPLIT);
          CHECK(planned(problem).samples < problem.N);
        }
      }
    }
    // Samples that are sets are passed over by themselves.
    NormProblem instance = backward(batch(513, 2, 1 << 21));
    instance.scope = HALOGEN_NORM_SCOPE_INSTANCE;
    check_sound(instance, planned(instance));
    CHECK(planned(instance).samples < instance.N);
    const NormProblem rows = backward(layer((1 << 21) + 100, 1025));
    check_sound(rows, planned(rows));
    CHECK((planned(rows).each && planned(rows).samples < rows.N));
  }

  TEST_CASE("plan: channel-last channels of more than 2^31 values go in passes, what is counted wraps nowhere") {
    NormProblem problem = batch(1 << 12, 2, 1 << 20);
    problem.channel_last = true;
    for (const bool gpu : {false, true}) {
      problem.gpu = gpu;
      const NormPlan plan = planned(dense(problem));
      check_sound(problem, plan);
      CHECK(plan.samples < problem.N);
      // Samples have chunks of their own, the same number each.
      const NormBlocks blocks = norm_blocks(problem, plan);
      CHECK(blocks.samples == problem.N);
      CHECK(blocks.down == (problem.S + plan.chunk_r - 1) / plan.chunk_r);
    }
    NormPlan plan;
    CHECK_FALSE(norm_plan(batch(int64_t{1} << 31, 1, 1), HALOGEN_NORM_PATH_AUTO, caches, HALOGEN_STORES_AUTO, &plan));
    CHECK(plan.too_large);
  }

  TEST_CASE(
      "plan: GPUs share a few long rows, take large tensors in passes, and go across channels where rows are short") {
    const auto on_gpu = [](NormProblem problem, bool channel_last) {
      problem.gpu = true;
      problem.channel_last = channel_last;
      return dense(problem);
    };
    for (const bool channel_last : {false, true}) {
      const NormProblem few = on_gpu(batch(1, 2, 1 << 24), channel_last);
      const NormBlocks blocks = norm_blocks(few, planned(few));
      CHECK(blocks.along * blocks.down >= 1024);
      for (const bool own : {false, true}) {
        for (const NormProblem &large : {batch(1 << 20, 64, 49, own), batch(513, 2, 1 << 21, own)}) {
          for (const NormProblem &either : {large, backward(large)}) {
            const NormProblem problem = on_gpu(either, channel_last);
            check_sound(problem, planned(problem));
            CHECK(planned(problem).samples < problem.N);
          }
        }
      }
    }
    for (const bool own : {false, true}) {
      CHECK(norm_across(planned(on_gpu(batch(1024, 512, 1, own), false))));
      CHECK(norm_across(planned(on_gpu(batch(32, 64, 3136, own), true))));
      CHECK_FALSE(norm_across(planned(on_gpu(batch(32, 64, 3136, own), false))));
    }
    // Sums of every value would be more than the tensor.
    NormProblem instance = on_gpu(batch(32, 64, 16), false);
    instance.scope = HALOGEN_NORM_SCOPE_INSTANCE;
    CHECK_FALSE(norm_across(planned(instance)));
  }

  TEST_CASE("plan: the shapes that the paths are made for") {
    CHECK(planned(batch(32, 2048, 16)).path == HALOGEN_NORM_PATH_SLAB);
    CHECK(planned(batch(32, 2048, 49)).path == HALOGEN_NORM_PATH_ROW);
    CHECK(planned(batch(32, 256, 3136)).path == HALOGEN_NORM_PATH_ROW);
    CHECK(planned(batch(32, 64, 12544)).path == HALOGEN_NORM_PATH_ROW);
    CHECK(planned(batch(32, 64, 1 << 16)).path == HALOGEN_NORM_PATH_SPLIT);
    CHECK(planned(batch(32, 2048, 1, false)).path == HALOGEN_NORM_PATH_SLAB);
    CHECK(planned(batch(32, 2048, 49, false)).path == HALOGEN_NORM_PATH_ROW);
    CHECK(planned(batch(32, 64, 12544, false)).path == HALOGEN_NORM_PATH_ROW);
    NormProblem instance = batch(4, 64, 16384);
    instance.scope = HALOGEN_NORM_SCOPE_INSTANCE;
    CHECK(planned(instance).path == HALOGEN_NORM_PATH_ROW);
    instance.S = 1 << 20;  // an eighth of the last-level cache
    instance = dense(instance);
    CHECK(planned(instance).path == HALOGEN_NORM_PATH_ROW);
    ++instance.S;
    instance = dense(instance);
    CHECK(planned(instance).path == HALOGEN_NORM_PATH_SPLIT);
    instance.gpu = true;
    instance.S = 49;
    instance = dense(instance);
    CHECK(planned(instance).path == HALOGEN_NORM_PATH_SPLIT);
    NormProblem last = batch(32, 64, 3136);
    last.channel_last = true;
    CHECK(planned(dense(last)).path == HALOGEN_NORM_PATH_SPLIT);
    last.N = 1;
    last.S = 49;
    CHECK(planned(dense(last)).path == HALOGEN_NORM_PATH_SLAB);
    // Samples that are sets, and an eighth of the last-level cache, are slabs, unless they are too few.
    last.scope = HALOGEN_NORM_SCOPE_INSTANCE;
    last.S = 1 << 14;
    for (const int64_t n : {3, 4}) {
      last.N = n;
      CHECK(planned(dense(last)).path == (n < 4 ? HALOGEN_NORM_PATH_SPLIT : HALOGEN_NORM_PATH_SLAB));
    }
    CHECK(planned(dense(last)).slab == 64);
  }

  TEST_CASE("plan: slabs are cut at cache lines, into long pieces of rows") {
    for (const bool channel_last : {true, false}) {
      CAPTURE(channel_last);
      const auto slab_of = [&](int64_t rows, int64_t channels, Dtype dtype) {
        NormProblem problem = batch(rows, channels, 1);
        problem.channel_last = channel_last;
        problem.dtype = dtype;
        const NormPlan plan = planned(dense(problem), 1 << 20);
        return plan.path == HALOGEN_NORM_PATH_SLAB ? plan.slab : 0;
      };
      CHECK(slab_of(784, 128, Dtype::f32) == 128);
      CHECK(slab_of(784, 167, Dtype::f32) == 167);  // all that fit
      CHECK(slab_of(784, 256, Dtype::f32) == 128);
      CHECK(slab_of(784, 1024, Dtype::f32) == 160);
      CHECK(slab_of(1024, 512, Dtype::f32) == 128);
      CHECK(slab_of(1056, 512, Dtype::f32) == 0);  // 96 channels: pieces shorter than 512 bytes
      CHECK(slab_of(1056, 96, Dtype::f32) == 96);  // whole rows
      CHECK(slab_of(784, 1024, Dtype::f16) == 256);
      CHECK(slab_of(1056, 1024, Dtype::f16) == 0);
    }
  }

  TEST_CASE("plan: a forced path is taken, or refused with a reason") {
    NormPlan plan;
    for (halogen_norm_path path : {HALOGEN_NORM_PATH_ROW, HALOGEN_NORM_PATH_SLAB, HALOGEN_NORM_PATH_SPLIT}) {
      const NormPlan forced = planned(batch(4, 8, 100), 512 << 10, path);
      CHECK(forced.path == path);
      check_sound(batch(4, 8, 100), forced);
    }
    CHECK_FALSE(norm_plan(batch(4, 8, 100, false), HALOGEN_NORM_PATH_SPLIT, caches, HALOGEN_STORES_AUTO, &plan));
    CHECK(plan.reason != nullptr);
    NormProblem group = batch(4, 8, 100);
    group.scope = HALOGEN_NORM_SCOPE_GROUP;
    group.groups = 2;
    check_sound(group, planned(group, 512 << 10, HALOGEN_NORM_PATH_SLAB));
    NormProblem apart = batch(4, 8, 100);
    apart.x.c = 101;
    CHECK_FALSE(norm_plan(apart, HALOGEN_NORM_PATH_SLAB, caches, HALOGEN_STORES_AUTO, &plan));
    CHECK_FALSE(plan.too_large);
    CHECK(plan.reason != nullptr);
    NormProblem last = batch(4, 8, 100);
    last.channel_last = true;
    CHECK_FALSE(norm_plan(dense(last), HALOGEN_NORM_PATH_ROW, caches, HALOGEN_STORES_AUTO, &plan));
  }

  TEST_CASE("plan: streaming stores where they can be, by themselves where they save traffic") {
    const auto stream = [](const NormProblem &problem, halogen_stores stores) {
      NormPlan plan;
      REQUIRE(norm_plan(problem, HALOGEN_NORM_PATH_AUTO, caches, stores, &plan));
      return plan.stream;
    };
    const NormProblem small = batch(4, 64, 784), large = batch(32, 256, 3136);
#if defined(__x86_64__)
    CHECK(stream(large, HALOGEN_STORES_AUTO));
#else
    CHECK_FALSE(stream(large, HALOGEN_STORES_AUTO));
#endif
    CHECK_FALSE(stream(small, HALOGEN_STORES_AUTO));
    CHECK_FALSE(stream(large, HALOGEN_STORES_CACHED));
    CHECK(stream(small, HALOGEN_STORES_STREAMING));
    for (bool NormProblem::*cannot : {&NormProblem::in_place, &NormProblem::gpu}) {
      NormProblem problem = large;
      problem.*cannot = true;
      CHECK_FALSE(stream(problem, HALOGEN_STORES_STREAMING));
    }
    NormProblem ragged = large;
    ragged.whole_lines = false;
    CHECK_FALSE(stream(ragged, HALOGEN_STORES_STREAMING));
    CHECK_FALSE(stream(batch(32, 2048, 16), HALOGEN_STORES_STREAMING));
    // Lanes across channels: of channel-last data that are cut at cache lines, by kernels that do not sum up, too.
    NormProblem last = large;
    last.channel_last = true;
    CHECK(stream(dense(last), HALOGEN_STORES_STREAMING));
    NormProblem fused = batch(1, 64, 49);
    fused.channel_last = true;
    CHECK_FALSE(stream(dense(fused), HALOGEN_STORES_STREAMING));
    fused.own_statistics = false;
    CHECK(stream(dense(fused), HALOGEN_STORES_STREAMING));
    // Slabs of 2040 channels begin within a line.
    NormProblem groups = batch(2, 2400, 3136);
    groups.scope = HALOGEN_NORM_SCOPE_GROUP;
    groups.groups = 80;
    groups.channel_last = true;
    CHECK_FALSE(stream(dense(groups), HALOGEN_STORES_STREAMING));
  }

  TEST_CASE("plan: a lane sums at most 256 values in float32") {
    // With short rows a lane sees one value per row, so it is the rows of a block that are limited.
    for (int64_t s : {1, 2, 3, 5, 7}) {
      const NormPlan plan = planned(batch(5000, 16, s));
      CHECK(plan.slab_block_r <= 256);
    }
  }
}
