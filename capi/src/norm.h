// The operator as the modules call it: arguments that are already in this version's layout.
#pragma once

#include <halogen/ops.h>

#include "status.h"

namespace halogen {

/// Checks, plans and runs. `only_query`: fills `info` and touches no data.
halogen_status norm_call(halogen_context *context, const halogen_norm_args &args, bool only_query,
                         halogen_kernel_info *info, halogen_error *error);

/// The same, backward.
halogen_status norm_backward_call(halogen_context *context, const halogen_norm_backward_args &args, bool only_query,
                                  halogen_kernel_info *info, halogen_error *error);

}  // namespace halogen
