/* halogen/moments.h: batch normalisation of a batch that is shared out between processes or devices (SyncBatchNorm). Each has a part
 * of it, of any size, also none. The library computes; how tensors travel (MPI, NCCL, ...) is the caller's choice:
 *
 *   forward:   halogen_norm_moments() of the part                             -> (3, C)
 *              all gather                                                     -> (parts, 3, C)
 *              halogen_norm_merge_moments()                                   -> (3, C), the same everywhere
 *              halogen_norm_forward() with `moments`
 *   backward:  halogen_norm_backward() with `moments` and `part_sums`         -> (2, C); grad_weight and grad_bias of the part
 *              all reduce: the sum over the parts                             -> (2, C)
 *              halogen_norm_backward() with `moments`, `sums` and grad_input
 *
 * Moments are a contiguous float64 tensor (3, C): the rows are count, the number of values per channel; mean; M2, the sum of
 * (x - mean)^2. Of no values all three are 0. Sums are a contiguous float64 tensor (2, C): sum(g) and sum(g (x - m)), with g the gradient
 * behind the activation and m the mean, rounded to the type that is computed in.
 *
 * halogen_norm_forward() with `moments` takes statistics from them as it would from the whole batch (scope batch; neither `mean` nor
 * `var`): running statistics, by the whole count, and saved ones are written on every part, an empty one too. A count of 0 leaves
 * running statistics as they are.
 * halogen_norm_backward() with `moments` (in place of saved statistics) needs `sums` for grad_input. grad_weight and grad_bias are those
 * of `sums`, the whole batch's, if these are given, else of the part. An activation's mask may be taken once: ask for grad_residual with
 * part_sums, and pass it as grad_output, without an activation, with sums.
 *
 * Merging is associative to rounding, in float64: the moments of the same parts, put together in any order and any groups, agree to a
 * few units in the last place, of the mean relative to the largest part's, of M2 relative to M2 + abs(mean) * sqrt(count * M2). Where a
 * batch is cut changes more, as blocks of float32 and 16-bit data are summed up in float32: its parts have the mean of the whole to 1e-6
 * of abs(mean) + deviation, and M2 to 1e-6 (16-bit data 4e-6, float64 1e-14) of itself (docs/numerics.md).
 */
#ifndef HALOGEN_MOMENTS_H
#define HALOGEN_MOMENTS_H

#include <halogen/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct halogen_norm_moments_args {
  size_t struct_size;
  halogen_layout layout;   /**< of the input's shape. 0: (N, C, ...) */
  const DLTensor *input;   /**< required; as halogen_norm_args.input */
  const DLTensor *moments; /**< required, (3, C); its memory is written and overlaps no other tensor */
  void *stream;            /**< GPU: CUstream or cl_command_queue; NULL: the context's. The call does not wait for it */
  halogen_kernel_info *ran; /**< NULL, or receives which kernels ran */
} halogen_norm_moments_args;

#define HALOGEN_NORM_MOMENTS_ARGS_INIT HALOGEN_ZEROED(halogen_norm_moments_args)

/** The moments of the input's channels, with one read of it. Thread-safe on one context as long as the tensors of two calls do not
 * overlap. Errors: as halogen_norm_forward(). */
HALOGEN_API halogen_status halogen_norm_moments(halogen_context *context, const halogen_norm_moments_args *args,
                                                halogen_error *error);

typedef struct halogen_norm_merge_moments_args {
  size_t struct_size;
  const DLTensor *parts;   /**< required, (parts, 3, C), contiguous float64; parts may be 0 */
  const DLTensor *moments; /**< required, (3, C); its memory is written and overlaps `parts` nowhere */
  void *stream;            /**< GPU: CUstream or cl_command_queue; NULL: the context's. The call does not wait for it */
  halogen_kernel_info *ran; /**< NULL, or receives which kernels ran */
} halogen_norm_merge_moments_args;

#define HALOGEN_NORM_MERGE_MOMENTS_ARGS_INIT HALOGEN_ZEROED(halogen_norm_merge_moments_args)

/** The moments of all parts together, which are taken in their order. Thread-safety and errors: as halogen_norm_moments(). */
HALOGEN_API halogen_status halogen_norm_merge_moments(halogen_context *context,
                                                      const halogen_norm_merge_moments_args *args,
                                                      halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
