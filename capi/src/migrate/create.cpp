// A module of any class. Apart from the other tables, so that a program that converts parameters links no kernels.
#include "classes.h"

namespace halogen {
namespace {

using Create = halogen_status (*)(halogen_context *context, const void *params, halogen_module **module,
                                  halogen_error *error);

template <class Params,
          halogen_status (*function)(halogen_context *, const Params *, halogen_module **, halogen_error *)>
halogen_status create(halogen_context *context, const void *params, halogen_module **module, halogen_error *error) {
  return function(context, static_cast<const Params *>(params), module, error);
}

#define HALOGEN_CREATE(params, name) create<halogen_##params##_params, halogen_##name##_create>
#define HALOGEN_RANKS(type) \
  HALOGEN_CREATE(type, type##1d), HALOGEN_CREATE(type, type##2d), HALOGEN_CREATE(type, type##3d)
#define HALOGEN_SAME(type) HALOGEN_CREATE(type, type)

/// In the order of halogen_module_class.
constexpr Create kCreates[] = {HALOGEN_RANKS(torch_batch_norm),
                               HALOGEN_RANKS(torch_instance_norm),
                               HALOGEN_SAME(torch_group_norm),
                               HALOGEN_SAME(torch_layer_norm),
                               HALOGEN_SAME(torch_conv_transpose1d),
                               HALOGEN_RANKS(mindspore_batch_norm),
                               HALOGEN_RANKS(mindspore_instance_norm),
                               HALOGEN_SAME(mindspore_conv1d_transpose),
                               HALOGEN_CREATE(megengine_batch_norm, megengine_batch_norm1d),
                               HALOGEN_CREATE(megengine_batch_norm, megengine_batch_norm2d),
                               HALOGEN_SAME(megengine_instance_norm),
                               HALOGEN_SAME(megengine_conv_transpose2d),
                               HALOGEN_RANKS(oneflow_batch_norm),
                               HALOGEN_RANKS(oneflow_instance_norm),
                               HALOGEN_SAME(oneflow_group_norm),
                               HALOGEN_SAME(oneflow_layer_norm),
                               HALOGEN_SAME(oneflow_conv_transpose1d)};
static_assert(sizeof(kCreates) / sizeof(*kCreates) == HALOGEN_ONEFLOW_CONV_TRANSPOSE1D + 1, "one line per class");

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" halogen_status halogen_module_create(halogen_context *context, halogen_module_class module_class,
                                                const void *params, halogen_module **module, halogen_error *error) {
  const ModuleClass *found = nullptr;
  const halogen_status status = find_class({context, error}, "module_class", module_class, &found);
  return status == HALOGEN_OK ? kCreates[module_class](context, params, module, error) : status;
}
