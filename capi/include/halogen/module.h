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

/** Training (1) or evaluation (0). Modules are created in training mode, MindSpore's in evaluation mode, as in the frameworks. */
HALOGEN_API halogen_status halogen_module_set_training(halogen_module *module, int32_t training, halogen_error *error);

/** Writes the module's result for `input` to `output`. Shapes, aliasing and messages as the framework's module has them; see
 * the create function. @param stream GPU: CUstream or cl_command_queue, NULL for the context's.
 * @param ran NULL, or receives which kernels ran. */
HALOGEN_API halogen_status halogen_module_forward(halogen_module *module, const DLTensor *input, const DLTensor *output,
                                                  void *stream, halogen_kernel_info *ran, halogen_error *error);

/** What halogen_module_forward() would run on tensors of this shape; as halogen_norm_query(). */
HALOGEN_API halogen_status halogen_module_query(halogen_module *module, const DLTensor *input, const DLTensor *output,
                                                halogen_kernel_info *info, halogen_error *error);

/** Shape and dtype of the output for such an input, which forward would accept; its data is not touched and may be NULL.
 * @param shape receives the extents: room for 8. @param ndim receives their number. @param dtype NULL, or receives the output's.
 * Untouched on failure. */
HALOGEN_API halogen_status halogen_module_output(const halogen_module *module, const DLTensor *input, int64_t *shape,
                                                 int32_t *ndim, DLDataType *dtype, halogen_error *error);

/** Where halogen_module_backward() writes gradients; NULL: not asked for. */
typedef struct halogen_module_gradients {
  size_t struct_size;
  const DLTensor *input;  /**< shape and dtype of the module's input */
  const DLTensor *weight; /**< of the state entry `weight` or `gamma`, contiguous */
  const DLTensor *bias;   /**< of the state entry `bias` or `beta`, contiguous */
} halogen_module_gradients;

#define HALOGEN_MODULE_GRADIENTS_INIT HALOGEN_ZEROED(halogen_module_gradients)

/** The gradients of forward with this input, in the module's present mode, from that of its output; each is written, not added to.
 * Statistics of the input are computed once more, so that nothing is kept between the calls; running statistics do not move.
 * A gradient of a parameter that has none is refused with HALOGEN_ERROR_KEY: the module lacks it, or its framework gives it none
 * (MindSpore: affine=False; MegEngine: freeze). Aliasing as halogen_norm_backward() or halogen_conv_transpose1d_backward() has it. */
HALOGEN_API halogen_status halogen_module_backward(halogen_module *module, const DLTensor *input,
                                                   const DLTensor *grad_output,
                                                   const halogen_module_gradients *gradients, void *stream,
                                                   halogen_kernel_info *ran, halogen_error *error);

/** What the framework prints for the module, in one line. @param text receives at most `size` bytes, terminated; NULL where size is 0.
 * @param length NULL, or receives the length of the whole text. Of MindSpore's objects without a name (initialisers) the address is
 * left out. */
HALOGEN_API halogen_status halogen_module_repr(const halogen_module *module, char *text, size_t size, size_t *length,
                                               halogen_error *error);

/** A copy of the module in the same mode, with state of its own: nothing is shared, also what was bound is copied. */
HALOGEN_API halogen_status halogen_module_clone(const halogen_module *module, halogen_module **clone,
                                                halogen_error *error);

/** Gives parameters and running statistics another dtype (float16, bfloat16, float32, float64), rounded to nearest even; counters stay. Done
 * when it returns, on a GPU too. The state is the module's own afterwards; views of it are stale. Which dtypes forward then takes is the
 * framework's rule. */
HALOGEN_API halogen_status halogen_module_convert(halogen_module *module, DLDataType dtype, halogen_error *error);

/** Moves parameters and running statistics to the CPU or to a GPU (of a kind that this library has kernels for), where the state is the
 * module's own afterwards; views of it are stale. Counters stay on the CPU. Waits for the copies.
 * @param stream as in halogen_module_forward(). */
HALOGEN_API halogen_status halogen_module_to(halogen_module *module, DLDevice device, void *stream,
                                             halogen_error *error);

/** Fills the state as the framework's reset_parameters does, or where it has none, as its constructor does: parameters by their initial
 * distributions, statistics and counters by their initial values. Entry i of the state takes its numbers from stream `stream` + i of
 * `seed` (halogen/init.h): give modules streams 8 apart. What a given tensor initialised stays as it is. On a GPU the
 * same numbers, there before return; HALOGEN_ERROR_NULL_POINTER where an entry has no memory yet. */
HALOGEN_API halogen_status halogen_module_reset_parameters(halogen_module *module, uint64_t seed, uint64_t stream,
                                                           halogen_error *error);

/** Running means 0, running variances 1, counters 0; a module without them stays as it is. On a GPU the work is done before return. */
HALOGEN_API halogen_status halogen_module_reset_running_stats(halogen_module *module, halogen_error *error);

/** Number of entries of the module's state, in the framework's own order. 0 for NULL. */
HALOGEN_API size_t halogen_module_state_count(const halogen_module *module);

/** The key of entry `index`, for example "running_mean". NULL when there is no such entry. Lives as long as the module. */
HALOGEN_API const char *halogen_module_state_key(const halogen_module *module, size_t index);

/** A view of the entry named `key`: reading and writing through it is reading and writing the module's state. The tensor (its
 * shape too) lives as long as the module, or until another tensor is bound to the key. */
HALOGEN_API halogen_status halogen_module_state(const halogen_module *module, const char *key, const DLTensor **tensor,
                                                halogen_error *error);

/** Copies a contiguous CPU tensor of the entry's shape and dtype into the entry, which may be on a GPU: it is there before return. */
HALOGEN_API halogen_status halogen_module_load_state(halogen_module *module, const char *key, const DLTensor *tensor,
                                                     halogen_error *error);

/** Makes the caller's memory the entry: no copy, now or later. It must have the entry's shape and dtype, lie on the module's
 * device (counters always on the CPU), and outlive the module. */
HALOGEN_API halogen_status halogen_module_bind_state(halogen_module *module, const char *key, const DLTensor *tensor,
                                                     halogen_error *error);

/** Several entries at once; all are checked before any is changed. @param strict 1: exactly the module's keys; 0: keys that the module
 * lacks are passed over, entries that are not named stay. @param by_reference 1: as halogen_module_bind_state(); 0: as
 * halogen_module_load_state(). */
HALOGEN_API halogen_status halogen_module_set_states(halogen_module *module, const char *const *keys,
                                                     const DLTensor *const *tensors, size_t count, int32_t strict,
                                                     int32_t by_reference, halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
