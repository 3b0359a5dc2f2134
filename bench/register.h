// register.h: one way to register a benchmark: it times itself, and what it throws is the line's error.
#pragma once

#include <benchmark/benchmark.h>

#include <exception>
#include <string>

#include "samples.h"

namespace halogen_bench {

template <typename Body>
void register_benchmark(const std::string &name, double min_time, Body body) {
  const auto guarded = [body](benchmark::State &state) {
    try {
      body(state);
    } catch (const std::exception &failure) {
      state.SkipWithError(failure.what());
    }
  };
  benchmark::RegisterBenchmark(name.c_str(), guarded)->UseManualTime()->MinTime(min_time);
}

/// Measures until the benchmark has had its time, and `times` enough for a median: round() adds one to each of a line's times, and
/// returns the seconds that count.
template <typename Round>
void measure_rounds(benchmark::State &state, const Samples &times, const Round &round) {
  for (auto _ : state) state.SetIterationTime(round());
  constexpr size_t kFewestRounds = 9;  // a median of less says little
  while (times.count() < kFewestRounds) round();
}

}  // namespace halogen_bench
