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
  int32_t momentum_is_none;    /**< 0; 1: momentum=None, which OneFlow refuses in training, and so does forward */
  int32_t affine;              /**< 1 */
  int32_t track_running_stats; /**< 1 */
  int32_t reserved;            /**< 0 */
  DLDataType dtype;            /**< float32; or float64 */
  DLDevice device;             /**< CPU */
} halogen_oneflow_batch_norm_params;

/** Parameters of oneflow.nn.InstanceNorm1d, 2d and 3d; as above. */
typedef struct halogen_oneflow_instance_norm_params {
  size_t struct_size;
  int64_t num_features; /**< C, at least 1 */
  double eps;           /**< 1e-5; OneFlow keeps it as float32, also for float64 data */
  double momentum;      /**< 0.1; without effect unless documented_running_stats */
  int32_t
      momentum_is_none; /**< 0; 1: momentum=None, accepted as in OneFlow; with documented_running_stats: statistics never move */
  int32_t affine;              /**< 0 */
  int32_t track_running_stats; /**< 0; 1: running statistics exist */
  int32_t
      documented_running_stats; /**< 0: as OneFlow behaves: running statistics are never moved and never used. 1: as it documents,
                                         which is what torch does: training moves them, evaluation uses them */
  DLDataType dtype;             /**< float32; or float64 */
  DLDevice device;              /**< CPU */
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

#ifdef __cplusplus
}
#endif
#endif
