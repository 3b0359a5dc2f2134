/* halogen/mindspore.h: modules of MindSpore, with its names, defaults, behaviour and messages (recorded from 2.10; where 2.0 behaves
 * otherwise, `version` says which).
 */
#ifndef HALOGEN_MINDSPORE_H
#define HALOGEN_MINDSPORE_H

#include <halogen/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which MindSpore a module behaves as. */
typedef enum halogen_mindspore_version {
  HALOGEN_MINDSPORE_2_7 = 0, /**< 2.7 and newer */
  HALOGEN_MINDSPORE_2_0 =
      1 /**< 2.0: BatchNorm's moving variance from the biased one; Conv1dTranspose begins with N(0, 0.01) and a bias
                                  of 0 */
} halogen_mindspore_version;

/** What a parameter begins with: a class of mindspore.common.initializer, or a tensor. */
typedef enum halogen_mindspore_init_kind {
  HALOGEN_MINDSPORE_INIT_DEFAULT = 0,          /**< what the module's argument is by default */
  HALOGEN_MINDSPORE_INIT_ZERO = 1,             /**< Zero(), "zeros" */
  HALOGEN_MINDSPORE_INIT_ONE = 2,              /**< One(), "ones" */
  HALOGEN_MINDSPORE_INIT_CONSTANT = 3,         /**< Constant(value), or a number */
  HALOGEN_MINDSPORE_INIT_NORMAL = 4,           /**< Normal(sigma, mean) */
  HALOGEN_MINDSPORE_INIT_UNIFORM = 5,          /**< Uniform(scale): from -scale to scale */
  HALOGEN_MINDSPORE_INIT_TRUNCATED_NORMAL = 6, /**< TruncatedNormal(sigma, mean, a, b) */
  HALOGEN_MINDSPORE_INIT_HE_NORMAL = 7,        /**< HeNormal(negative_slope, mode, nonlinearity) */
  HALOGEN_MINDSPORE_INIT_HE_UNIFORM = 8,       /**< HeUniform(negative_slope, mode, nonlinearity) */
  HALOGEN_MINDSPORE_INIT_XAVIER_UNIFORM = 9,   /**< XavierUniform(gain) */
  HALOGEN_MINDSPORE_INIT_TENSOR = 10           /**< a copy of `tensor` */
} halogen_mindspore_init_kind;

typedef enum halogen_mindspore_fan_mode {
  HALOGEN_MINDSPORE_FAN_IN = 0, /**< "fan_in" */
  HALOGEN_MINDSPORE_FAN_OUT = 1 /**< "fan_out" */
} halogen_mindspore_fan_mode;

typedef enum halogen_mindspore_nonlinearity {
  HALOGEN_MINDSPORE_LEAKY_RELU = 0, /**< "leaky_relu" */
  HALOGEN_MINDSPORE_RELU = 1        /**< "relu" */
} halogen_mindspore_nonlinearity;

/** An initialiser with its arguments, as halogen/init.h has them. All zero: the argument's default. create draws random ones by seed 0,
 * halogen_module_reset_parameters() by a seed of yours. Its size never changes. */
typedef struct halogen_mindspore_init {
  halogen_mindspore_init_kind kind;
  halogen_mindspore_fan_mode mode;             /**< He */
  halogen_mindspore_nonlinearity nonlinearity; /**< He */
  int32_t reserved;                            /**< 0 */
  double
      value; /**< Constant: the value; Normal, TruncatedNormal: sigma; Uniform: scale; He: negative_slope; Xavier: gain */
  double mean; /**< Normal, TruncatedNormal */
  double a, b; /**< TruncatedNormal: bounds, in units of sigma */
  const DLTensor
      *tensor; /**< TENSOR: on the CPU, contiguous, of the parameter's shape and dtype; read by create only */
} halogen_mindspore_init;

/** Order of the dimensions of BatchNorm2d's input. */
typedef enum halogen_mindspore_data_format {
  HALOGEN_MINDSPORE_NCHW = 0, /**< (N, C, H, W) */
  HALOGEN_MINDSPORE_NHWC = 1  /**< (N, H, W, C) */
} halogen_mindspore_data_format;

