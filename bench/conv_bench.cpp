#include "conv_bench.h"

#include <benchmark/benchmark.h>
#include <halogen/conv.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "halogen_objects.h"
#include "register.h"
#include "samples.h"
#include "team.h"
#include "tensors.h"

namespace halogen_bench {
namespace {

/// Percent of the bound that is asked for.
double goal(const ConvProblem &p) {
  if (p.length <= 8) return 50;
  if (p.c_in / p.groups >= 64 && p.c_out / p.groups >= 64) return 85;
  return p.c_out / p.groups == 32 ? 70 : 60;
}

/// All that one call needs.
class ConvCall {
 public:
  ConvCall(const ConvProblem &p, int threads, const Settings &settings)
      : context_(make_context(threads, settings.isa)),
        x_({p.n, p.c_in, p.length}, -1.0f, 1.0f / 512),
        y_({p.n, p.c_out, p.out_length()}, 0, 0),
        weight_({p.c_in, p.c_out / p.groups, p.kernel}, -0.5f, 1.0f / 1024),
        bias_({p.c_out}, -0.5f, 1.0f / 1024) {
    args_ = HALOGEN_CONV_TRANSPOSE1D_ARGS_INIT;
    args_.input = x_.dl();
    args_.output = y_.dl();
    args_.bias = bias_.dl();
    args_.stride = p.stride;
    args_.dilation = 1;
    args_.groups = p.groups;
    args_.pad_left = p.pad_left;
    args_.pad_right = p.pad_right;
    args_.path = settings.conv_path;
    halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
    params.weight = weight_.dl();
    params.stride = p.stride;
    params.dilation = 1;
    params.groups = p.groups;
    halogen_conv_weights *packed = nullptr;
    check(halogen_conv_transpose1d_weights_create(context_.get(), &params, nullptr, 0, &packed, &error_), error_);
    packed_.reset(packed);
  }

  void operator()() {
    args_.weight = nullptr;
    args_.packed = packed_.get();
    check(halogen_conv_transpose1d_forward(context_.get(), &args_, &error_), error_);
  }

  /// Packs, too.
  void one_shot() {
    args_.weight = weight_.dl();
    args_.packed = nullptr;
    check(halogen_conv_transpose1d_forward(context_.get(), &args_, &error_), error_);
  }

  std::string kernels() {
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    args_.weight = nullptr;
    args_.packed = packed_.get();
    check(halogen_conv_transpose1d_query(context_.get(), &args_, &info, &error_), error_);
    return std::string(info.kernels) + " (" + info.reason + ")";
  }

 private:
  struct DestroyWeights {
    void operator()(halogen_conv_weights *weights) const { halogen_conv_transpose1d_weights_destroy(weights); }
  };
  Context context_;
  OwnedTensor x_, y_, weight_, bias_;
  std::unique_ptr<halogen_conv_weights, DestroyWeights> packed_;
  halogen_conv_transpose1d_args args_;
  halogen_error error_ = HALOGEN_ERROR_INIT;
};

void measure(benchmark::State &state, const ConvProblem &problem, int threads, const Settings &settings) {
  ConvCall call(problem, threads, settings);
  Team team(threads);
  // As many bytes as the call must move, half of them read and half written; and the weights alone.
  const auto count = static_cast<int64_t>(problem.bytes() / 8), weights = static_cast<int64_t>(problem.weights());
  const OwnedTensor from({std::max(count, weights)}, -1.0f, 1.0f / 512), to({std::max(count, weights)}, 0, 0);
  constexpr size_t kFmaSteps = 20000;
  double fma_flops = 0;
  const auto fma = [&] { fma_flops = halogen_bench_fma(team.get(), kFmaSteps); };
  const auto copy_of = [&](int64_t elements) {
    return
        [&, elements] { halogen_bench_copy(team.get(), to.data(), from.data(), static_cast<size_t>(elements), 1.5f); };
  };

  constexpr double kBlockSeconds = 300e-6;  // long against the clock and the hand-over between them
  const auto repeated = [&](double seconds) {
    return static_cast<int>(std::clamp(std::ceil(kBlockSeconds / seconds), 1.0, 1000.0));
  };
  const int repetitions = repeated(time_block(1, call));
  Samples times, one_shot_times, fma_times, copy_times, weight_times;
  const auto round = [&] {
    halogen_bench_team_wake(team.get());
    fma_times.add(time_block(1, fma));
    copy_times.add(time_block(repetitions, copy_of(count)));
    weight_times.add(time_block(repetitions, copy_of(weights)));
    halogen_bench_team_sleep(team.get());
    const double seconds = time_block(repetitions, call);
    times.add(seconds);
    one_shot_times.add(time_block(std::max(1, repetitions / 4), [&] { call.one_shot(); }));
    return seconds * repetitions;
  };
  measure_rounds(state, times, round);

  const double time = times.median(), peak = fma_flops / fma_times.median();
  const double bound = std::max(problem.flops() / peak, copy_times.median());
  state.counters["threads"] = threads;
  state.counters["rounds"] = static_cast<double>(times.count());
  state.counters["median_s"] = time;
  state.counters["min_s"] = times.min();
  state.counters["gflop_per_s"] = problem.flops() / time / 1e9;
  state.counters["peak_gflop_per_s"] = peak / 1e9;
  state.counters["copy_gb_per_s"] = problem.bytes() / copy_times.median() / 1e9;
  state.counters["peak_percent"] = 100 * problem.flops() / time / peak;
  state.counters["bound_percent"] = 100 * bound / time;
  state.counters["goal_percent"] = goal(problem);
  state.counters["one_shot_s"] = one_shot_times.median();
  state.counters["packing_copies"] = (one_shot_times.median() - time) / weight_times.median();
  state.SetLabel(problem.shape() + " " + call.kernels());
}

}  // namespace

void register_conv_benchmarks(const std::vector<ConvProblem> &problems, const Settings &settings) {
  for (const ConvProblem &problem : problems) {
    for (int threads : settings.threads) {
      const std::string name =
          "conv_transpose1d/" + problem.model + "/" + problem.name + "/threads:" + std::to_string(threads);
      register_benchmark(name, settings.min_time,
                         [=](benchmark::State &state) { measure(state, problem, threads, settings); });
    }
  }
}

}  // namespace halogen_bench
