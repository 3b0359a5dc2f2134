/* halogen/torch.h: modules of PyTorch, with its names, defaults, behaviour and messages (recorded from torch 2.15). */
#ifndef HALOGEN_TORCH_H
#define HALOGEN_TORCH_H

#include <halogen/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of torch.nn.BatchNorm1d, 2d and 3d. Fill with halogen_torch_batch_norm_params_init(), then change what differs. */
typedef struct halogen_torch_batch_norm_params {
  size_t struct_size;
  int64_t num_features;        /**< C, at least 1 */
  double eps;                  /**< 1e-5 */
  double momentum;             /**< 0.1, weight of the new statistic; no effect if momentum_is_none */
  int32_t momentum_is_none;    /**< 0; 1: momentum=None, cumulative average by num_batches_tracked */
  int32_t affine;              /**< 1 */
  int32_t track_running_stats; /**< 1 */
  DLDataType dtype;            /**< float32; or float64, float16, bfloat16 */
  DLDevice device;             /**< CPU */
  int32_t bias;                /**< 1, also where an older header lacks it; 0: of affine only the weight (torch 2.15) */
  int32_t reserved;            /**< 0 */
} halogen_torch_batch_norm_params;

/** Parameters of torch.nn.InstanceNorm1d, 2d and 3d; as above. */
typedef struct halogen_torch_instance_norm_params {
  size_t struct_size;
  int64_t num_features;        /**< C, at least 1 */
  double eps;                  /**< 1e-5 */
  double momentum;             /**< 0.1, weight of the new statistic; no effect if momentum_is_none */
  int32_t momentum_is_none;    /**< 0; 1: momentum=None: running statistics never move */
  int32_t affine;              /**< 0 */
  int32_t track_running_stats; /**< 0 */
  DLDataType dtype;            /**< float32; or float64, float16, bfloat16 */
  DLDevice device;             /**< CPU */
  int32_t bias;                /**< 1, also where an older header lacks it; 0: of affine only the weight (torch 2.15) */
  int32_t reserved;            /**< 0 */
} halogen_torch_instance_norm_params;

/** Parameters of torch.nn.GroupNorm; as above. */
typedef struct halogen_torch_group_norm_params {
  size_t struct_size;
  int64_t num_groups;   /**< at least 1 */
  int64_t num_channels; /**< a multiple of num_groups */
  double eps;           /**< 1e-5 */
  int32_t affine;       /**< 1 */
  DLDataType dtype;     /**< float32; or float64, float16, bfloat16 */
  DLDevice device;      /**< CPU */
  int32_t bias;         /**< 1, also where an older header lacks it; 0: of affine only the weight (torch 2.15) */
  int32_t reserved;     /**< 0 */
} halogen_torch_group_norm_params;

/** Parameters of torch.nn.LayerNorm; as above. */
typedef struct halogen_torch_layer_norm_params {
  size_t struct_size;
  const int64_t *normalized_shape; /**< the input's last dimensions, at least 1 each; read by create only */
  int32_t normalized_dims;         /**< their number, 1 to 8 */
  int32_t elementwise_affine;      /**< 1 */
  int32_t bias;                    /**< 1; no effect without elementwise_affine */
  DLDataType dtype;                /**< float32; or float64, float16, bfloat16 */
  double eps;                      /**< 1e-5 */
  DLDevice device;                 /**< CPU */
} halogen_torch_layer_norm_params;

/** Fills `params` with the framework's defaults. @param struct_size sizeof *params. */
HALOGEN_API halogen_status halogen_torch_batch_norm_params_init(halogen_torch_batch_norm_params *params,
                                                                size_t struct_size, int64_t num_features,
                                                                halogen_error *error);
HALOGEN_API halogen_status halogen_torch_instance_norm_params_init(halogen_torch_instance_norm_params *params,
                                                                   size_t struct_size, int64_t num_features,
                                                                   halogen_error *error);

HALOGEN_API halogen_status halogen_torch_group_norm_params_init(halogen_torch_group_norm_params *params,
                                                                size_t struct_size, int64_t num_groups,
                                                                int64_t num_channels, halogen_error *error);
HALOGEN_API halogen_status halogen_torch_layer_norm_params_init(halogen_torch_layer_norm_params *params,
                                                                size_t struct_size, const int64_t *normalized_shape,
                                                                int32_t normalized_dims, halogen_error *error);

/* All modules: state has the dtype of the params. Input and output have that dtype too, or, where it is float32, float16 or bfloat16;
 * a module without state takes any dtype. They have the same shape, any strides (channels_last as well as contiguous), and the output
 * may be the input. The context must outlive the module. */

/** torch.nn.BatchNorm1d, 2d, 3d. State: weight (1), bias (0, if bias) if affine; running_mean (0), running_var (1), num_batches_tracked
 * (int64 scalar, 0) if track_running_stats. Input (N, C) or (N, C, L); (N, C, H, W); (N, C, D, H, W).
 * Training: the batch's statistics; running ones move by momentum, the variance unbiased. Evaluation: the running statistics,
 * or the batch's if none are tracked. One value per channel in training is HALOGEN_ERROR_TOO_FEW_VALUES; N = 0 is accepted:
 * nothing is computed, running statistics stay, num_batches_tracked counts. */
