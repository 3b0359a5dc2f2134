// summary.h: what many lines of the normalisation benchmark come to.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace halogen_bench {

/// Adds the parts of a line's name to its result: model, shape, mode, dtype, layout.
void add_name_parts(const std::string &name, nlohmann::ordered_json &result);

/// A row per mode, dtype, layout and thread count: lines, geometric mean and least of bound_percent, the mean's goal, the least
/// one's line.
nlohmann::ordered_json summarise(const nlohmann::ordered_json &results);

/// The lines below their goals, those farthest below first.
nlohmann::ordered_json below_goal(const nlohmann::ordered_json &results);

}  // namespace halogen_bench
