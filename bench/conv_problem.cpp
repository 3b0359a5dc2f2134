#include "conv_problem.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace halogen_bench {
namespace {

void read_file(const std::filesystem::path &path, std::vector<ConvProblem> &problems) {
  std::ifstream file(path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line.substr(0, line.find('#')));
    ConvProblem p = {};
    p.model = path.stem().string();
    if (!(words >> p.name)) continue;
    std::string rest;
    words >> p.n >> p.c_in >> p.c_out >> p.kernel >> p.stride >> p.pad_left >> p.pad_right >> p.groups >> p.length;
    const bool positive = p.n > 0 && p.c_in > 0 && p.c_out > 0 && p.kernel > 0 && p.stride > 0 && p.groups > 0;
    if (!words || words >> rest || !positive || p.length < 1 || p.out_length() < 1) {
      throw std::runtime_error(path.string() + ":" + std::to_string(number) +
                               ": expected 'name N C_in C_out kernel stride pad_left pad_right groups L', got '" +
                               line + "'");
    }
    problems.push_back(p);
  }
}

}  // namespace

double ConvProblem::flops() const {
  // Every tap of every input, but for those that are cropped.
  int64_t taps = length * kernel;
  for (int64_t l = 0; l < length; ++l) {
    const int64_t first = l * stride - pad_left, last = first + kernel - out_length();
    taps -= std::clamp<int64_t>(-first, 0, kernel) + std::clamp<int64_t>(last, 0, kernel);
  }
  return 2.0 * static_cast<double>(n * c_in * (c_out / groups)) * static_cast<double>(taps);
}

double ConvProblem::bytes() const {
  return 4.0 * (weights() + static_cast<double>(n * c_in * length) + static_cast<double>(n * c_out * out_length()));
}

std::string ConvProblem::shape() const {
  return std::to_string(n) + "x" + std::to_string(c_in) + "x" + std::to_string(length) + "->" + std::to_string(c_out) +
         " " + std::to_string(kernel) + "/" + std::to_string(stride);
}

std::vector<ConvProblem> read_conv_problems(const std::string &folder) {
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<ConvProblem> problems;
  for (const auto &path : files) read_file(path, problems);
  if (problems.empty()) throw std::runtime_error("no shapes in " + folder);
  return problems;
}

}  // namespace halogen_bench
