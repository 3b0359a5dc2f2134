/* halogen/torch.h: modules of PyTorch, with its names, defaults, behaviour and messages (recorded from torch 2.15). */
#ifndef HALOGEN_TORCH_H
#define HALOGEN_TORCH_H

#include <halogen/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of torch.nn.BatchNorm2d. Fill with halogen_torch_batch_norm_params_init(), then change what differs. */
typedef struct halogen_torch_batch_norm_params {
  size_t struct_size;
  int64_t num_features;        /**< C, at least 1 */
  double eps;                  /**< 1e-5 */
  double momentum;             /**< 0.1, weight of the new statistic; no effect if momentum_is_none */
  int32_t momentum_is_none;    /**< 0; 1: momentum=None, cumulative average by num_batches_tracked */
  int32_t affine;              /**< 1 */
  int32_t track_running_stats; /**< 1 */
  DLDataType dtype;            /**< float32 */
  DLDevice device;             /**< CPU */
} halogen_torch_batch_norm_params;

/** Parameters of torch.nn.InstanceNorm2d; as above. */
typedef struct halogen_torch_instance_norm_params {
  size_t struct_size;
  int64_t num_features;        /**< C, at least 1 */
  double eps;                  /**< 1e-5 */
  double momentum;             /**< 0.1, weight of the new statistic; no effect if momentum_is_none */
  int32_t momentum_is_none;    /**< 0; 1: momentum=None: running statistics never move */
  int32_t affine;              /**< 0 */
  int32_t track_running_stats; /**< 0 */
  DLDataType dtype;            /**< float32 */
  DLDevice device;             /**< CPU */
} halogen_torch_instance_norm_params;

/** Fills `params` with the framework's defaults. @param struct_size sizeof *params. */
HALOGEN_API halogen_status halogen_torch_batch_norm_params_init(halogen_torch_batch_norm_params *params,
                                                                size_t struct_size, int64_t num_features,
                                                                halogen_error *error);
HALOGEN_API halogen_status halogen_torch_instance_norm_params_init(halogen_torch_instance_norm_params *params,
                                                                   size_t struct_size, int64_t num_features,
                                                                   halogen_error *error);

/** torch.nn.BatchNorm2d. State: weight (1), bias (0) if affine; running_mean (0), running_var (1), num_batches_tracked (int64
 * scalar, 0) if track_running_stats. Input and output (N, C, H, W), float32, contiguous; output may be the input.
 * Training: the batch's statistics; running ones move by momentum, the variance unbiased. Evaluation: the running statistics,
 * or the batch's if none are tracked. One value per channel in training is HALOGEN_ERROR_TOO_FEW_VALUES; N = 0 is accepted:
 * nothing is computed, running statistics stay, num_batches_tracked counts.
 * The context must outlive the module. */
HALOGEN_API halogen_status halogen_torch_batch_norm2d_create(halogen_context *context,
                                                             const halogen_torch_batch_norm_params *params,
                                                             halogen_module **module, halogen_error *error);

/** torch.nn.InstanceNorm2d. State as above (weight and bias only if affine, the others only if track_running_stats;
 * num_batches_tracked never moves). Input and output (N, C, H, W) or (C, H, W). The instance's own statistics, except in
 * evaluation with track_running_stats: then the running ones. Training with track_running_stats moves them by the mean over N.
 * A single spatial element is HALOGEN_ERROR_TOO_FEW_VALUES unless running statistics are used.
 * As in torch, without affine and tracking an input whose C is not num_features is accepted. */
HALOGEN_API halogen_status halogen_torch_instance_norm2d_create(halogen_context *context,
                                                                const halogen_torch_instance_norm_params *params,
                                                                halogen_module **module, halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
