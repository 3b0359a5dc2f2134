// register.h: one way to register a benchmark: it times itself, and what it throws is the line's error.
#pragma once

#include <benchmark/benchmark.h>

#include <exception>
#include <string>

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

}  // namespace halogen_bench
