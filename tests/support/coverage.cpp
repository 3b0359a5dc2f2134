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

/** All kernels of this build, <name>__<variant>. */
const std::set<std::string> &table() {
  static const std::set<std::string> kernels = {
#define HALOGEN_KERNEL(kernel, variant, symbol, role, dtype) #kernel "__" #variant,
#include "kernels_conv.inc"
#include "kernels_norm.inc"
#include "kernels_tensor.inc"
#undef HALOGEN_KERNEL
  };
  return kernels;
}

/** The variant that a call on `isa` is to take a kernel from: its own, or the nearest below that has one. */
std::string variant_for(const std::string &kernel, std::string isa) {
  while (table().count(kernel + "__" + isa) == 0) {
    if (isa.rfind("v4", 0) != 0) return "";
    isa = isa == "v4" ? "v3" : "v4";
  }
  return isa;
}

}  // namespace

std::vector<std::string> kernel_names(const halogen_kernel_info &info) {
  std::istringstream words(info.kernels);
  std::vector<std::string> names;
  for (std::string name; words >> name;) {
    const std::string base = name.substr(0, name.rfind("__"));
    names.push_back(base + "__" + variant_for(base, info.isa) == name ? base : name);
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
