// MindSpore's initialisers, as arguments of its classes.
#pragma once

#include "common.h"

namespace halogen {

/// An argument of a create, and the entry that begins with it.
struct MindsporeInit {
  const char *name, *key;
  const halogen_mindspore_init *init;
};

/// What needs no module to be seen.
halogen_status mindspore_check_init(const Report &report, const char *class_name, const MindsporeInit &init,
                                    const DLDevice &device);

/// Fills the entry, random numbers by seed 0 and the entry's index as the stream. A tensor is checked against it first.
halogen_status mindspore_apply_init(const Report &report, halogen_module *module, const MindsporeInit &init);

}  // namespace halogen
