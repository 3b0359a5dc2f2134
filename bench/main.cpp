// halogen_bench: see settings.cpp for its options, shapes/ for what is measured.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <stdexcept>

#include "call_bench.h"
#include "conv_backward_bench.h"
#include "conv_bench.h"
#include "conv_stream_bench.h"
#include "norm_bench.h"
#include "problem.h"
#include "settings.h"
#include "strided_bench.h"
#include "table_reporter.h"

using namespace halogen_bench;

int main(int argc, char **argv) {
  try {
    const Settings settings = parse_settings(argc, argv);
    if (settings.help) {
      std::fputs(settings_help(), stdout);
      return 0;
    }
    // Large blocks come from the system anew each time, as a program's first ones do: otherwise first calls would find touched pages.
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    const std::vector<Problem> problems = read_problems(HALOGEN_BENCH_SHAPES);
    register_norm_benchmarks(problems, settings);
    register_strided_benchmarks(problems, settings);
    const std::vector<ConvProblem> convolutions = read_conv_problems(HALOGEN_BENCH_SHAPES "/conv_transpose1d");
    register_conv_benchmarks(convolutions, settings);
    register_conv_stream_benchmarks(convolutions, settings);
    register_conv_backward_benchmarks(convolutions, settings);
    register_call_benchmarks(settings);
    TableReporter reporter(settings);
    const std::string filter = settings.filter.empty() ? "." : settings.filter;
    if (benchmark::RunSpecifiedBenchmarks(&reporter, filter) == 0) {
      throw std::runtime_error("no line matches " + settings.filter);
    }
    return reporter.finish() ? 0 : 1;
  } catch (const std::exception &problem) {
    std::fprintf(stderr, "halogen_bench: %s\n", problem.what());
    return 2;
  }
}
