#include "problem.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace halogen_bench {
namespace {

void read_file(const std::filesystem::path &path, std::vector<Problem> &problems) {
  std::ifstream file(path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line.substr(0, line.find('#')));
    Problem problem;
    problem.model = path.stem().string();
    if (!(words >> problem.name)) continue;
    std::string scope, rest;
    words >> scope >> problem.n >> problem.c >> problem.h >> problem.w;
    problem.per_instance = scope == "instance";
    const bool positive = problem.n > 0 && problem.c > 0 && problem.h > 0 && problem.w > 0;
    if (!words || words >> rest || !positive || (scope != "instance" && scope != "batch")) {
      throw std::runtime_error(path.string() + ":" + std::to_string(number) +
                               ": expected 'name batch|instance N C H W', got '" + line + "'");
    }
    problems.push_back(problem);
  }
}

}  // namespace

std::string Problem::shape() const {
  std::string text = std::to_string(n);
  for (int64_t extent : {c, h, w}) text += "x" + std::to_string(extent);
  return text;
}

std::vector<Problem> read_problems(const std::string &folder) {
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Problem> problems;
  for (const auto &path : files) read_file(path, problems);
  if (problems.empty()) throw std::runtime_error("no shapes in " + folder);
  return problems;
}

}  // namespace halogen_bench
