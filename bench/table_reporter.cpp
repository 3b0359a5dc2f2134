#include "table_reporter.h"

#include <halogen/core.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "halogen_objects.h"
#include "machine.h"
#include "summary.h"

namespace halogen_bench {
namespace {

template <typename... Values>
std::string print(const char *pattern, Values... values) {
  char text[512];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string version() {
  const unsigned number = halogen_version();
  return print("%u.%u.%u", number / 1000000, number / 1000 % 1000, number % 1000);
}

std::string isa_name(const Settings &settings) {
  const char *name = "";
  halogen_error error = HALOGEN_ERROR_INIT;
  check(halogen_context_isa(make_context(1, settings.isa).get(), nullptr, &name, &error), error);
  return name;
}

}  // namespace

TableReporter::TableReporter(const Settings &settings) : settings_(settings) {
  if (settings.out.empty()) return;
  std::filesystem::create_directories(settings.out);
  const std::string path = settings.out + "/bench.txt";
  copy_ = std::fopen(path.c_str(), "w");
  if (copy_ == nullptr) throw std::runtime_error(path + ": " + std::strerror(errno));
}

TableReporter::~TableReporter() {
  if (copy_ != nullptr) std::fclose(copy_);
}

void TableReporter::line(const std::string &text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
  if (copy_ != nullptr) std::fprintf(copy_, "%s\n", text.c_str());
}

bool TableReporter::ReportContext(const Context &context) {
  const std::string date = utc_now();
  json_["halogen"] = version();
  json_["date"] = date;
  json_["cpu"] = cpu_model();
  json_["cpus"] = context.cpu_info.num_cpus;
  json_["l2_bytes"] = l2_bytes();
  json_["load_before"] = context.cpu_info.load_avg;
  json_["isa"] = isa_name(settings_);
  json_["results"] = nlohmann::ordered_json::array();
  line("Halogen " + version() + ", kernels " + isa_name(settings_) + "; " + cpu_model() + ", " +
       print("%d CPUs, L2 %zu KiB; ", context.cpu_info.num_cpus, l2_bytes() / 1024) + date);
  const auto &load = context.cpu_info.load_avg;
  if (!load.empty() && load.front() > 0.5) {
    line(print("The load average is %.1f: with other programs running, figures are off, those of several threads most.",
               load.front()));
  }
  return true;
}

void TableReporter::ReportRuns(const std::vector<Run> &runs) {
  for (const Run &run : runs) {
    const std::string name = run.run_name.function_name;
    if (run.error_occurred) {
      all_ran_ = false;
      line(name + ": " + run.error_message);
      json_["results"].push_back({{"name", name}, {"error", run.error_message}});
      continue;
    }
    nlohmann::ordered_json result = {{"name", name}, {"label", run.report_label}};
    add_name_parts(name, result);
    for (const auto &[key, counter] : run.counters) result[key] = counter.value;
    json_["results"].push_back(result);
    const std::string section = name.substr(0, name.find('/'));
    section == "norm"          ? norm_line(run)
    : section == "strided"     ? strided_line(run)
    : section == "call"        ? call_line(run)
    : section == "conv_dtype"  ? dtype_line(run)
    : section == "conv_stream" ? stream_line(run)
                               : conv_line(run, section);
  }
}

void TableReporter::norm_line(const Run &run) {
  if (section_ != "norm") {
    section_ = "norm";
    line("");
    line(print("%-62s %8s %8s %6s %6s %6s %6s %6s %6s %7s %5s  %s", "line", "median", "min", "GB/s", "copy", "memcpy",
               "%copy", "(min)", "passes", "%bound", "goal", "shape, kernels"));
  }
  const auto value = [&run](const char *key) { return run.counters.at(key).value; };
  line(print("%-62s %6.0fus %6.0fus %6.1f %6.1f %6.1f %6.1f %6.1f %6.0f %7.1f %5.0f%c ",
             run.run_name.function_name.c_str(), value("median_s") * 1e6, value("min_s") * 1e6, value("gb_per_s"),
             value("copy_gb_per_s"), value("memcpy_gb_per_s"), value("copy_percent"), value("copy_percent_of_minima"),
             value("passes"), value("bound_percent"), value("goal_percent"),
             value("bound_percent") >= value("goal_percent") ? ' ' : '*') +
       run.report_label);
}

void TableReporter::conv_line(const Run &run, const std::string &section) {
  const bool packs = run.counters.count("one_shot_s") != 0;
  if (section_ != section) {
    section_ = section;
    line("");
    line(print("%-62s %8s %8s %7s %7s %6s %7s %5s %*s  %s", "line", "median", "min", "GFLOP/s", "peak", "%peak",
               "%bound", "goal", packs ? 39 : 0, packs ? "%read idle  one-shot packing  first" : "", "shape, kernels"));
  }
  const auto value = [&run](const char *key) { return run.counters.at(key).value; };
  line(print("%-62s %6.0fus %6.0fus %7.1f %7.1f %6.1f %7.1f %5.0f%c ", run.run_name.function_name.c_str(),
             value("median_s") * 1e6, value("min_s") * 1e6, value("gflop_per_s"), value("peak_gflop_per_s"),
             value("peak_percent"), value("bound_percent"), value("goal_percent"),
             value("bound_percent") >= value("goal_percent") ? ' ' : '*') +
       (packs ? print("%6.1f %4.1f  %6.0fus %6.1fx %5.1fx  ", value("read_percent"), value("idle_lanes_percent"),
                      value("one_shot_s") * 1e6, value("packing_copies"), value("first_copies"))
              : " ") +
       run.report_label);
}

void TableReporter::strided_line(const Run &run) {
  if (section_ != "strided") {
    section_ = "strided";
    line("");
    line(print("%-62s %8s %8s %8s %8s %7s %5s  %s", "line", "median", "min", "dense", "gather", "%", "goal",
               "shape, kernels"));
  }
  constexpr double kGoal = 50;
  const auto value = [&run](const char *key) { return run.counters.at(key).value; };
  line(print("%-62s %6.0fus %6.0fus %6.0fus %6.0fus %7.1f %5.0f%c ", run.run_name.function_name.c_str(),
             value("median_s") * 1e6, value("min_s") * 1e6, value("dense_s") * 1e6, value("gather_s") * 1e6,
             value("percent"), kGoal, value("percent") >= kGoal ? ' ' : '*') +
       run.report_label);
}

void TableReporter::dtype_line(const Run &run) {
  if (section_ != "conv_dtype") {
    section_ = "conv_dtype";
    line("");
    line(print("%-62s %8s %8s %8s %7s %6s  %s", "line", "median", "min", "f32", "x f32", "(min)", "shape, kernels"));
  }
  const auto value = [&run](const char *key) { return run.counters.at(key).value; };
  line(print("%-62s %6.0fus %6.0fus %6.0fus %7.2f %6.2f  ", run.run_name.function_name.c_str(), value("median_s") * 1e6,
             value("min_s") * 1e6, value("f32_s") * 1e6, value("times_f32"), value("times_f32_of_minima")) +
       run.report_label);
}

void TableReporter::stream_line(const Run &run) {
  if (section_ != "conv_stream") {
    section_ = "conv_stream";
    line("");
    line(print("%-62s %8s %8s %8s %7s %6s %5s  %s", "line", "median", "min", "call", "x call", "%read", "goal",
               "shape"));
  }
  constexpr double kGoal = 50;
  const auto value = [&run](const char *key) { return run.counters.at(key).value; };
  line(print("%-62s %6.1fus %6.1fus %6.1fus %7.2f %6.1f %5.0f%c ", run.run_name.function_name.c_str(),
             value("median_s") * 1e6, value("min_s") * 1e6, value("call_s") * 1e6, value("times_call"),
             value("read_percent"), kGoal, value("read_percent") >= kGoal ? ' ' : '*') +
       run.report_label);
}

void TableReporter::call_line(const Run &run) {
  if (section_ != "call") {
    section_ = "call";
    line("");
    line(print("%-62s %8s %8s %6s  %s", "line", "median", "min", "bytes", "kernels"));
  }
  const auto value = [&run](const char *key) { return run.counters.at(key).value; };
  line(print("%-62s %6.0fns %6.0fns %6.0f  ", run.run_name.function_name.c_str(), value("median_s") * 1e9,
             value("min_s") * 1e9, value("bytes")) +
       run.report_label);
}

void TableReporter::summary() {
  json_["summary"] = summarise(json_["results"]);
  json_["below_goal"] = nlohmann::ordered_json::array();
  if (json_["summary"].empty()) return;
  line("");
  line(print("%-10s %-5s %-6s %7s %6s %9s %5s %7s  %s", "%bound of", "dtype", "layout", "threads", "lines", "geo. mean",
             "goal", "least", "in line"));
  for (const auto &row : json_["summary"]) {
    const double mean = row["mean_percent"], mean_goal = row["goal_percent"];
    line(print("%-10s %-5s %-6s %7.0f %6d %9.1f %5.0f%c %6.1f  ", row["mode"].get<std::string>().c_str(),
               row["dtype"].get<std::string>().c_str(), row["layout"].get<std::string>().c_str(),
               row["threads"].get<double>(), row["lines"].get<int>(), mean, mean_goal, mean >= mean_goal ? ' ' : '*',
               row["least_percent"].get<double>()) +
         row["least_line"].get<std::string>());
  }
  const auto below = below_goal(json_["results"]);
  line(print("\nbelow their goals: %zu lines, those farthest below first", below.size()));
  for (const auto &result : below) {
    json_["below_goal"].push_back(result["name"]);
    line(print("  %6.1f of %3.0f  ", result["bound_percent"].get<double>(), result["goal_percent"].get<double>()) +
         result["name"].get<std::string>());
  }
}

bool TableReporter::finish() {
  summary();
  if (!section_.empty())
    line(
        "\n* below its goal; %read: reading the packed weights once, of the call's time; idle: per cent of the lanes, "
        "by L's rounding;\n"
        "packing, first: copies of the weights that packing, and a new context's first call, took longer");
  if (!settings_.out.empty()) {
    std::ofstream file(settings_.out + "/bench.json");
    file << json_.dump(1) << "\n";
    if (!file) throw std::runtime_error(settings_.out + "/bench.json could not be written");
  }
  return all_ran_;
}

}  // namespace halogen_bench
