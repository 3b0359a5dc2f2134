// What OneFlow says of dtypes, in all its normalisations.
#pragma once

#include "common.h"

namespace halogen {

/// float32 or float64, the same as the state's.
halogen_status oneflow_check_dtype(const Report &report, const halogen_module &module, const DLTensor &input);

}  // namespace halogen
