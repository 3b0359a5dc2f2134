/* halogen/migrate.h: from one framework's module to another's: parameters and state, converted or explained.
 *
 * Modules correspond by what they compute: BatchNorm1d, 2d, 3d; InstanceNorm1d, 2d, 3d (MegEngine's InstanceNorm to the 2d ones);
 * GroupNorm; LayerNorm; ConvTranspose1d, mindspore.nn.Conv1dTranspose and megengine.module.ConvTranspose2d along one axis.
 * All functions are thread-safe on different structs and modules.
 */
#ifndef HALOGEN_MIGRATE_H
#define HALOGEN_MIGRATE_H

#include <halogen/megengine.h>
#include <halogen/mindspore.h>
#include <halogen/module.h>
#include <halogen/oneflow.h>
#include <halogen/torch.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A framework's module class. Numbers never change. */
typedef enum halogen_module_class {
  HALOGEN_TORCH_BATCH_NORM1D = 0,
  HALOGEN_TORCH_BATCH_NORM2D = 1,
  HALOGEN_TORCH_BATCH_NORM3D = 2,
  HALOGEN_TORCH_INSTANCE_NORM1D = 3,
  HALOGEN_TORCH_INSTANCE_NORM2D = 4,
  HALOGEN_TORCH_INSTANCE_NORM3D = 5,
  HALOGEN_TORCH_GROUP_NORM = 6,
  HALOGEN_TORCH_LAYER_NORM = 7,
  HALOGEN_TORCH_CONV_TRANSPOSE1D = 8,
  HALOGEN_MINDSPORE_BATCH_NORM1D = 9,
  HALOGEN_MINDSPORE_BATCH_NORM2D = 10,
  HALOGEN_MINDSPORE_BATCH_NORM3D = 11,
  HALOGEN_MINDSPORE_INSTANCE_NORM1D = 12,
  HALOGEN_MINDSPORE_INSTANCE_NORM2D = 13,
  HALOGEN_MINDSPORE_INSTANCE_NORM3D = 14,
  HALOGEN_MINDSPORE_CONV1D_TRANSPOSE = 15,
  HALOGEN_MEGENGINE_BATCH_NORM1D = 16,
  HALOGEN_MEGENGINE_BATCH_NORM2D = 17,
  HALOGEN_MEGENGINE_INSTANCE_NORM = 18,
  HALOGEN_MEGENGINE_CONV_TRANSPOSE2D = 19,
  HALOGEN_ONEFLOW_BATCH_NORM1D = 20,
  HALOGEN_ONEFLOW_BATCH_NORM2D = 21,
  HALOGEN_ONEFLOW_BATCH_NORM3D = 22,
  HALOGEN_ONEFLOW_INSTANCE_NORM1D = 23,
  HALOGEN_ONEFLOW_INSTANCE_NORM2D = 24,
  HALOGEN_ONEFLOW_INSTANCE_NORM3D = 25,
  HALOGEN_ONEFLOW_GROUP_NORM = 26,
  HALOGEN_ONEFLOW_LAYER_NORM = 27,
  HALOGEN_ONEFLOW_CONV_TRANSPOSE1D = 28
} halogen_module_class;

/** The class' name in Python, for example "torch.nn.BatchNorm2d"; NULL for other numbers: classes are those from 0 on that have one. */
HALOGEN_API const char *halogen_module_class_name(halogen_module_class module_class);

/** The class of that name. HALOGEN_ERROR_KEY where there is none. @param module_class untouched on failure. */
HALOGEN_API halogen_status halogen_module_class_find(const char *name, halogen_module_class *module_class,
                                                     halogen_error *error);

/** Whether two classes compute the same, so that parameters and state convert between them. 0 for numbers that are no class. */
HALOGEN_API int32_t halogen_module_class_corresponds(halogen_module_class a, halogen_module_class b);

/** Bytes of the class' params struct (halogen_torch_batch_norm_params, ...); 0 for other numbers. At most
 * HALOGEN_MODULE_PARAMS_MAX, for callers that choose the class at run time. */
HALOGEN_API size_t halogen_module_params_size(halogen_module_class module_class);
#define HALOGEN_MODULE_PARAMS_MAX 1024

