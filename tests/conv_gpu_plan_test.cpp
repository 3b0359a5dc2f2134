// runtime/conv_gpu.h and conv_gpu_gradient.h: which outputs the launches write, how sums are cut, and what is refused.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "conv_gpu.h"
#include "conv_gpu_gradient.h"
#include "support/random.h"

using namespace halogen;
using halogen_tests::Random;

namespace {

ConvProblem dense(const ConvWeightShape &shape, int64_t N, int64_t L, int64_t pad_left, int64_t pad_right) {
  ConvProblem p = {};
  p.shape = shape;
  p.N = N;
  p.L = L;
  p.L_out = (L - 1) * shape.stride + shape.dilation * (shape.K - 1) + 1 - pad_left - pad_right;
  p.pad_left = pad_left;
  p.input = {shape.C_in * p.L, p.L, 1};
  p.output = {shape.C_out * p.L_out, p.L_out, 1};
  return p;
}

ConvWeights dense_weights(const ConvWeightShape &s) { return {{}, s.group_out() * s.K, s.K, 1}; }

ConvGradientProblem gradient_of(const ConvProblem &p) {
  return {p.shape, p.N, p.L, p.L_out, p.pad_left, p.input, p.output, p.output, p.input, true, true, true};
}

bool plan_gradients(const ConvGradientProblem &p, ConvGpuGradientPlan *plan) {
  ConvGradientTensors tensors = {};
  tensors.weight = tensors.grad_weight = dense_weights(p.shape);
  return conv_gpu_gradient_plan(p, tensors, plan);
}

void check_covers(const ConvGpuParts &parts, int64_t N, int64_t L) {
  CHECK(parts.strip % 16 == 0);
  CHECK((parts.strips - 1) * parts.strip < L);
  CHECK(parts.strips * parts.strip >= L);
  CHECK((parts.groups - 1) * parts.samples < N);
  CHECK(parts.groups * parts.samples >= N);
}

}  // namespace

TEST_SUITE("conv_gpu_plan") {
  TEST_CASE("conv gpu plan: every output is written once, with all of its taps") {
    Random random(1);
    const auto up_to = [&](size_t most) { return 1 + static_cast<int64_t>(random.below(most)); };
    for (int i = 0; i < 2000; ++i) {
      const ConvWeightShape w = {2, up_to(20), up_to(30), up_to(20), up_to(8), 1, Dtype::f32};
      const int64_t crop = static_cast<int64_t>(random.below(30)) - 15;
      const ConvProblem p = dense(w, 1, up_to(12), crop, static_cast<int64_t>(random.below(20)) - 10);
      if (p.L_out < 1) continue;
      ConvGpuPlan plan;
      REQUIRE(conv_gpu_plan(p, dense_weights(w), HALOGEN_CONV_PATH_AUTO, &plan));
      const ConvPhases phases = conv_phases(w);
      std::vector<int> written(static_cast<size_t>(p.L_out)), taps(written), expected(written);
      for (int32_t c = 0; c < plan.count; ++c) {
        const ConvGpuClass &k = plan.classes[c];
        CHECK(k.direct == (k.count * w.C_out <= 16));
        for (int64_t u = k.first; u < k.first + k.positions; ++u) {
          for (int64_t phase = k.first_phase; phase < k.first_phase + k.count; ++phase) {
            const int64_t t = u * w.stride + phase % phases.phases * w.dilation + phase / phases.phases - p.pad_left;
            if (t < 0 || t >= p.L_out) continue;
            ++written[static_cast<size_t>(t)];
            for (int64_t j = 0; j < k.taps; ++j) {
              const int64_t l = u - j * phases.spacing;
              taps[static_cast<size_t>(t)] += l >= 0 && l < p.L;
            }
          }
        }
      }
      for (int64_t l = 0; l < p.L; ++l) {
        for (int64_t k = 0; k < w.K; ++k) {
          const int64_t t = l * w.stride + k * w.dilation - p.pad_left;
          if (t >= 0 && t < p.L_out) ++expected[static_cast<size_t>(t)];
        }
      }
      CHECK(written == std::vector<int>(written.size(), 1));
      CHECK(taps == expected);
    }
  }

  TEST_CASE("conv gpu plan: samples beyond what kernels count go in parts, larger ones are refused") {
    const ConvWeightShape w = {1024, 512, 4, 2, 1, 1, Dtype::f16};
    ConvGpuPlan plan;
    REQUIRE(conv_gpu_plan(dense(w, 5000, 8192, 1, 1), dense_weights(w), HALOGEN_CONV_PATH_AUTO, &plan));
    CHECK(plan.samples == 255);
    const ConvProblem fits = dense(w, 3, 1 << 20, 1, 1);
    REQUIRE(conv_gpu_plan(fits, dense_weights(w), HALOGEN_CONV_PATH_AUTO, &plan));
    CHECK(plan.samples == 1);
    CHECK_FALSE(conv_gpu_plan(dense(w, 1, 1 << 22, 1, 1), dense_weights(w), HALOGEN_CONV_PATH_AUTO, &plan));
    CHECK(std::string(plan.reason).find("2^31 elements") != std::string::npos);
    const ConvWeightShape small = {1, 1, 4, 1 << 24, 1, 1, Dtype::f32};
    CHECK_FALSE(conv_gpu_plan(dense(small, 1, 2, 0, 0), dense_weights(small), HALOGEN_CONV_PATH_AUTO, &plan));
    CHECK(std::string(plan.reason).find("2^29") != std::string::npos);
  }

  TEST_CASE("conv gpu plan: gradients' sums are cut into parts that cover all terms") {
    Random random(2);
    for (int i = 0; i < 500; ++i) {
      const auto up_to = [&](size_t most) { return 1 + static_cast<int64_t>(random.below(most)); };
      const ConvWeightShape w = {up_to(300), up_to(300), up_to(20), up_to(10), 1, 1, Dtype::f32};
      const ConvProblem p = dense(w, up_to(20), up_to(i % 4 == 0 ? 100000 : 100), 0, 0);
      ConvGpuGradientPlan plan;
      if (!plan_gradients(gradient_of(p), &plan)) continue;
      check_covers(plan.weight, p.N, p.L);
      check_covers(plan.bias, p.N, p.L_out);
      CHECK(plan.weight.count() * plan.weight.elements <= (int64_t{1} << 25));
    }
  }

  TEST_CASE("conv gpu plan: gradients of what kernels cannot count are refused") {
    const ConvWeightShape w = {1024, 512, 4, 2, 1, 1, Dtype::f16};
    ConvGpuGradientPlan plan;
    CHECK(plan_gradients(gradient_of(dense(w, 1, 1 << 20, 1, 1)), &plan));
    CHECK_FALSE(plan_gradients(gradient_of(dense(w, 4, 1 << 20, 1, 1)), &plan));
    CHECK(std::string(plan.reason).find("2^31 elements") != std::string::npos);
    const ConvWeightShape wide = {1, 1, 1, 1 << 20, 1, 1, Dtype::f32};
    CHECK_FALSE(plan_gradients(gradient_of(dense(wide, 1, 1 << 12, int64_t{1} << 28, int64_t{1} << 31)), &plan));
    CHECK(std::string(plan.reason).find("2^29") != std::string::npos);
  }
}
