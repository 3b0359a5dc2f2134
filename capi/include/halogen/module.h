/* halogen/module.h: what every framework's modules have in common: training mode, forward, state by the framework's keys.
 * Modules are made by the create functions of halogen/torch.h, mindspore.h, megengine.h and oneflow.h.
 */
#ifndef HALOGEN_MODULE_H
#define HALOGEN_MODULE_H

#include <halogen/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A parameter that is a boolean or None. */
typedef enum halogen_tristate { HALOGEN_NONE = 0, HALOGEN_TRUE = 1, HALOGEN_FALSE = 2 } halogen_tristate;

/** padding_mode of transposed convolutions; all frameworks refuse all but ZEROS. */
typedef enum halogen_padding_mode {
  HALOGEN_PADDING_ZEROS = 0,
  HALOGEN_PADDING_REFLECT = 1,
  HALOGEN_PADDING_REPLICATE = 2,
  HALOGEN_PADDING_CIRCULAR = 3
} halogen_padding_mode;

/** A module: parameters and buffers with the framework's names and behaviour. Different modules may be used at the same time;
 * one module by several threads only for forward in evaluation mode. */
typedef struct halogen_module halogen_module;

/** Frees the module and the state it owns. NULL is ignored. */
HALOGEN_API void halogen_module_destroy(halogen_module *module);

/** Training (1, the mode a module is created in) or evaluation (0). */
HALOGEN_API halogen_status halogen_module_set_training(halogen_module *module, int32_t training, halogen_error *error);

/** Writes the module's result for `input` to `output`. Shapes, aliasing and messages as the framework's module has them; see
 * the create function. @param stream GPU: CUstream or cl_command_queue, NULL for the context's.
 * @param ran NULL, or receives which kernels ran. */
HALOGEN_API halogen_status halogen_module_forward(halogen_module *module, const DLTensor *input, const DLTensor *output,
                                                  void *stream, halogen_kernel_info *ran, halogen_error *error);

/** What halogen_module_forward() would run on tensors of this shape; as halogen_norm_query(). */
HALOGEN_API halogen_status halogen_module_query(halogen_module *module, const DLTensor *input, const DLTensor *output,
                                                halogen_kernel_info *info, halogen_error *error);

/** Number of entries of the module's state, in the framework's own order. 0 for NULL. */
HALOGEN_API size_t halogen_module_state_count(const halogen_module *module);

/** The key of entry `index`, for example "running_mean". NULL when there is no such entry. Lives as long as the module. */
HALOGEN_API const char *halogen_module_state_key(const halogen_module *module, size_t index);

/** A view of the entry named `key`: reading and writing through it is reading and writing the module's state. The tensor (its
 * shape too) lives as long as the module, or until another tensor is bound to the key. */
HALOGEN_API halogen_status halogen_module_state(const halogen_module *module, const char *key, const DLTensor **tensor,
                                                halogen_error *error);

/** Copies a contiguous CPU tensor of the entry's shape and dtype into the entry. */
HALOGEN_API halogen_status halogen_module_load_state(halogen_module *module, const char *key, const DLTensor *tensor,
                                                     halogen_error *error);

/** Makes the caller's memory the entry: no copy, now or later. It must have the entry's shape and dtype, lie on the module's
 * device (`num_batches_tracked` always on the CPU), and outlive the module. This is how a module on a GPU gets its state. */
HALOGEN_API halogen_status halogen_module_bind_state(halogen_module *module, const char *key, const DLTensor *tensor,
                                                     halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
