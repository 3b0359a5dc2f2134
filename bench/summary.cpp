#include "summary.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "norm_line.h"

namespace halogen_bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *kKeys[] = {"mode", "dtype", "layout", "threads"};

bool in_group(const Json &result, const Json &group) {
  return std::all_of(std::begin(kKeys), std::end(kKeys),
                     [&](const char *key) { return result.at(key) == group.at(key); });
}

bool is_norm(const Json &result) { return result.contains("mode") && result.contains("bound_percent"); }

/// The row of the group that `result` is in.
Json &row_of(const Json &result, Json &rows) {
  for (Json &row : rows) {
    if (in_group(result, row)) return row;
  }
  Json row;
  for (const char *key : kKeys) row[key] = result.at(key);
  row.update({{"lines", 0}, {"mean_percent", 0.0}, {"goal_percent", mean_goal(result.at("mode"))}});
  rows.push_back(row);
  return rows.back();
}

}  // namespace

void add_name_parts(const std::string &name, Json &result) {
  std::istringstream parts(name);
  std::string part;
  std::getline(parts, part, '/');
  if (part != "norm") return;
  for (const char *key : {"model", "problem", "mode", "dtype", "layout"}) {
    std::getline(parts, part, '/');
    result[key] = part;
  }
}

Json summarise(const Json &results) {
  Json rows = Json::array();
  for (const Json &result : results) {
    if (!is_norm(result)) continue;
    Json &row = row_of(result, rows);
    const double percent = result.at("bound_percent");
    row["lines"] = row.at("lines").get<int>() + 1;
    row["mean_percent"] = row.at("mean_percent").get<double>() + std::log(percent);
    if (!row.contains("least_percent") || percent < row.at("least_percent")) {
      row["least_percent"] = percent;
      row["least_line"] = result.at("name");
    }
  }
  for (Json &row : rows) {
    row["mean_percent"] = std::exp(row.at("mean_percent").get<double>() / row.at("lines").get<int>());
  }
  return rows;
}

Json below_goal(const Json &results) {
  const auto share = [](const Json &result) {
    return result.at("bound_percent").get<double>() / result.at("goal_percent").get<double>();
  };
  Json below = Json::array();
  for (const Json &result : results) {
    if (is_norm(result) && share(result) < 1) below.push_back(result);
  }
  std::stable_sort(below.begin(), below.end(), [&](const Json &a, const Json &b) { return share(a) < share(b); });
  return below;
}

}  // namespace halogen_bench
