/* halogen/oneflow.h: modules of OneFlow, with its names, defaults, behaviour and messages (recorded from 0.9). */
#ifndef HALOGEN_ONEFLOW_H
#define HALOGEN_ONEFLOW_H

#include <halogen/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of oneflow.nn.BatchNorm1d, 2d and 3d. Fill with halogen_oneflow_batch_norm_params_init(), then change what differs. */
typedef struct halogen_oneflow_batch_norm_params {
  size_t struct_size;
  int64_t num_features; /**< C, at least 1 */
  double eps;           /**< 1e-5; OneFlow keeps it as float32, also for float64 data */
  double momentum;      /**< 0.1, weight of the new statistic; OneFlow computes it as 1 - (1 - momentum) in float32 */
  int32_t momentum_is_none;    /**< 0; 1: momentum=None, which OneFlow refuses in forward, and so does Halogen */
  int32_t affine;              /**< 1 */
  int32_t track_running_stats; /**< 1 */
  int32_t reserved;            /**< 0 */
  DLDataType dtype;            /**< float32; or float64 */
  DLDevice device;             /**< CPU */
} halogen_oneflow_batch_norm_params;

/** Parameters of oneflow.nn.InstanceNorm1d, 2d and 3d; as above. documented_running_stats 0: as OneFlow behaves: running statistics are
 * never moved and never used. 1: as it documents, which is what torch does: training moves them, evaluation uses them. */
typedef struct halogen_oneflow_instance_norm_params {
  size_t struct_size;
  int64_t num_features;             /**< C, at least 1 */
  double eps;                       /**< 1e-5 */
  double momentum;                  /**< 0.1; without effect unless documented_running_stats */
  int32_t momentum_is_none;         /**< 0; 1: momentum=None, accepted: documented running statistics never move */
  int32_t affine;                   /**< 0 */
  int32_t track_running_stats;      /**< 0; 1: running statistics exist */
  int32_t documented_running_stats; /**< 0 */
  DLDataType dtype;                 /**< float32; or float64 */
  DLDevice device;                  /**< CPU */
} halogen_oneflow_instance_norm_params;

/** Parameters of oneflow.nn.GroupNorm; as above. */
typedef struct halogen_oneflow_group_norm_params {
  size_t struct_size;
  int64_t num_groups;   /**< at least 1 */
  int64_t num_channels; /**< a multiple of num_groups */
  double eps;           /**< 1e-5 */
  int32_t affine;       /**< 1 */
  int32_t reserved;     /**< 0 */
  DLDataType dtype;     /**< float32; or float64 */
  DLDevice device;      /**< CPU */
} halogen_oneflow_group_norm_params;

/** Parameters of oneflow.nn.LayerNorm; as above. */
typedef struct halogen_oneflow_layer_norm_params {
  size_t struct_size;
  const int64_t *normalized_shape; /**< the input's last dimensions, at least 1 each; read by create only */
  int32_t normalized_dims;         /**< their number, 1 to 8 */
  int32_t elementwise_affine;      /**< 1 */
  double eps;                      /**< 1e-5 */
  DLDataType dtype;                /**< float32; or float64 */
  DLDevice device;                 /**< CPU */
} halogen_oneflow_layer_norm_params;

/** Parameters of oneflow.nn.ConvTranspose1d; as above. */
typedef struct halogen_oneflow_conv_transpose1d_params {
  size_t struct_size;
  int64_t in_channels;    /**< at least 1 */
  int64_t out_channels;   /**< at least 1 */
  int64_t kernel_size;    /**< at least 1 */
  int64_t stride;         /**< 1 */
  int64_t padding;        /**< 0: positions cropped on both sides */
  int64_t output_padding; /**< 0: positions added on the right; any number: what no input reaches holds the bias */
  int64_t groups;         /**< 1, a divisor of both channels */
  int64_t dilation;       /**< 1 */
  int32_t bias;           /**< 1 */
  halogen_padding_mode padding_mode; /**< ZEROS; others are refused */
  DLDataType dtype;                  /**< float32; or float64 */
  DLDevice device;                   /**< CPU */
} halogen_oneflow_conv_transpose1d_params;

/** Fills `params` with the framework's defaults. @param struct_size sizeof *params. */
HALOGEN_API halogen_status halogen_oneflow_batch_norm_params_init(halogen_oneflow_batch_norm_params *params,
                                                                  size_t struct_size, int64_t num_features,
                                                                  halogen_error *error);
