// Parameters of MindSpore's modules with its defaults.
#pragma once

#include <halogen/mindspore.h>

#include "framework.h"

namespace halogen_tests {

using BatchParams = halogen_mindspore_batch_norm_params;
using InstanceParams = halogen_mindspore_instance_norm_params;
using ConvParams = halogen_mindspore_conv1d_transpose_params;

inline BatchParams batch_params(int64_t features) {
  return defaults_of<BatchParams>(halogen_mindspore_batch_norm_params_init, features);
}
inline InstanceParams instance_params(int64_t features) {
  return defaults_of<InstanceParams>(halogen_mindspore_instance_norm_params_init, features);
}
inline ConvParams conv_params(int64_t in, int64_t out, int64_t kernel) {
  return defaults_of<ConvParams>(halogen_mindspore_conv1d_transpose_params_init, in, out, kernel);
}

}  // namespace halogen_tests
