// state.h: a file of weights, from one framework's modules to another's.
#pragma once

#include <string>
#include <vector>

#include "conversion.h"

namespace migrate {

/** Converts every module of class `from` in a .safetensors file; all other tensors stay as they are. Prints what it did to stderr.
 * @param settings "name=value" of `from`, for what tensors do not show (groups, num_groups). @return how many things were lost. */
size_t convert_file(const std::string &in, const std::string &out, halogen_module_class from, halogen_module_class to,
                    const std::vector<std::string> &settings);

}  // namespace migrate