HALOGEN_API halogen_status halogen_oneflow_instance_norm_params_init(halogen_oneflow_instance_norm_params *params,
                                                                     size_t struct_size, int64_t num_features,
                                                                     halogen_error *error);
HALOGEN_API halogen_status halogen_oneflow_group_norm_params_init(halogen_oneflow_group_norm_params *params,
                                                                  size_t struct_size, int64_t num_groups,
                                                                  int64_t num_channels, halogen_error *error);
HALOGEN_API halogen_status halogen_oneflow_layer_norm_params_init(halogen_oneflow_layer_norm_params *params,
                                                                  size_t struct_size, const int64_t *normalized_shape,
                                                                  int32_t normalized_dims, halogen_error *error);
HALOGEN_API halogen_status halogen_oneflow_conv_transpose1d_params_init(halogen_oneflow_conv_transpose1d_params *params,
                                                                        size_t struct_size, int64_t in_channels,
                                                                        int64_t out_channels, int64_t kernel_size,
                                                                        halogen_error *error);

/* All modules: float32 or float64 (16-bit dtypes are refused by forward, as OneFlow refuses them on CPUs); state and data have one
 * dtype; any strides. The context must outlive the module. */

/** oneflow.nn.BatchNorm1d, 2d, 3d. State: weight (1), bias (0) if affine; running_mean (0), running_var (1), num_batches_tracked (int64
 * scalar, 0) if track_running_stats. Input (N, C) or (N, C, L); (N, C, H, W); (N, C, D, H, W); the output may be the input.
 * As torch's, but for: momentum None is refused; one value per channel is accepted: the output is bias, running_var becomes NaN.
 * OneFlow's own sums lose their digits where the mean is large against the deviation; Halogen's do not. */
HALOGEN_API halogen_status halogen_oneflow_batch_norm1d_create(halogen_context *context,
                                                               const halogen_oneflow_batch_norm_params *params,
                                                               halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_oneflow_batch_norm2d_create(halogen_context *context,
                                                               const halogen_oneflow_batch_norm_params *params,
                                                               halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_oneflow_batch_norm3d_create(halogen_context *context,
                                                               const halogen_oneflow_batch_norm_params *params,
                                                               halogen_module **module, halogen_error *error);

/** oneflow.nn.InstanceNorm1d, 2d, 3d. State as above (weight and bias only if affine, the others only if track_running_stats). Input (N,
 * C, L); (N, C, H, W); (N, C, D, H, W); the output may be the input. Always the instance's own statistics, and running ones never move,
 * against OneFlow's document: documented_running_stats says so. Of a single element the output is bias. Without affine any number of
 * channels is accepted. */
HALOGEN_API halogen_status halogen_oneflow_instance_norm1d_create(halogen_context *context,
                                                                  const halogen_oneflow_instance_norm_params *params,
                                                                  halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_oneflow_instance_norm2d_create(halogen_context *context,
                                                                  const halogen_oneflow_instance_norm_params *params,
                                                                  halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_oneflow_instance_norm3d_create(halogen_context *context,
                                                                  const halogen_oneflow_instance_norm_params *params,
                                                                  halogen_module **module, halogen_error *error);

/** oneflow.nn.GroupNorm. State: weight (1), bias (0) if affine. Input (N, C, ...) of rank 3 to 8. */
HALOGEN_API halogen_status halogen_oneflow_group_norm_create(halogen_context *context,
                                                             const halogen_oneflow_group_norm_params *params,
                                                             halogen_module **module, halogen_error *error);

/** oneflow.nn.LayerNorm. State, of shape normalized_shape: weight (1), bias (0) if elementwise_affine. Input (*, normalized_shape) with at
 * least one dimension before; strides without gaps within the normalized dimensions, and within the others. */
HALOGEN_API halogen_status halogen_oneflow_layer_norm_create(halogen_context *context,
                                                             const halogen_oneflow_layer_norm_params *params,
                                                             halogen_module **module, halogen_error *error);

/** oneflow.nn.ConvTranspose1d. State: weight (in_channels, out_channels / groups, kernel_size) and, if bias, bias (out_channels); both are
 * 0 until they are loaded, bound or written (OneFlow draws them: reset_parameters). Input (N, in_channels, L), output (N, out_channels, L_out),
 * apart from each other; L_out as torch's, at least 1. Packing of weights as halogen_torch_conv_transpose1d_create() describes it. */
HALOGEN_API halogen_status
halogen_oneflow_conv_transpose1d_create(halogen_context *context, const halogen_oneflow_conv_transpose1d_params *params,
                                        halogen_module **module, halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
