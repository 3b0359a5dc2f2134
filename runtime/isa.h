// Instruction-set levels: names, what this CPU has, and which one a context uses.
#pragma once

#include <halogen/core.h>

#include "status.h"

namespace halogen {

/// "v2", "v3", "v4", "v4_spr", "v4_zen4", "neon"; NULL for other values.
const char *isa_name(halogen_isa isa);

/// Whether this CPU, and the operating system's saving of registers, have everything that kernels of the level may use.
bool isa_is_available(halogen_isa isa);

/// The level for a context: what was asked for, else the environment variable HALOGEN_ISA, else the best available (never v4_spr).
halogen_status isa_choose(const Report &report, halogen_isa asked, halogen_isa *chosen);

}  // namespace halogen