HALOGEN_API halogen_status halogen_torch_batch_norm1d_create(halogen_context *context,
                                                             const halogen_torch_batch_norm_params *params,
                                                             halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_torch_batch_norm2d_create(halogen_context *context,
                                                             const halogen_torch_batch_norm_params *params,
                                                             halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_torch_batch_norm3d_create(halogen_context *context,
                                                             const halogen_torch_batch_norm_params *params,
                                                             halogen_module **module, halogen_error *error);

/** torch.nn.InstanceNorm1d, 2d, 3d. State as above (weight and bias only if affine, the others only if track_running_stats;
 * num_batches_tracked never moves). Input (N, C, L), (N, C, H, W), (N, C, D, H, W), or without N. The instance's own statistics, except
 * in evaluation with track_running_stats: then the running ones. Training with track_running_stats moves them by the mean over N.
 * A single spatial element is HALOGEN_ERROR_TOO_FEW_VALUES unless running statistics are used.
 * As in torch, without affine and tracking an input whose C is not num_features is accepted. */
HALOGEN_API halogen_status halogen_torch_instance_norm1d_create(halogen_context *context,
                                                                const halogen_torch_instance_norm_params *params,
                                                                halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_torch_instance_norm2d_create(halogen_context *context,
                                                                const halogen_torch_instance_norm_params *params,
                                                                halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_torch_instance_norm3d_create(halogen_context *context,
                                                                const halogen_torch_instance_norm_params *params,
                                                                halogen_module **module, halogen_error *error);

/** torch.nn.GroupNorm. State: weight (1), bias (0, if bias) if affine. Input (N, C, ...) of rank 2 to 8. One value per group and sample with a
 * batch of one is HALOGEN_ERROR_TOO_FEW_VALUES. Without affine any C that num_groups divides is accepted. */
HALOGEN_API halogen_status halogen_torch_group_norm_create(halogen_context *context,
                                                           const halogen_torch_group_norm_params *params,
                                                           halogen_module **module, halogen_error *error);

/** torch.nn.LayerNorm. State, of shape normalized_shape: weight (1) if elementwise_affine, bias (0) if bias too. Input (*,
 * normalized_shape) of rank 1 to 8; strides without gaps within the normalized dimensions, and within the others. */
HALOGEN_API halogen_status halogen_torch_layer_norm_create(halogen_context *context,
                                                           const halogen_torch_layer_norm_params *params,
                                                           halogen_module **module, halogen_error *error);

/** Parameters of torch.nn.ConvTranspose1d. Fill with halogen_torch_conv_transpose1d_params_init(), then change what differs. */
typedef struct halogen_torch_conv_transpose1d_params {
  size_t struct_size;
  int64_t in_channels;               /**< at least 1 */
  int64_t out_channels;              /**< at least 1 */
  int64_t kernel_size;               /**< at least 1 */
  int64_t stride;                    /**< 1 */
  int64_t padding;                   /**< 0: positions cropped on both sides */
  int64_t output_padding;            /**< 0: positions added on the right; less than stride or less than dilation */
  int64_t groups;                    /**< 1, a divisor of both channels */
  int32_t bias;                      /**< 1 */
  halogen_padding_mode padding_mode; /**< ZEROS; others are refused, as torch refuses them */
  int64_t dilation;                  /**< 1 */
  DLDataType dtype;                  /**< float32; or float64, float16, bfloat16 */
  DLDevice device;                   /**< CPU */
} halogen_torch_conv_transpose1d_params;

/** Fills `params` with the framework's defaults. @param struct_size sizeof *params. */
HALOGEN_API halogen_status halogen_torch_conv_transpose1d_params_init(halogen_torch_conv_transpose1d_params *params,
                                                                      size_t struct_size, int64_t in_channels,
                                                                      int64_t out_channels, int64_t kernel_size,
                                                                      halogen_error *error);

/** torch.nn.ConvTranspose1d with padding_mode="zeros". State: weight (in_channels, out_channels / groups, kernel_size) and, if bias,
 * bias (out_channels); both are 0 until they are loaded, bound or written (torch draws them: reset_parameters). Input (N, in_channels, L) or
 * (in_channels, L), output with out_channels and the length of halogen_torch_conv_transpose1d_output_length(), of the state's dtype, any
 * strides, apart from each other.
 * In evaluation mode the weight is packed at the first forward, and again after set_training, load_state or bind_state of
 * halogen/module.h: what is written through halogen_module_state() meanwhile is not seen. In training mode every forward packs.
 * The context must outlive the module. */
HALOGEN_API halogen_status halogen_torch_conv_transpose1d_create(halogen_context *context,
                                                                 const halogen_torch_conv_transpose1d_params *params,
                                                                 halogen_module **module, halogen_error *error);

/** Length of the output for an input of `length`: (length - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding
 * + 1. @param module made by halogen_torch_conv_transpose1d_create(). @param output_length untouched on failure. */
HALOGEN_API halogen_status halogen_torch_conv_transpose1d_output_length(const halogen_module *module, int64_t length,
                                                                        int64_t *output_length, halogen_error *error);

/** forward(input, output_size): the output has `output_size` positions, which must be one of the `stride` possible lengths; the
 * module's output_padding is then without effect. Otherwise as halogen_module_forward(). */
HALOGEN_API halogen_status halogen_torch_conv_transpose1d_forward_size(halogen_module *module, const DLTensor *input,
                                                                       int64_t output_size, const DLTensor *output,
                                                                       void *stream, halogen_kernel_info *ran,
                                                                       halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
