#include "conv_stream_bench.h"

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

/// A stream in the middle of a signal: every push gives as many outputs.
class Stream {
 public:
  Stream(const ConvProblem &p, int threads, const Settings &settings)
      : context_(make_context(threads, settings.isa)),
        x_({p.n, p.c_in, p.length}, -1.0, 1.0 / 512),
        y_({p.n, p.c_out, p.length * p.stride}, 0, 0),
        weight_({p.c_in, p.c_out / p.groups, p.kernel}, -0.5, 1.0 / 1024),
        bias_({p.c_out}, -0.5, 1.0 / 1024) {
    halogen_conv_weights_params packing = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
    packing.weight = weight_.dl();
    packing.stride = p.stride;
    packing.dilation = 1;
    packing.groups = p.groups;
    check(halogen_conv_transpose1d_weights_size(context_.get(), &packing, &packed_bytes_, &error_), error_);
    halogen_conv_weights *packed = nullptr;
    check(halogen_conv_transpose1d_weights_create(context_.get(), &packing, nullptr, 0, &packed, &error_), error_);
    packed_.reset(packed);
    halogen_conv_stream_params params = HALOGEN_CONV_STREAM_PARAMS_INIT;
    params.packed = packed;
    params.bias = bias_.dl();
    params.samples = p.n;
    params.pad_left = p.pad_left;
    params.pad_right = p.pad_right;
    halogen_conv_stream *stream = nullptr;
    check(halogen_conv_transpose1d_stream_create(context_.get(), &params, &stream, &error_), error_);
    stream_.reset(stream);
    pass_beginning(p);
  }

  void operator()() { check(halogen_conv_transpose1d_stream_push(stream_.get(), x_.dl(), y_.dl(), &error_), error_); }

  size_t packed_bytes() const { return packed_bytes_; }

 private:
  struct DestroyStream {
    void operator()(halogen_conv_stream *stream) const { halogen_conv_transpose1d_stream_destroy(stream); }
  };

  /// Until the crop at the start is behind.
  void pass_beginning(const ConvProblem &p) {
    for (int64_t length = -1; length != p.length * p.stride;) {
      check(halogen_conv_transpose1d_stream_output_length(stream_.get(), p.length, &length, &error_), error_);
      if (length == p.length * p.stride) break;
      const OwnedTensor shorter({p.n, p.c_out, length}, 0, 0);
      check(halogen_conv_transpose1d_stream_push(stream_.get(), x_.dl(), length > 0 ? shorter.dl() : nullptr, &error_),
            error_);
    }
  }

  Context context_;
  OwnedTensor x_, y_, weight_, bias_;
  size_t packed_bytes_ = 0;
  PackedWeights packed_;
  std::unique_ptr<halogen_conv_stream, DestroyStream> stream_;
  halogen_error error_ = HALOGEN_ERROR_INIT;
};

void measure(benchmark::State &state, const ConvProblem &problem, int threads, const Settings &settings) {
  constexpr double kBlockSeconds = 300e-6;
  Stream stream(problem, threads, settings);
  ConvCall call(problem, kF32, threads, settings);
  Team team(threads);
  const size_t packed = stream.packed_bytes() / sizeof(float);
  const OwnedTensor weights({static_cast<int64_t>(packed)}, -1.0f, 1.0f / 512);
  const int repetitions = static_cast<int>(std::clamp(std::ceil(kBlockSeconds / time_block(1, stream)), 1.0, 1000.0));
  Samples times, call_times, read_times;
  measure_rounds(state, times, [&] {
    halogen_bench_team_wake(team.get());
    read_times.add(time_block(repetitions, [&] { halogen_bench_read(team.get(), weights.data(), packed); }));
    halogen_bench_team_sleep(team.get());
    call_times.add(time_block(repetitions, call));
    const double seconds = time_block(repetitions, stream);
    times.add(seconds);
    return seconds * repetitions;
  });
  state.counters["threads"] = threads;
  state.counters["rounds"] = static_cast<double>(times.count());
  state.counters["median_s"] = times.median();
  state.counters["min_s"] = times.min();
  state.counters["call_s"] = call_times.median();
  state.counters["times_call"] = times.median() / call_times.median();
  state.counters["read_percent"] = 100 * read_times.median() / times.median();
  state.SetLabel(problem.shape());
}

}  // namespace

void register_conv_stream_benchmarks(const std::vector<ConvProblem> &problems, const Settings &settings) {
  for (const ConvProblem &problem : problems) {
    if (problem.length > 8) continue;
    for (int threads : settings.threads) {
      register_benchmark("conv_stream/" + problem.model + "/" + problem.name + "/threads:" + std::to_string(threads),
                         settings.min_time,
                         [=](benchmark::State &state) { measure(state, problem, threads, settings); });
    }
  }
}

}  // namespace halogen_bench
