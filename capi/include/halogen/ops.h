/* halogen/ops.h: canonical operators over the caller's tensors. Stateless; every convention is an explicit field.
 * For engine authors; the frameworks' modules (halogen/torch.h) are built on this.
 */
#ifndef HALOGEN_OPS_H
#define HALOGEN_OPS_H

#include <halogen/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Over which values mean and variance are taken. Data are seen as (N, C, S), S the product of all further dimensions. */
typedef enum halogen_norm_scope {
  HALOGEN_NORM_SCOPE_BATCH = 1,    /**< one mean per channel, over N and S (batch norm) */
  HALOGEN_NORM_SCOPE_INSTANCE = 2, /**< one per sample and channel, over S (instance norm) */
  HALOGEN_NORM_SCOPE_GROUP = 3 /**< one per sample and group of C / num_groups channels, over those and S (group norm;
                                        num_groups = 1: layer norm over all but the first dimension) */
} halogen_norm_scope;

/** Which schedule runs. All compute the same; AUTO chooses by shape and cache size, never by the number of threads. */
typedef enum halogen_norm_path {
  HALOGEN_NORM_PATH_AUTO = 0,
  HALOGEN_NORM_PATH_ROW = 1, /**< a thread normalises whole rows while they are in its cache; lanes run along S */
  HALOGEN_NORM_PATH_SLAB =
      2, /**< channel-last data, or short rows: lanes run along neighbouring channels and S together */
  HALOGEN_NORM_PATH_SPLIT = 3 /**< rows larger than the cache: statistics by blocks, merged, then applied */
} halogen_norm_path;

/** y = activation((x - mean) / sqrt(var + eps) * weight + bias + residual); var is the biased variance.
 *
 * Shapes: `input`, `output`, `residual` of the same shape, rank 2 to 8, with the channels where `layout` says, and the same dtype:
 * float32, float64, float16 or bfloat16. Strides are any of 0 or more (elements; NULL: row-major without gaps; that of a
 * dimension of extent 1 is ignored); no two elements of the output at one place. Channel-first and channel-last memory, also with gaps
 * between channels, rows or samples, is worked on where it is, whichever way `layout` names its dimensions; other strides in a copy.
 * All vectors (C), contiguous, of the data's dtype; for float16 and bfloat16 data each may be float32 too. 16-bit data are computed in
 * float32 and rounded once. All on one device.
 *
 * `mean` and `var` both given: those statistics are used (evaluation), whatever the scope. Both NULL: the input's own
 * statistics over `scope`.
 *
 * `running_mean`, `running_var`: both or neither; allowed only with the input's own statistics and scope batch or instance:
 *   running = (1 - running_weight) * running + running_weight * statistic
 * The statistic is the mean, and the variance times n/(n-1) if `running_var_unbiased`, n the number of values per statistic;
 * with scope instance, averaged over N. A n of 1 makes the unbiased variance NaN, as 0/0 does.
 *
 * Aliasing: `output` may be `input` or `residual` itself (the same first byte); any other overlap of `output` with a tensor of the call
 * is refused, and so is a running vector that overlaps any other tensor.
 * Empty tensors: nothing is computed, running statistics stay as they are. NaN and infinity spoil the channel (or, with
 * given statistics, the element) they are in and no other.
 * Errors: see halogen_status; on any of them output and running statistics are untouched, with these exceptions: after
 * HALOGEN_ERROR_DRIVER and HALOGEN_ERROR_PARALLEL their contents are undefined, and after HALOGEN_ERROR_OUT_OF_MEMORY the output's
 * are, if it was a kernel's temporaries that could not be had.
 */
typedef struct halogen_norm_args {
  size_t struct_size;
  halogen_norm_scope scope; /**< required, also with given statistics (the scope then has no effect) */
  int32_t num_groups;       /**< scope group: a divisor of C. Else 0 */
  const DLTensor *input;    /**< required */
  const DLTensor *output;   /**< required; its memory is written */
  const DLTensor *weight;   /**< NULL: 1 */
  const DLTensor *bias;     /**< NULL: 0 */
  const DLTensor *mean;     /**< NULL: the input's own */
  const DLTensor *var; /**< NULL: the input's own. Biased or not, as the caller likes; must be >= 0 for a finite y */
  const DLTensor *running_mean; /**< NULL: none; else its memory is read and written */
  const DLTensor *running_var;  /**< NULL: none; else its memory is read and written */
  double running_weight;        /**< weight of the new statistic, 0 to 1 (torch's momentum; 1 - momentum of others) */
  int32_t running_var_unbiased; /**< 1: n/(n-1), 0: as it is */
  double eps;                   /**< >= 0 and finite; added to the variance */
  halogen_norm_path path;       /**< 0: AUTO; another is refused with HALOGEN_ERROR_UNSUPPORTED where it does not fit */
  void *stream; /**< GPU: CUstream or cl_command_queue; NULL: the context's. The call does not wait for it */
  halogen_kernel_info *ran;      /**< NULL, or receives which kernels ran */
  halogen_layout layout;         /**< of the shapes of input, output and residual. 0: (N, C, ...) */
  const DLTensor *residual;      /**< NULL: 0 */
  halogen_activation activation; /**< 0: none */
  double negative_slope;         /**< leaky relu: finite; else 0 */
  const DLTensor
      *saved_mean; /**< NULL, or receives the input's own mean: (C), instance (N, C), group (N, groups); float32, for
                                   float64 data float64; contiguous. Both or neither */
  const DLTensor *saved_rstd; /**< NULL, or receives 1 / sqrt(var + eps); as saved_mean */
  const DLTensor *moments;    /**< NULL; else those of a batch that `input` is a part of: halogen/moments.h */
} halogen_norm_args;

