// conv_file.h: generators/tuned/conv_transpose1d.h as text.
#pragma once

#include <string>
#include <vector>

#include "../../runtime/conv_tiles.h"

namespace halogen_tune {

/// Writes `table`, with what `evidence` says of a level on this CPU in the place of what the file said of it so far; what it says of other
/// levels and CPUs stays.
void write_conv(const std::string &path, const std::vector<halogen::ConvTuned> &table, const std::string &level,
                int vector_bytes, int rounds, const std::vector<std::string> &evidence);

}  // namespace halogen_tune
