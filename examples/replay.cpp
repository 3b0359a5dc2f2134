// replay.cpp: runs cases that were recorded from a framework (.safetensors, one case per file) through Halogen's modules and
// says how far off the results are, which kernel ran and how long it took.
//
//   c++ -std=c++17 -O2 replay.cpp $(pkg-config --cflags --libs halogen) -o replay && ./replay recorded/
//
// A case holds in its metadata the module's name and constructor arguments, and as tensors its state and input before the
// call and, after it, output and state, each also in float64 (NAME_f64). Only the public C API is used.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "replay/options.h"
#include "replay/outcome.h"
#include "replay/recorded_case.h"
#include "replay/recorded_errors.h"

namespace fs = std::filesystem;
using namespace replay;

namespace {

class Report {
 public:
  explicit Report(const Options &options) : options_(options) {}

  void add(const Outcome &outcome) {
    const char *const words[] = {"pass", "FAIL", "skip"};
    ++counts_[static_cast<size_t>(outcome.status)];
    if (outcome.status == Status::kSkipped) ++skip_reasons_[outcome.reason];
    if (options_.quiet && outcome.status != Status::kFailed) return;
    std::printf("%s  %-58s", words[static_cast<size_t>(outcome.status)], outcome.name.c_str());
    std::printf("  %s", measurements(outcome).c_str());
    std::printf("%s\n", outcome.reason.c_str());
    if (options_.verbose || outcome.status == Status::kFailed) {
      for (const std::string &line : outcome.details) std::printf("        %s\n", line.c_str());
    }
    std::fflush(stdout);
  }

  void leave_out() { ++left_out_; }

  /// @return the exit status.
  int finish() const {
    if (options_.quiet) {
      for (const auto &[reason, count] : skip_reasons_) std::printf("skip  %5zu cases  %s\n", count, reason.c_str());
    }
    if (left_out_ != 0) std::printf("%zu cases left out by --filter or --framework\n", left_out_);
    std::printf("%zu passed, %zu failed, %zu skipped\n", counts_[0], counts_[1], counts_[2]);
    return counts_[1] == 0 ? 0 : 1;
  }

 private:
  static std::string measurements(const Outcome &outcome) {
    std::string text;
    if (outcome.vs_framework) text += format("framework %.1e  ", *outcome.vs_framework);
    if (outcome.vs_f64) text += format("f64 %5.2f tol  ", *outcome.vs_f64);
    if (outcome.microseconds) text += format("%9.1f us  ", *outcome.microseconds) + outcome.kernels + "  ";
    return text;
  }

  const Options &options_;
  size_t counts_[3] = {};
  size_t left_out_ = 0;
  std::map<std::string, size_t> skip_reasons_;
};

/// Runs `body`; whatever goes wrong in it is a failure of the case `name`.
void guarded(const std::string &name, Report &report, const std::function<void()> &body) {
  try {
    body();
  } catch (const std::exception &problem) {
    report.add(failed(name, problem.what()));
  }
}

void replay_errors_file(halogen_context *context, const fs::path &path, const Options &options, Report &report) {
  const Json json = JsonParser(Safetensors::read_file(path.string())).parse();
  size_t index = 0;
  for (const Json &call : json.at("calls").as_array()) {
    const std::string name = call_name(call, ++index);
    if (!options.wants_name(name) || !options.wants_framework(call.at("framework").as_string())) {
      report.leave_out();
      continue;
    }
    guarded(name, report, [&] { report.add(replay_call(context, name, call)); });
  }
}

void replay_path(halogen_context *context, const fs::path &path, const Options &options, Report &report) {
  const std::string name = (path.parent_path().filename() / path.stem()).generic_string();
  guarded(name, report, [&] {
    if (path.filename() == "errors.json") return replay_errors_file(context, path, options, report);
    if (!options.wants_name(name)) return report.leave_out();
    const Safetensors file(path.string());
    if (file.meta("module").empty()) throw std::runtime_error("not a recorded case: its metadata name no \"module\"");
    if (!options.wants_framework(file.meta("framework"))) return report.leave_out();
    report.add(replay_file(context, name, file));
  });
}

/// The cases at `path`: the file itself, or every .safetensors file and errors.json in the folder and below, sorted.
std::vector<fs::path> cases_at(const fs::path &path) {
  if (!fs::exists(path)) throw std::runtime_error("no such file or folder");
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> found;
  for (const auto &entry : fs::recursive_directory_iterator(path)) {
    const bool is_case = entry.path().extension() == ".safetensors" || entry.path().filename() == "errors.json";
    if (is_case && entry.is_regular_file()) found.push_back(entry.path());
  }
  if (found.empty()) throw std::runtime_error("no .safetensors file in this folder");
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

int main(int argc, char **argv) {
  Options options;
  if (!options.parse(argc, argv)) return 2;
  if (options.help) return 0;
  Report report(options);
  try {
    const Context context = make_context(options.threads);
    for (const std::string &path : options.paths) {
      guarded(path, report, [&] {
        for (const fs::path &found : cases_at(path)) replay_path(context.get(), found, options, report);
      });
    }
  } catch (const std::exception &problem) {
    report.add(failed("context", problem.what()));
  }
  return report.finish();
}