#define HALOGEN_NORM_ARGS_INIT HALOGEN_ZEROED(halogen_norm_args)

/** Runs it. Thread-safe on one context as long as the tensors of two calls do not overlap. */
HALOGEN_API halogen_status halogen_norm_forward(halogen_context *context, const halogen_norm_args *args,
                                                halogen_error *error);

/** Checks the same arguments and says which kernels halogen_norm_forward() would run and their workspace, or why none fits
 * (then HALOGEN_ERROR_UNSUPPORTED, with `info` filled). No tensor's data is touched; data pointers may be NULL. */
HALOGEN_API halogen_status halogen_norm_query(halogen_context *context, const halogen_norm_args *args,
                                              halogen_kernel_info *info, halogen_error *error);

/** The gradients of halogen_norm_forward(), for y = activation((x - mean) * rstd * weight + bias + residual), from the gradient of y.
 *
 * Tensors of data (`input` = x, `grad_output`, `output` = y, `grad_input`, `grad_residual`) have one shape and dtype, any strides, as
 * in the forward pass; vectors are as there, too. Any subset of the gradients may be asked for; each is written, not added to.
 *
 * With `mean` and `var` the statistics were given: no gradient goes through them. Else they were the input's own over `scope`;
 * `saved_mean` and `saved_rstd` are what the forward pass saved, or both NULL: they are recomputed, with one more read of the input
 * and more digits of the mean than a float32 has.
 *
 * `activation` as in the forward pass; its mask is taken from `output`: the gradient goes on where output > 0, and times
 * negative_slope (which must be >= 0) elsewhere. `grad_residual` is the gradient behind the activation.
 *
 * Aliasing: `grad_input` may be `input` or `grad_output` itself, `grad_residual` may be `grad_output` itself (the same first byte and
 * strides); any other overlap of what is written with a tensor of the call is refused.
 * Empty tensors: grad_weight and grad_bias become 0.
 * Errors: as halogen_norm_forward().
 */
typedef struct halogen_norm_backward_args {
  size_t struct_size;
  halogen_norm_scope scope; /**< required, also with given statistics (the scope then has no effect) */
  int32_t num_groups;       /**< scope group: a divisor of C. Else 0 */
  halogen_layout layout;    /**< of the shapes of all data. 0: (N, C, ...) */
  halogen_norm_path
      path; /**< 0: AUTO. ROW, SLAB: sums and grad_input at once from the cache, with scope group only where a set is a row without gaps
                 (layer norm; ROW); SPLIT: sums first */
  const DLTensor *input;       /**< required */
  const DLTensor *grad_output; /**< required */
  const DLTensor *weight;      /**< NULL: 1 */
  const DLTensor
      *saved_mean; /**< NULL: recomputed; else (C), instance (N, C), group (N, groups), as the forward pass writes it */
  const DLTensor *saved_rstd;    /**< as saved_mean */
  const DLTensor *mean;          /**< NULL: the input's own */
  const DLTensor *var;           /**< NULL: the input's own */
  halogen_activation activation; /**< 0: none */
  double negative_slope;         /**< leaky relu: finite, >= 0; else 0 */
  const DLTensor *output;        /**< required with an activation, else ignored */
  const DLTensor *grad_input;    /**< NULL: not asked for */
  const DLTensor *grad_residual; /**< NULL: not asked for */
  const DLTensor *grad_weight;   /**< NULL: not asked for */
  const DLTensor *grad_bias;     /**< NULL: not asked for; of grad_weight's dtype */
  double eps;                    /**< as in the forward pass */
  void *stream; /**< GPU: CUstream or cl_command_queue; NULL: the context's. The call does not wait for it */
  halogen_kernel_info *ran;  /**< NULL, or receives which kernels ran */
  const DLTensor *moments;   /**< NULL; else those of a batch that `input` is a part of: halogen/moments.h */
  const DLTensor *sums;      /**< NULL; with moments, the whole batch's: halogen/moments.h */
  const DLTensor *part_sums; /**< NULL; with moments, or receives those of `input`: halogen/moments.h */
} halogen_norm_backward_args;

#define HALOGEN_NORM_BACKWARD_ARGS_INIT HALOGEN_ZEROED(halogen_norm_backward_args)

/** Runs it. Thread-safe on one context as long as the tensors of two calls do not overlap. */
HALOGEN_API halogen_status halogen_norm_backward(halogen_context *context, const halogen_norm_backward_args *args,
                                                 halogen_error *error);

/** As halogen_norm_query(). */
HALOGEN_API halogen_status halogen_norm_backward_query(halogen_context *context, const halogen_norm_backward_args *args,
                                                       halogen_kernel_info *info, halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
