// outcome.h: what became of one case.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace replay {

enum class Status { kPassed, kFailed, kSkipped };

struct Outcome {
  std::string name;
  Status status = Status::kPassed;
  std::string reason;                  // why it failed or was skipped
  std::optional<double> vs_framework;  // worst absolute difference of the output
  std::optional<double> vs_f64;        // worst difference as a multiple of its tolerance
  std::string kernels;                 // that ran
  std::optional<double> microseconds;  // of one forward call, the fastest of a few
  std::vector<std::string> details;    // one line per tensor, for --verbose
};

inline Outcome failed(const std::string &name, const std::string &reason) {
  Outcome outcome;
  outcome.name = name;
  outcome.status = Status::kFailed;
  outcome.reason = reason;
  return outcome;
}

inline Outcome skipped(const std::string &name, const std::string &reason) {
  Outcome outcome = failed(name, reason);
  outcome.status = Status::kSkipped;
  return outcome;
}

}  // namespace replay
