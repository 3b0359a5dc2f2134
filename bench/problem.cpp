#include "problem.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace halogen_bench {
namespace {

/// What `words` say after the name. @return whether that is a problem
bool read_problem(std::istream &words, Problem &problem) {
  words >> problem.scope_name;
  if (problem.scope_name == "instance") {
    problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
  } else if (problem.scope_name == "group" || problem.scope_name == "layer") {
    problem.scope = HALOGEN_NORM_SCOPE_GROUP;
    problem.groups = 1;
    if (problem.scope_name == "group" && !(words >> problem.groups)) return false;
  } else if (problem.scope_name != "batch") {
    return false;
  }
  for (int64_t extent = 0; words >> extent;) problem.shape.push_back(extent);
  constexpr size_t kLeastRank = 2, kMostRank = 5;
  return words.eof() && problem.shape.size() >= kLeastRank && problem.shape.size() <= kMostRank &&
         std::all_of(problem.shape.begin(), problem.shape.end(), [](int64_t extent) { return extent > 0; }) &&
         problem.groups >= 0 && (problem.groups == 0 || problem.c() % problem.groups == 0);
}

void read_file(const std::filesystem::path &path, std::vector<Problem> &problems) {
  std::ifstream file(path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line.substr(0, line.find('#')));
    Problem problem;
    problem.model = path.stem().string();
    if (!(words >> problem.name)) continue;
    if (!read_problem(words, problem)) {
      throw std::runtime_error(path.string() + ":" + std::to_string(number) +
                               ": expected 'name batch|instance|group G|layer N C [spatial, up to 3]', got '" + line +
                               "'");
    }
    problems.push_back(problem);
  }
}

}  // namespace

int64_t Problem::row() const {
  int64_t values = 1;
  for (size_t i = 2; i < shape.size(); ++i) values *= shape[i];
  return values;
}

std::vector<int64_t> Problem::statistics_shape() const {
  if (scope == HALOGEN_NORM_SCOPE_BATCH) return {c()};
  return {n(), scope == HALOGEN_NORM_SCOPE_INSTANCE ? c() : groups};
}

std::string Problem::shape_text() const {
  std::string text;
  for (int64_t extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent);
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
