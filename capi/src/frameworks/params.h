// Every module's parameters as their framework has them by default, and the two things that are done with defaults: handing them out,
// and completing a struct of an older header.
#pragma once

#include <halogen/megengine.h>
#include <halogen/mindspore.h>
#include <halogen/oneflow.h>
#include <halogen/torch.h>

#include "struct_size.h"

namespace halogen {

/// Sets all but what has no default.
void set_defaults(halogen_torch_batch_norm_params *params);
void set_defaults(halogen_torch_instance_norm_params *params);
void set_defaults(halogen_torch_group_norm_params *params);
void set_defaults(halogen_torch_layer_norm_params *params);
void set_defaults(halogen_torch_conv_transpose1d_params *params);
void set_defaults(halogen_mindspore_batch_norm_params *params);
void set_defaults(halogen_mindspore_instance_norm_params *params);
void set_defaults(halogen_mindspore_conv1d_transpose_params *params);
void set_defaults(halogen_megengine_batch_norm_params *params);
void set_defaults(halogen_megengine_instance_norm_params *params);
void set_defaults(halogen_megengine_conv_transpose2d_params *params);
void set_defaults(halogen_oneflow_batch_norm_params *params);
void set_defaults(halogen_oneflow_instance_norm_params *params);
void set_defaults(halogen_oneflow_group_norm_params *params);
void set_defaults(halogen_oneflow_layer_norm_params *params);
void set_defaults(halogen_oneflow_conv_transpose1d_params *params);

/// Of a params_init: `set` gives the struct what has no default.
template <class Params, class Set>
halogen_status init_params(Params *params, size_t struct_size, halogen_error *error, const Set &set) {
  Params defaults = {};
  set_defaults(&defaults);
  set(&defaults);
  return init_struct({nullptr, error}, struct_size, defaults, params);
}

/// The first steps of a create.
template <class Params>
halogen_status read_params(const Report &report, halogen_context *context, const Params *given, halogen_module **module,
                           Params *read) {
  if (context == nullptr) return fail_null(report, "context");
  if (given == nullptr) return fail_null(report, "params");
  if (module == nullptr) return fail_null(report, "module");
  *read = {};
  set_defaults(read);
  return read_over(report, "params", given, read);
}

}  // namespace halogen
