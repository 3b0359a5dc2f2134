#include "coverage.h"

#include <algorithm>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>

#include "env.h"

namespace halogen_tests {

namespace {

void append_once(const std::string &line) {
  static std::mutex mutex;
  static std::set<std::string> seen;
  const std::lock_guard<std::mutex> lock(mutex);
  static const std::string path = environment("HALOGEN_TEST_COVERAGE");
  if (path.empty() || !seen.insert(line).second) return;
  std::ofstream file(path, seen.size() == 1 ? std::ios::trunc : std::ios::app);
  file << line << '\n';
}

}  // namespace

std::vector<std::string> kernel_names(const halogen_kernel_info &info) {
  std::istringstream words(info.kernels);
  std::vector<std::string> names;
  const std::string suffix = std::string("__") + info.isa;
  for (std::string name; words >> name;) {
    const size_t base = name.size() - std::min(name.size(), suffix.size());
    if (name.compare(base, std::string::npos, suffix) == 0) name.resize(base);
    names.push_back(name);
  }
  return names;
}

void record_ran(const halogen_kernel_info &info) {
  for (const std::string &name : kernel_names(info)) append_once("ran " + name + " " + info.isa);
}

void record_unavailable(const std::string &variant, const std::string &reason) {
  append_once("unavailable " + variant + " " + reason);
}

}  // namespace halogen_tests
