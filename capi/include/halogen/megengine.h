/* halogen/megengine.h: modules of MegEngine, with its names, defaults, behaviour and messages (recorded from 1.13). */
#ifndef HALOGEN_MEGENGINE_H
#define HALOGEN_MEGENGINE_H

#include <halogen/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of megengine.module.BatchNorm1d and 2d. Fill with halogen_megengine_batch_norm_params_init(), then change what differs. */
typedef struct halogen_megengine_batch_norm_params {
  size_t struct_size;
  int64_t num_features;        /**< C, at least 1 */
  double eps;                  /**< 1e-5; MegEngine keeps it as float32 */
  double momentum;             /**< 0.9, weight of the *old* statistic, 0 to 1 */
  int32_t momentum_is_none;    /**< 0; 1: momentum=None, which MegEngine fails on in training, and so does Halogen */
  int32_t affine;              /**< 1 */
  int32_t track_running_stats; /**< 1 */
  int32_t freeze;   /**< 0; 1: the running statistics in training, too, never moved; no gradient for weight and bias */
  DLDataType dtype; /**< float32 */
  DLDevice device;  /**< CPU */
} halogen_megengine_batch_norm_params;

/** Parameters of megengine.module.InstanceNorm; as above. */
typedef struct halogen_megengine_instance_norm_params {
  size_t struct_size;
  int64_t num_channels; /**< C, at least 1 */
  double eps;           /**< 1e-5; MegEngine keeps it as float32 */
  int32_t affine;       /**< 1 */
  int32_t reserved;     /**< 0 */
  DLDataType dtype;     /**< float32; or float16 */
  DLDevice device;      /**< CPU */
} halogen_megengine_instance_norm_params;

typedef enum halogen_megengine_conv_mode {
  HALOGEN_MEGENGINE_CROSS_CORRELATION = 0, /**< "cross_correlation", the only one that MegEngine has */
  HALOGEN_MEGENGINE_CONVOLUTION = 1        /**< "convolution": refused */
} halogen_megengine_conv_mode;

typedef enum halogen_megengine_compute_mode {
  HALOGEN_MEGENGINE_COMPUTE_DEFAULT = 0, /**< "default" */
  HALOGEN_MEGENGINE_COMPUTE_FLOAT32 = 1  /**< "float32": the same, since Halogen always sums 16-bit data in float32 */
} halogen_megengine_compute_mode;

/** Parameters of megengine.module.ConvTranspose2d, as above; pairs are (height, width). One axis must be of size 1 in everything:
 * kernel_size, stride and dilation 1, padding and output_padding 0. */
typedef struct halogen_megengine_conv_transpose2d_params {
  size_t struct_size;
  int64_t in_channels;    /**< at least 1 */
  int64_t out_channels;   /**< at least 1 */
  int64_t kernel_size[2]; /**< at least 1 */
  int64_t stride[2];      /**< 1 */
  int64_t padding[2];     /**< 0: positions cropped on both sides */
  int64_t output_padding
      [2]; /**< 0: positions added at the end; less than stride. As in MegEngine 1.13 the width's is without effect
                                  unless the height has one too, and groups above 1 refuse the height's */
  int64_t dilation[2];                         /**< 1 */
  int64_t groups;                              /**< 1, a divisor of both channels */
  int32_t bias;                                /**< 1 */
  halogen_megengine_conv_mode conv_mode;       /**< CROSS_CORRELATION */
  halogen_megengine_compute_mode compute_mode; /**< DEFAULT */
  int32_t reserved;                            /**< 0 */
  DLDataType dtype;                            /**< float32 */
  DLDevice device;                             /**< CPU */
} halogen_megengine_conv_transpose2d_params;

/** Fills `params` with the framework's defaults. @param struct_size sizeof *params. */
HALOGEN_API halogen_status halogen_megengine_batch_norm_params_init(halogen_megengine_batch_norm_params *params,
                                                                    size_t struct_size, int64_t num_features,
                                                                    halogen_error *error);
HALOGEN_API halogen_status halogen_megengine_instance_norm_params_init(halogen_megengine_instance_norm_params *params,
                                                                       size_t struct_size, int64_t num_channels,
                                                                       halogen_error *error);
/** @param kernel_size (height, width); the axis that is not 1 is the one the module works along, the width if both are. */
HALOGEN_API halogen_status halogen_megengine_conv_transpose2d_params_init(
    halogen_megengine_conv_transpose2d_params *params, size_t struct_size, int64_t in_channels, int64_t out_channels,
    const int64_t *kernel_size, halogen_error *error);

/* All modules: the context must outlive the module; input and output may have any strides. */

/** megengine.module.BatchNorm1d, 2d. State, each of shape (1, C, 1, 1), float32: weight (1), bias (0) if affine; running_mean (0),
 * running_var (1) if track_running_stats. Input (N, C) or (N, C, L); (N, C, H, W), float32 or float16; the output may be the input.
 * Training: the batch's statistics; running ones move, new = momentum * old + (1 - momentum) * statistic, with the unbiased variance.
 * Evaluation, and freeze: the running statistics, or, where none are tracked, the batch's. One value per channel: the output is bias,
 * running_var becomes NaN. Unlike MegEngine's, BatchNorm1d works with freeze. */
HALOGEN_API halogen_status halogen_megengine_batch_norm1d_create(halogen_context *context,
                                                                 const halogen_megengine_batch_norm_params *params,
                                                                 halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_megengine_batch_norm2d_create(halogen_context *context,
                                                                 const halogen_megengine_batch_norm_params *params,
                                                                 halogen_module **module, halogen_error *error);

/** megengine.module.InstanceNorm. State of shape (C): weight (1), bias (0) if affine. Input (N, C, H, W), float32, or float16 with float16
 * state; the output may be the input. Always the instance's own statistics; of a single element the output is bias. Unlike MegEngine,
 * which reads past the end of its parameters, an input of other than num_channels channels is refused. */
HALOGEN_API halogen_status halogen_megengine_instance_norm_create(halogen_context *context,
                                                                  const halogen_megengine_instance_norm_params *params,
                                                                  halogen_module **module, halogen_error *error);

/** megengine.module.ConvTranspose2d with one axis of size 1: input (N, in_channels, H, W) with H = 1, or, where kernel_size is (k, 1),
 * W = 1, float32; output of the same form, apart from the input. State: weight (in_channels, out_channels, kernel_size), with groups
 * above 1 (groups, in_channels / groups, out_channels / groups, kernel_size), and, if bias, bias (1, out_channels, 1, 1); both are 0
 * until they are loaded, bound or written (MegEngine draws them: reset_parameters). Length: as torch's. At least one position. Packing of
 * weights as halogen_torch_conv_transpose1d_create() describes it. */
HALOGEN_API halogen_status halogen_megengine_conv_transpose2d_create(
    halogen_context *context, const halogen_megengine_conv_transpose2d_params *params, halogen_module **module,
    halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
