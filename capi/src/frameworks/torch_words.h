// What torch says of dtypes, in all its normalisations.
#pragma once

#include "common.h"

namespace halogen {

/// Input of the state's dtype, or of 16 bits with float32 state.
halogen_status torch_check_dtype(const Report &report, const halogen_module &module, const DLTensor &input);

}  // namespace halogen
