// print.h: a conversion for a person, for a program, and for docs/migrate.md.
#pragma once

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

/** Everything between the document's first and last hand-written paragraphs: a table per pair of classes. */
void print_document(std::ostream &out);

}  // namespace migrate
