#include "coverage.h"

#include <algorithm>
#include <fstream>
#include <iterator>
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

bool contains(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

/** Kernels that gain nothing by registers wider than v3's: there is none of them above it. */
bool is_narrow(const std::string &kernel) {
  static const char *const roles[] = {"running", "save", "given", "mask", "coefficients", "gradients"};
  return std::any_of(std::begin(roles), std::end(roles),
                     [&](const char *role) { return kernel.rfind(std::string("norm_") + role + "_", 0) == 0; });
}

}  // namespace

std::vector<std::string> kernel_names(const halogen_kernel_info &info) {
  std::istringstream words(info.kernels);
  std::vector<std::string> names;
  for (std::string name; words >> name;) {
    // v4 has some of its normalisation from v3, and nothing else; the levels above have a sum of bfloat16, all else from v4.
    const std::string isa = info.isa, own = name.rfind("conv_sum_bf16", 0) == 0 ? isa : isa.substr(0, 2);
    const bool borrowed =
        own == "v4" &&
        (is_narrow(name) || (name.rfind("norm_", 0) == 0 && contains(name, "_f64") && contains(name, "__v3")));
    const std::string suffix = "__" + (borrowed ? "v3" : isa.rfind("v4", 0) == 0 ? own : isa);
    const size_t base = name.size() - std::min(name.size(), suffix.size());
    if (name.compare(base, std::string::npos, suffix) == 0) name.resize(base);
    names.push_back(name);
  }
  return names;
}

void record_ran(const halogen_kernel_info &info) {
  std::istringstream words(info.kernels);
  for (std::string name; words >> name;) {
    const size_t end = name.rfind("__");
    if (end != std::string::npos) append_once("ran " + name.substr(0, end) + " " + name.substr(end + 2));
  }
}

void record_unavailable(const std::string &variant, const std::string &reason) {
  append_once("unavailable " + variant + " " + reason);
}

}  // namespace halogen_tests