/** Fills a params struct with the framework's defaults; what has none (numbers of channels, kernel_size, ...) is 1.
 * @param struct_size of *params: halogen_module_params_size(). */
HALOGEN_API halogen_status halogen_module_params_init(halogen_module_class module_class, void *params,
                                                      size_t struct_size, halogen_error *error);

/** The name of parameter `index`, in the framework's words; NULL beyond the last. */
HALOGEN_API const char *halogen_module_params_name(halogen_module_class module_class, size_t index);

/** Sets a parameter from text as Python prints it: 3, 0.1, True, None, same, [1, 3], float16. Numbers are read as the C library's locale
 * has them. HALOGEN_ERROR_KEY for a name that the class has not, HALOGEN_ERROR_ARGUMENT for text that is no value of it. LayerNorm's
 * normalized_shape and device take no text. */
HALOGEN_API halogen_status halogen_module_params_set(halogen_module_class module_class, void *params, const char *name,
                                                     const char *text, halogen_error *error);

/** Writes a parameter as text, cut to `size` bytes with its end. */
HALOGEN_API halogen_status halogen_module_params_get(halogen_module_class module_class, const void *params,
                                                     const char *name, char *text, size_t size, halogen_error *error);

/** The create function of the class: halogen_torch_batch_norm2d_create() for HALOGEN_TORCH_BATCH_NORM2D, ... */
HALOGEN_API halogen_status halogen_module_create(halogen_context *context, halogen_module_class module_class,
                                                 const void *params, halogen_module **module, halogen_error *error);

/** What became of one parameter, or of one tensor of a state. */
typedef enum halogen_difference_kind {
  HALOGEN_DIFFERENCE_EQUAL = 0,     /**< the same name and value, or without effect on either side */
  HALOGEN_DIFFERENCE_CONVERTED = 1, /**< another name, value, shape or type that means the same */
  HALOGEN_DIFFERENCE_DEFAULT = 2,   /**< converted, and the defaults differ: it must not be left out */
  HALOGEN_DIFFERENCE_CANNOT = 3 /**< cannot be expressed; the reason says why, and the value is the nearest there is */
} halogen_difference_kind;

/** One line of a report. Its size never changes. */
typedef struct halogen_difference {
  halogen_difference_kind kind;
  int32_t reserved;
  const char *reason; /**< static; NULL: nothing to say */
  char from_name[64]; /**< in that framework's words; empty: it has no such parameter. Two are separated by ", " */
  char from_value[64];
  char to_name[64];
  char to_value[64];
} halogen_difference;

/** A report: `entries` and `capacity` are the caller's, `count` is written. */
typedef struct halogen_convert_report {
  size_t struct_size;
  halogen_difference *entries; /**< NULL if capacity is 0 */
  size_t capacity;
  size_t count;  /**< of all differences: more than capacity means that some were not written. 32 are always enough */
  size_t cannot; /**< how many of them cannot be expressed */
} halogen_convert_report;

#define HALOGEN_CONVERT_REPORT_INIT HALOGEN_ZEROED(halogen_convert_report)

/** Translates parameters. @param from the params struct of from_class. @param to the one of to_class, with its struct_size set;
 * everything else in it is overwritten. LayerNorm's shape is shared, not copied.
 * @param report NULL: then what cannot be expressed is HALOGEN_ERROR_UNSUPPORTED, with the first reason as the message, and `to` is
 * untouched. HALOGEN_ERROR_ARGUMENT for classes that do not correspond. */
HALOGEN_API halogen_status halogen_convert_params(halogen_module_class from_class, const void *from,
                                                  halogen_module_class to_class, void *to,
                                                  halogen_convert_report *report, halogen_error *error);

/** Copies one module's state to another's, both on the CPU: keys renamed (weight, gamma; running_var, moving_variance; ...), shapes and
 * dtypes those of `to`. What only `to` has keeps its value and is reported; so is what only `from` has.
 * @param report as above. HALOGEN_ERROR_SHAPE where corresponding tensors have not the same number of elements. */
HALOGEN_API halogen_status halogen_convert_state(const halogen_module *from, halogen_module *to,
                                                 halogen_convert_report *report, halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
