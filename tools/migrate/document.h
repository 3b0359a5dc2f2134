// document.h: the tables of docs/migrate.md.
#pragma once

#include <iosfwd>

namespace migrate {

/** A table for every pair of corresponding classes; those of 1d, 2d and 3d in one where they are the same. */
void print_document(std::ostream &out);

}  // namespace migrate