/** Parameters of mindspore.nn.BatchNorm1d, 2d and 3d. Fill with halogen_mindspore_batch_norm_params_init(), then change what differs. */
typedef struct halogen_mindspore_batch_norm_params {
  size_t struct_size;
  int64_t num_features; /**< C, at least 1 */
  double eps;           /**< 1e-5; MindSpore keeps it as float32 */
  double momentum;      /**< 0.9, weight of the *old* statistic, 0 to 1 */
  int32_t affine;       /**< 1; 0: gamma and beta exist and are applied all the same, but get no gradient */
  halogen_tristate use_batch_statistics; /**< NONE: in training; TRUE: always; FALSE: never */
  halogen_mindspore_data_format
      data_format; /**< NCHW; NHWC for 2d only. (MindSpore has NHWC on GPUs only, Halogen everywhere.) */
  halogen_mindspore_version version;       /**< the newest */
  halogen_mindspore_init gamma_init;       /**< ones */
  halogen_mindspore_init beta_init;        /**< zeros */
  halogen_mindspore_init moving_mean_init; /**< zeros */
  halogen_mindspore_init moving_var_init;  /**< ones */
  DLDataType dtype;                        /**< float32: of gamma, beta and the moving statistics */
  DLDevice device;                         /**< CPU */
} halogen_mindspore_batch_norm_params;

/** Parameters of mindspore.nn.InstanceNorm1d, 2d and 3d; as above. */
typedef struct halogen_mindspore_instance_norm_params {
  size_t struct_size;
  int64_t num_features; /**< C, at least 1 */
  double eps;           /**< 1e-5; MindSpore keeps it as float32 */
  double momentum;      /**< 0.1, 0 to 1; without effect, as in MindSpore: moving statistics never move */
  int32_t affine;       /**< 1; 0: gamma and beta exist and are applied all the same, but get no gradient */
  halogen_mindspore_version version; /**< the newest; without effect */
  halogen_mindspore_init gamma_init; /**< ones */
  halogen_mindspore_init beta_init;  /**< zeros */
  DLDataType dtype;                  /**< float32: of gamma, beta and the moving statistics */
  DLDevice device;                   /**< CPU */
} halogen_mindspore_instance_norm_params;

/** What is cropped of the full result of (L - 1) * stride + dk positions, dk = dilation * (kernel_size - 1) + 1. Where it is shorter than
 * the output, positions of bias alone follow. (MindSpore's own formulas for the length are not what it computes.) */
typedef enum halogen_mindspore_pad_mode {
  HALOGEN_MINDSPORE_PAD_SAME =
      0, /**< "same": output L * stride; left of t = max(dk - stride, 0): t / 2, rounded down */
  HALOGEN_MINDSPORE_PAD_VALID = 1, /**< "valid": output L * stride + max(dk - stride, 0), nothing cropped */
  HALOGEN_MINDSPORE_PAD_PAD = 2    /**< "pad": `padding` on both sides */
} halogen_mindspore_pad_mode;

/** Parameters of mindspore.nn.Conv1dTranspose; as above. */
typedef struct halogen_mindspore_conv1d_transpose_params {
  size_t struct_size;
  int64_t in_channels;                 /**< at least 1 */
  int64_t out_channels;                /**< at least 1 */
  int64_t kernel_size;                 /**< at least 1 */
  int64_t stride;                      /**< 1 */
  halogen_mindspore_pad_mode pad_mode; /**< SAME */
  int32_t has_bias;                    /**< 0 */
  int64_t padding;                     /**< 0; other numbers with PAD only */
  int64_t dilation;                    /**< 1 */
  int64_t group;                       /**< 1, a divisor of both channels */
  halogen_mindspore_version version;   /**< the newest: decides the default initialisers */
  int32_t reserved;                    /**< 0 */
  halogen_mindspore_init weight_init;  /**< None: HeUniform(sqrt(5)); before 2.7 Normal(0.01) */
  halogen_mindspore_init bias_init;    /**< None: Uniform(1 / sqrt(fan)); before 2.7 zeros */
  DLDataType dtype;                    /**< float32; or float16 */
  DLDevice device;                     /**< CPU */
} halogen_mindspore_conv1d_transpose_params;

