// table_reporter.h: what is printed, and kept as JSON.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "settings.h"

namespace halogen_bench {

/// Prints one line per benchmark, to stdout and, with --out, to bench.txt; write_json() adds bench.json.
class TableReporter : public benchmark::BenchmarkReporter {
 public:
  explicit TableReporter(const Settings &settings);
  ~TableReporter() override;
  TableReporter(const TableReporter &) = delete;
  TableReporter &operator=(const TableReporter &) = delete;

  bool ReportContext(const Context &context) override;
  void ReportRuns(const std::vector<Run> &runs) override;

  /// Writes bench.json, if asked for. @return whether every benchmark ran.
  bool finish();

 private:
  void line(const std::string &text);
  void norm_line(const Run &run);
  void conv_line(const Run &run, const std::string &section);
  void strided_line(const Run &run);
  void dtype_line(const Run &run);
  void stream_line(const Run &run);
  void call_line(const Run &run);
  void summary();

  const Settings &settings_;
  std::FILE *copy_ = nullptr;
  std::string section_;
  bool all_ran_ = true;
  nlohmann::ordered_json json_;
};

}  // namespace halogen_bench
