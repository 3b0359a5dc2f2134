#include "conv_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "conv_call.h"
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

/// Calls that are long against the clock and the hand-over between what is measured in turns.
int repetitions_of(ConvCall &call) {
  constexpr double kBlockSeconds = 300e-6;
  return static_cast<int>(std::clamp(std::ceil(kBlockSeconds / time_block(1, call)), 1.0, 1000.0));
}

void measure(benchmark::State &state, const ConvProblem &problem, int threads, const Settings &settings) {
  ConvCall call(problem, kF32, threads, settings);
  Team team(threads);
  // As many bytes as the call must move, half of them read and half written; and the weights alone, copied, and read as they are packed.
  const auto count = static_cast<int64_t>(problem.bytes() / 8), weights = static_cast<int64_t>(problem.weights());
  const auto packed = static_cast<int64_t>(call.packed_bytes() / sizeof(float));
  const int64_t most = std::max({count, weights, packed});
  const OwnedTensor from({most}, -1.0f, 1.0f / 512), to({most}, 0, 0);
  constexpr size_t kFmaSteps = 20000;
  double fma_flops = 0;
  const auto fma = [&] { fma_flops = halogen_bench_fma(team.get(), kFmaSteps); };
  const auto copy_of = [&](int64_t elements) {
    return
        [&, elements] { halogen_bench_copy(team.get(), to.data(), from.data(), static_cast<size_t>(elements), 1.5f); };
  };

  const int repetitions = repetitions_of(call);
  const auto read = [&] { halogen_bench_read(team.get(), from.data(), static_cast<size_t>(packed)); };
  Samples times, one_shot_times, first_times, fma_times, copy_times, weight_times, read_times;
  const auto round = [&] {
    halogen_bench_team_wake(team.get());
    fma_times.add(time_block(1, fma));
    copy_times.add(time_block(repetitions, copy_of(count)));
    weight_times.add(time_block(repetitions, copy_of(weights)));
    read_times.add(time_block(repetitions, read));
    halogen_bench_team_sleep(team.get());
    first_times.add(call.first());
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
  state.counters["first_s"] = first_times.median();
  state.counters["first_copies"] = (first_times.median() - time) / weight_times.median();
  state.counters["read_percent"] = 100 * read_times.median() / time;
  state.counters["idle_lanes_percent"] = call.idle_lanes(problem);
  state.counters["packing_copies"] = (one_shot_times.median() - time) / weight_times.median();
  state.SetLabel(problem.shape() + " " + call.kernels());
}

/// 16-bit data beside float32.
void measure_dtype(benchmark::State &state, const ConvProblem &problem, const Dtype &dtype, int threads,
                   const Settings &settings) {
  ConvCall call(problem, dtype, threads, settings), single(problem, kF32, threads, settings);
  const int repetitions = repetitions_of(call);
  Samples times, single_times;
  measure_rounds(state, times, [&] {
    single_times.add(time_block(repetitions, single));
    const double seconds = time_block(repetitions, call);
    times.add(seconds);
    return seconds * repetitions;
  });
  state.counters["threads"] = threads;
  state.counters["rounds"] = static_cast<double>(times.count());
  state.counters["median_s"] = times.median();
  state.counters["min_s"] = times.min();
  state.counters["f32_s"] = single_times.median();
  state.counters["times_f32"] = single_times.median() / times.median();
  state.counters["times_f32_of_minima"] = single_times.min() / times.min();
  state.SetLabel(problem.shape() + " " + call.kernels());
}

}  // namespace

void register_conv_benchmarks(const std::vector<ConvProblem> &problems, const Settings &settings) {
  for (const ConvProblem &problem : problems) {
    for (int threads : settings.threads) {
      const std::string line = problem.model + "/" + problem.name, at = "/threads:" + std::to_string(threads);
      register_benchmark("conv_transpose1d/" + line + at, settings.min_time,
                         [=](benchmark::State &state) { measure(state, problem, threads, settings); });
      if (!settings.all()) continue;
      for (const Dtype &dtype : {kF16, kBF16}) {
        register_benchmark("conv_dtype/" + line + "/" + dtype.name + at, settings.min_time,
                           [=](benchmark::State &state) { measure_dtype(state, problem, dtype, threads, settings); });
      }
    }
  }
}

}  // namespace halogen_bench