/** Fills `params` with the framework's defaults. @param struct_size sizeof *params. */
HALOGEN_API halogen_status halogen_mindspore_batch_norm_params_init(halogen_mindspore_batch_norm_params *params,
                                                                    size_t struct_size, int64_t num_features,
                                                                    halogen_error *error);
HALOGEN_API halogen_status halogen_mindspore_instance_norm_params_init(halogen_mindspore_instance_norm_params *params,
                                                                       size_t struct_size, int64_t num_features,
                                                                       halogen_error *error);
HALOGEN_API halogen_status halogen_mindspore_conv1d_transpose_params_init(
    halogen_mindspore_conv1d_transpose_params *params, size_t struct_size, int64_t in_channels, int64_t out_channels,
    int64_t kernel_size, halogen_error *error);

/* All modules begin in evaluation mode, as MindSpore's cells do. Input and output have one shape unless said otherwise, any strides, and
 * are float32 or float16; the state is float32 (Conv1dTranspose: of the input's dtype). The context must outlive the module.
 * Random initialisers are refused by create with HALOGEN_ERROR_UNSUPPORTED. */

/** mindspore.nn.BatchNorm1d, 2d, 3d. State: moving_mean (0), moving_variance (1), gamma (1), beta (0), always all four. Input (N, C) or
 * (N, C, L); (N, C, H, W) or by data_format (N, H, W, C); (N, C, D, H, W).
 * Batch statistics, when use_batch_statistics says so (NONE: in training), normalise and move the moving ones, in evaluation mode,
 * too: new = momentum * old + (1 - momentum) * statistic, with the unbiased variance (version 2.0: the biased one). Else the moving
 * statistics normalise. gamma and beta are applied whatever `affine` is, which only decides whether they get gradients.
 * (With TRUE no two threads may run forward at the same time, in evaluation mode, too.)
 * One value per channel: the output is beta, moving_variance becomes NaN (version 2.0: stays finite). The output may be the input. */
HALOGEN_API halogen_status halogen_mindspore_batch_norm1d_create(halogen_context *context,
                                                                 const halogen_mindspore_batch_norm_params *params,
                                                                 halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_mindspore_batch_norm2d_create(halogen_context *context,
                                                                 const halogen_mindspore_batch_norm_params *params,
                                                                 halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status halogen_mindspore_batch_norm3d_create(halogen_context *context,
                                                                 const halogen_mindspore_batch_norm_params *params,
                                                                 halogen_module **module, halogen_error *error);

/** mindspore.nn.InstanceNorm1d, 2d, 3d. State as above; the moving statistics exist and are never moved or used. Input (N, C, L); (N, C,
 * H, W); (N, C, D, H, W). Always the instance's own statistics. MindSpore runs these on GPUs only, Halogen everywhere, with what
 * MindSpore's GPU kernel computes. The output may be the input. */
HALOGEN_API halogen_status
halogen_mindspore_instance_norm1d_create(halogen_context *context, const halogen_mindspore_instance_norm_params *params,
                                         halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status
halogen_mindspore_instance_norm2d_create(halogen_context *context, const halogen_mindspore_instance_norm_params *params,
                                         halogen_module **module, halogen_error *error);
HALOGEN_API halogen_status
halogen_mindspore_instance_norm3d_create(halogen_context *context, const halogen_mindspore_instance_norm_params *params,
                                         halogen_module **module, halogen_error *error);

/** mindspore.nn.Conv1dTranspose. State: weight (in_channels, out_channels / group, 1, kernel_size) and, if has_bias, bias
 * (out_channels); 0 where no initialiser is given (MindSpore draws them: reset_parameters). Input (N, in_channels, L); output (N, out_channels,
 * L_out) with at least one position, apart from each other: see halogen_mindspore_pad_mode. Packing of weights as
 * halogen_torch_conv_transpose1d_create() describes it. */
HALOGEN_API halogen_status halogen_mindspore_conv1d_transpose_create(
    halogen_context *context, const halogen_mindspore_conv1d_transpose_params *params, halogen_module **module,
    halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
