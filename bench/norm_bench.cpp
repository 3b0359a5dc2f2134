#include "norm_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "norm_call.h"
#include "norm_line.h"
#include "register.h"
#include "samples.h"

namespace halogen_bench {
namespace {

void measure(benchmark::State &state, const NormLine &line, const Settings &settings) {
  NormCall call(line, settings);
  const Team team(line.threads);
  const auto copy = [&] { call.copy(team); };
  const auto memory_copy = [&] { call.memory_copy(team); };

  constexpr double kBlockSeconds = 300e-6;  // long against the clock and the hand-over between the three
  const int repetitions = static_cast<int>(std::clamp(std::ceil(kBlockSeconds / time_block(1, call)), 1.0, 1000.0));
  Samples kernel_times, copy_times, memcpy_times;
  const auto round = [&] {
    halogen_bench_team_wake(team.get());
    copy_times.add(time_block(repetitions, copy));
    halogen_bench_team_sleep(team.get());
    const double seconds = time_block(repetitions, call);
    kernel_times.add(seconds);
    halogen_bench_team_wake(team.get());
    memcpy_times.add(time_block(repetitions, memory_copy));
    halogen_bench_team_sleep(team.get());
    return seconds * repetitions;
  };
  measure_rounds(state, kernel_times, round);

  const double bytes = line.tensors_moved_at_least() * static_cast<double>(call.tensor_bytes());
  const double time = kernel_times.median();
  const double bound = copy_times.median() * line.tensors_moved() / line.tensors_moved_at_least();
  state.counters["threads"] = line.threads;
  state.counters["rounds"] = static_cast<double>(kernel_times.count());
  state.counters["median_s"] = time;
  state.counters["min_s"] = kernel_times.min();
  state.counters["gb_per_s"] = bytes / time / 1e9;
  state.counters["copy_gb_per_s"] = bytes / copy_times.median() / 1e9;
  state.counters["memcpy_gb_per_s"] = bytes / memcpy_times.median() / 1e9;
  state.counters["copy_percent"] = 100 * copy_times.median() / time;
  state.counters["copy_percent_of_minima"] = 100 * copy_times.min() / kernel_times.min();
  state.counters["passes"] = line.reads();
  state.counters["bound_percent"] = 100 * bound / time;
  state.counters["goal_percent"] = line.goal();
  state.SetLabel(line.problem.shape_text() + " " + call.kernels());
}

void register_line(const NormLine &line, const Settings &settings) {
  register_benchmark(line.name(), settings.min_time, [=](benchmark::State &state) { measure(state, line, settings); });
}

}  // namespace

void register_norm_benchmarks(const std::vector<Problem> &problems, const Settings &settings) {
  const bool all = settings.all();
  const std::vector<Dtype> dtypes = all ? std::vector<Dtype>{kF32, kF64, kF16, kBF16} : std::vector<Dtype>{kF32};
  for (const Problem &problem : problems) {
    for (Mode mode : {Mode::kOwn, Mode::kGiven, Mode::kBackward}) {
      if (mode == Mode::kGiven && problem.scope != HALOGEN_NORM_SCOPE_BATCH) continue;
      if (mode == Mode::kBackward && !all) continue;
      for (const Dtype &dtype : dtypes) {
        for (bool channel_last : {false, true}) {
          if (channel_last && (!all || problem.row() == 1)) continue;
          for (int threads : settings.threads) {
            register_line({problem, mode, dtype, channel_last, threads}, settings);
          }
        }
      }
    }
  }
}

}  // namespace halogen_bench
