#include "conv_backward_bench.h"

#include <benchmark/benchmark.h>
#include <halogen/conv.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "conv_call.h"
#include "halogen_objects.h"
#include "register.h"
#include "samples.h"
#include "team.h"
#include "tensors.h"

namespace halogen_bench {
namespace {

struct Wanted {
  const char *name;
  bool input, weight, bias;

  int products() const { return input + weight; }
};
constexpr Wanted kWanted[] = {{"input", true, false, false}, {"weight", false, true, false}, {"all", true, true, true}};

/// All that one call needs.
class BackwardCall {
 public:
  BackwardCall(const ConvProblem &p, const Wanted &wanted, int threads, const Settings &settings)
      : context_(make_context(threads, settings.isa)),
        x_({p.n, p.c_in, p.length}, -1.0f, 1.0f / 512),
        grad_output_({p.n, p.c_out, p.out_length()}, -1.0f, 1.0f / 512),
        weight_({p.c_in, p.c_out / p.groups, p.kernel}, -0.5f, 1.0f / 1024),
        grad_x_({p.n, p.c_in, p.length}, 0, 0),
        grad_weight_({p.c_in, p.c_out / p.groups, p.kernel}, 0, 0),
        grad_bias_({p.c_out}, 0, 0) {
    args_.input = x_.dl();
    args_.grad_output = grad_output_.dl();
    args_.weight = weight_.dl();
    if (wanted.input) args_.grad_input = grad_x_.dl();
    if (wanted.weight) args_.grad_weight = grad_weight_.dl();
    if (wanted.bias) args_.grad_bias = grad_bias_.dl();
    set_numbers(p, settings, &args_);
  }

  void operator()() { check(halogen_conv_transpose1d_backward(context_.get(), &args_, &error_), error_); }

  std::string kernels() {
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    check(halogen_conv_transpose1d_backward_query(context_.get(), &args_, &info, &error_), error_);
    return std::string(info.kernels) + " (" + info.reason + ")";
  }

 private:
  Context context_;
  OwnedTensor x_, grad_output_, weight_, grad_x_, grad_weight_, grad_bias_;
  halogen_conv_transpose1d_backward_args args_ = HALOGEN_CONV_TRANSPOSE1D_BACKWARD_ARGS_INIT;
  halogen_error error_ = HALOGEN_ERROR_INIT;
};

void measure(benchmark::State &state, const ConvProblem &problem, const Wanted &wanted, int threads,
             const Settings &settings) {
  BackwardCall call(problem, wanted, threads, settings);
  Team team(threads);
  // What a product reads and writes is what the forward pass does; half is read and half is written.
  const double flops = problem.flops() * wanted.products(), bytes = problem.bytes() * wanted.products();
  const auto count = static_cast<int64_t>(bytes / 8);
  const OwnedTensor from({count}, -1.0f, 1.0f / 512), to({count}, 0, 0);
  constexpr size_t kFmaSteps = 20000;
  double fma_flops = 0;
  const auto fma = [&] { fma_flops = halogen_bench_fma(team.get(), kFmaSteps); };
  const auto copy = [&] { halogen_bench_copy(team.get(), to.data(), from.data(), static_cast<size_t>(count), 1.5f); };
  constexpr double kBlockSeconds = 300e-6;  // long against the clock and the hand-over between them
  const int repetitions = static_cast<int>(std::clamp(std::ceil(kBlockSeconds / time_block(1, call)), 1.0, 1000.0));
  Samples times, fma_times, copy_times;
  const auto round = [&] {
    halogen_bench_team_wake(team.get());
    fma_times.add(time_block(1, fma));
    copy_times.add(time_block(repetitions, copy));
    halogen_bench_team_sleep(team.get());
    const double seconds = time_block(repetitions, call);
    times.add(seconds);
    return seconds * repetitions;
  };
  measure_rounds(state, times, round);

  const double time = times.median(), peak = fma_flops / fma_times.median();
  state.counters["threads"] = threads;
  state.counters["rounds"] = static_cast<double>(times.count());
  state.counters["median_s"] = time;
  state.counters["min_s"] = times.min();
  state.counters["gflop_per_s"] = flops / time / 1e9;
  state.counters["peak_gflop_per_s"] = peak / 1e9;
  state.counters["copy_gb_per_s"] = bytes / copy_times.median() / 1e9;
  state.counters["peak_percent"] = 100 * flops / time / peak;
  state.counters["bound_percent"] = 100 * std::max(flops / peak, copy_times.median()) / time;
  state.counters["goal_percent"] =
      problem.c_in / problem.groups >= 64 && problem.c_out / problem.groups >= 64 ? 80 : 60;
  state.SetLabel(problem.shape() + " " + call.kernels());
}

}  // namespace

void register_conv_backward_benchmarks(const std::vector<ConvProblem> &problems, const Settings &settings) {
  for (const ConvProblem &problem : problems) {
    for (const Wanted &wanted : kWanted) {
      for (int threads : settings.threads) {
        const std::string name = "conv_transpose1d_backward/" + problem.model + "/" + problem.name + "/" + wanted.name +
                                 "/threads:" + std::to_string(threads);
        register_benchmark(name, settings.min_time,
                           [=](benchmark::State &state) { measure(state, problem, wanted, threads, settings); });
      }
    }
  }
}

}  // namespace halogen_bench
