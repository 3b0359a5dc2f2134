#include "norm_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "halogen_objects.h"
#include "machine.h"
#include "register.h"
#include "samples.h"
#include "team.h"

namespace halogen_bench {
namespace {

enum class Mode { kInstance, kTrain, kEval };

const char *mode_name(Mode mode) {
  return mode == Mode::kInstance ? "instance" : mode == Mode::kTrain ? "train" : "eval";
}

/// Reads and writes of the tensor that the mode cannot do without, in units of one read and one write: 1 where each
/// value is read once, 1.5 where it must be read twice.
double passes(const Problem &problem, Mode mode) {
  const bool one_read = mode == Mode::kEval || static_cast<size_t>(problem.set_size()) * sizeof(float) <= l2_bytes();
  return one_read ? 1 : 1.5;
}

/// Percent of the bound that is asked for. Rows as short as a cache line or two are held to less.
double goal(const Problem &problem, Mode mode) {
  if (mode == Mode::kEval) return 95;
  const int64_t row = problem.h * problem.w;
  return row <= 49 ? 40 : row <= 196 ? 60 : 90;
}

/// All that one call of halogen_norm_forward needs.
class NormCall {
 public:
  NormCall(const Problem &problem, Mode mode, int threads, const Settings &settings)
      : context_(make_context(threads, settings.isa)),
        x_({problem.n, problem.c, problem.h, problem.w}, -1.0f, 1.0f / 512),
        y_({problem.n, problem.c, problem.h, problem.w}, 0, 0),
        weight_({problem.c}, 0.5f, 1.0f / 1024),
        bias_({problem.c}, -0.5f, 1.0f / 1024),
        mean_({problem.c}, 0, 1.0f / 4096),
        var_({problem.c}, 0.5f, 1.0f / 4096) {
    args_ = {};
    args_.struct_size = sizeof args_;
    args_.scope = problem.per_instance ? HALOGEN_NORM_SCOPE_INSTANCE : HALOGEN_NORM_SCOPE_BATCH;
    args_.input = x_.dl();
    args_.output = y_.dl();
    args_.weight = weight_.dl();
    args_.bias = bias_.dl();
    args_.mean = mode == Mode::kEval ? mean_.dl() : nullptr;
    args_.var = mode == Mode::kEval ? var_.dl() : nullptr;
    args_.running_mean = mode == Mode::kTrain ? mean_.dl() : nullptr;
    args_.running_var = mode == Mode::kTrain ? var_.dl() : nullptr;
    args_.running_weight = 0.1;
    args_.running_var_unbiased = 1;
    args_.eps = 1e-5;
    args_.path = settings.path;
  }

  void operator()() { check(halogen_norm_forward(context_.get(), &args_, &error_), error_); }

  std::string kernels() {
    halogen_kernel_info info = {};
    info.struct_size = sizeof info;
    check(halogen_norm_query(context_.get(), &args_, &info, &error_), error_);
    return info.kernels;
  }

  const OwnedTensor &x() const { return x_; }
  const OwnedTensor &y() const { return y_; }

 private:
  Context context_;
  OwnedTensor x_, y_, weight_, bias_, mean_, var_;
  halogen_norm_args args_;
  halogen_error error_ = HALOGEN_ERROR_INIT;
};

void measure(benchmark::State &state, const Problem &problem, Mode mode, int threads, const Settings &settings) {
  NormCall call(problem, mode, threads, settings);
  Team team(threads);
  const size_t count = call.x().size();
  const auto copy = [&] { halogen_bench_copy(team.get(), call.y().data(), call.x().data(), count, 1.5f); };
  const auto memory_copy = [&] { halogen_bench_memcpy(team.get(), call.y().data(), call.x().data(), count); };

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
  for (auto _ : state) state.SetIterationTime(round());
  constexpr size_t kFewestRounds = 9;  // a median of less says little
  while (kernel_times.count() < kFewestRounds) round();

  const double bytes = 2.0 * static_cast<double>(count) * sizeof(float);
  const double time = kernel_times.median();
  const double bound = copy_times.median() * passes(problem, mode);
  state.counters["threads"] = threads;
  state.counters["rounds"] = static_cast<double>(kernel_times.count());
  state.counters["median_s"] = time;
  state.counters["min_s"] = kernel_times.min();
  state.counters["gb_per_s"] = bytes / time / 1e9;
  state.counters["copy_gb_per_s"] = bytes / copy_times.median() / 1e9;
  state.counters["memcpy_gb_per_s"] = bytes / memcpy_times.median() / 1e9;
  state.counters["copy_percent"] = 100 * copy_times.median() / time;
  state.counters["copy_percent_of_minima"] = 100 * copy_times.min() / kernel_times.min();
  state.counters["passes"] = passes(problem, mode) > 1 ? 2 : 1;
  state.counters["bound_percent"] = 100 * bound / time;
  state.counters["goal_percent"] = goal(problem, mode);
  state.SetLabel(problem.shape() + " " + call.kernels());
}

}  // namespace

void register_norm_benchmarks(const std::vector<Problem> &problems, const Settings &settings) {
  for (const Problem &problem : problems) {
    for (Mode mode : {Mode::kInstance, Mode::kTrain, Mode::kEval}) {
      if ((mode == Mode::kInstance) != problem.per_instance) continue;
      for (int threads : settings.threads) {
        const std::string name = "norm/" + problem.model + "/" + problem.name + "/" + mode_name(mode) +
                                 "/threads:" + std::to_string(threads);
        register_benchmark(name, settings.min_time,
                           [=](benchmark::State &state) { measure(state, problem, mode, threads, settings); });
      }
    }
  }
}

}  // namespace halogen_bench
