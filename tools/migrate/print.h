// print.h: a conversion for a person, and for a program.
#pragma once

#include <array>
#include <iosfwd>
#include <string>

#include "conversion.h"

namespace migrate {

/** "equal", "converted", "default differs", "cannot be expressed". */
const char *kind_name(halogen_difference_kind kind);

void print_text(std::ostream &out, const Conversion &conversion);
void print_json(std::ostream &out, const Conversion &conversion);

/** A JSON string, quotes included. */
std::string json_string(const std::string &text);

/** kind, from, to, reason; the middle ones as name=value. */
using Line = std::array<std::string, 4>;
Line line_of(const halogen_difference &difference);

}  // namespace migrate
