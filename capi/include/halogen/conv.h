/* halogen/conv.h: transposed 1-D convolution over the caller's tensors. Stateless, but for packed weights, which are constant.
 * For engine authors; the frameworks' modules (halogen/torch.h) are built on this.
 */
#ifndef HALOGEN_CONV_H
#define HALOGEN_CONV_H

#include <halogen/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which schedule runs. On a CPU all of forward compute the same bits, but for bfloat16 on v4_spr and v4_zen4, which ROWS sums in pairs.
 * AUTO chooses by shape, data type and level, and by whether the weights are finite; never by the number of threads. On a GPU ROWS is tiles
 * of rows by positions, LENGTH a thread for each position: both take any shape, and each gives bits of its own. */
typedef enum halogen_conv_path {
  HALOGEN_CONV_PATH_AUTO = 0,
  HALOGEN_CONV_PATH_ROWS = 1, /**< lanes run along output channels and phases: any shape, down to one position */
  /** Lanes run along positions. Forward on a CPU: where of the stride / gcd(stride, dilation) phases at most three have one number of taps
   * and at most three another (any number may have none), and the weights are finite, which a query knows of packed ones only, and not
   * packed in pairs. */
  HALOGEN_CONV_PATH_LENGTH = 2,
  HALOGEN_CONV_PATH_COLUMNS = 3 /**< backward on a CPU only: lanes run along taps, for few positions */
} halogen_conv_path;

/** Length of a transposed convolution's output:
 *   (length - 1) * stride + dilation * (kernel - 1) + 1 - pad_left - pad_right
 * HALOGEN_ERROR_ARGUMENT where length or kernel is not positive, HALOGEN_ERROR_STRIDE or HALOGEN_ERROR_DILATION where these are not,
 * HALOGEN_ERROR_OUTPUT_LENGTH where the result is negative, HALOGEN_ERROR_SIZE where it is beyond 2^63 - 1.
 * @param output_length untouched on failure. */
HALOGEN_API halogen_status halogen_conv_transpose1d_output_length(int64_t length, int64_t kernel, int64_t stride,
                                                                  int64_t dilation, int64_t pad_left, int64_t pad_right,
                                                                  int64_t *output_length, halogen_error *error);

/** Weights in the order in which a CPU's kernels read them; a GPU's read them as they are. Constant: any number of threads may use them at the
 * same time, with any context, for inputs of any length, padding and number of samples. One exception: bfloat16 weights that a context of
 * v4_spr or v4_zen4 packed are in pairs of input channels, for contexts of these levels only; others refuse them with
 * HALOGEN_ERROR_UNSUPPORTED. */
typedef struct halogen_conv_weights halogen_conv_weights;

/** What is packed. All fields are required. */
typedef struct halogen_conv_weights_params {
  size_t struct_size;
  const DLTensor
      *weight;      /**< (C_in, C_out / groups, K), float32, float64, float16 or bfloat16, any strides of 0 or more,
                               on the CPU; may be freed after packing */
  int64_t stride;   /**< at least 1 */
  int64_t dilation; /**< at least 1 */
  int64_t groups;   /**< at least 1, a divisor of C_in */
} halogen_conv_weights_params;

#define HALOGEN_CONV_WEIGHTS_PARAMS_INIT HALOGEN_ZEROED(halogen_conv_weights_params)

/** Bytes that the packed weights take: as many values as `weight` has, rounded up to whole blocks of rows of 64 bytes, in the type that
 * is computed in (float64 for float64, else float32), or, in pairs, half of that; and the handle's own few bytes. The tensor's data is
 * not touched and may be NULL. */
HALOGEN_API halogen_status halogen_conv_transpose1d_weights_size(halogen_context *context,
                                                                 const halogen_conv_weights_params *params,
                                                                 size_t *bytes, halogen_error *error);

/** Packs. @param memory `bytes` bytes of the caller's, aligned to 128, which must outlive the handle and not be written to; NULL: the
 * context's allocator is asked (`bytes` is then ignored), and the context must outlive the handle. @param weights receives the
 * handle; untouched on failure. */
HALOGEN_API halogen_status halogen_conv_transpose1d_weights_create(halogen_context *context,
                                                                   const halogen_conv_weights_params *params,
                                                                   void *memory, size_t bytes,
                                                                   halogen_conv_weights **weights,
                                                                   halogen_error *error);

/** Frees memory that was the context's. NULL is ignored. No call may be using the weights. */
HALOGEN_API void halogen_conv_transpose1d_weights_destroy(halogen_conv_weights *weights);

/** y(n, co, t) = activation(bias(co) + sum of weight(ci, co, k) * x(n, ci, l) over all ci of co's group, k and l with
 *   l * stride + k * dilation = t + pad_left)
 * where x is the input, or leaky_relu(input, input_slope).
 *
 * Shapes: `input` (N, C_in, L) or (C_in, L), `output` (N, C_out, L_out) or (C_out, L_out), with L at least 1 and L_out as
 * halogen_conv_transpose1d_output_length() has it; with HALOGEN_LAYOUT_CHANNEL_LAST (N, L, C_in) or (L, C_in), and so the output.
 * `bias` (C_out). All of one dtype: float32, float64, float16 or bfloat16, and on one device: the CPU, or, with
 * `weight`, a GPU of this library's kind. Strides are any of 0 or more (elements;
 * NULL: row-major without gaps; that of a dimension of extent 1 is ignored); no two elements of the output at one place.
 * A pad is a crop of the full result; where it is negative, or where no input reaches (kernel < stride), an output is
 * activation(bias).
 * Sums run in float32 (float64 for float64; 16-bit data are rounded once, at the end) with fused multiply-add where the level has it,
 * channels outermost, taps inside: the same bits for every path, number of threads and strides; but the last bits of
 * HALOGEN_ACTIVATION_TANH may differ between outputs whose positions are next to each other in memory and others. On v4_spr and v4_zen4
 * bfloat16 is summed by pairs of channels, as docs/numerics.md says. On a GPU, sums of 16 channels and one tap, or of one channel, are
 * added up in the same order: the same bits for every call of a path. NaN and infinity spoil exactly the outputs they reach.
 * Aliasing: `output` may not overlap any other tensor. An empty output computes nothing.
 * Errors: see halogen_status, which has one each for stride, dilation, groups, the input's channels, the weight's shape, the bias' shape
 * and the output's length; on any of them the output is untouched, with these exceptions: after HALOGEN_ERROR_PARALLEL and after
 * HALOGEN_ERROR_OUT_OF_MEMORY its contents are undefined. */
typedef struct halogen_conv_transpose1d_args {
  size_t struct_size;
  const DLTensor *input;               /**< required */
  const DLTensor *output;              /**< required; its memory is written */
  const DLTensor *weight;              /**< (C_in, C_out / groups, K): packed by the call. This or `packed` */
  const halogen_conv_weights *packed;  /**< this or `weight`; CPU only */
  const DLTensor *bias;                /**< NULL: 0 */
  int64_t stride;                      /**< at least 1; with `packed` 0 or what was packed, and so the next two */
  int64_t dilation;                    /**< at least 1 */
  int64_t groups;                      /**< at least 1, a divisor of C_in */
  int64_t pad_left;                    /**< positions cropped at the start; negative: added */
  int64_t pad_right;                   /**< positions cropped at the end; negative: added */
  halogen_activation input_activation; /**< NONE or LEAKY_RELU */
  halogen_activation activation;
  double input_slope;       /**< finite; without effect unless input_activation is LEAKY_RELU */
  double activation_slope;  /**< finite; without effect unless activation is LEAKY_RELU */
  halogen_conv_path path;   /**< 0: AUTO; another is refused with HALOGEN_ERROR_UNSUPPORTED where it does not fit */
  halogen_layout layout;    /**< of input and output */
  void *stream;             /**< CUstream or cl_command_queue; NULL: the context's. Without effect on the CPU */
  halogen_kernel_info *ran; /**< NULL, or receives which kernels ran */
} halogen_conv_transpose1d_args;

#define HALOGEN_CONV_TRANSPOSE1D_ARGS_INIT HALOGEN_ZEROED(halogen_conv_transpose1d_args)

/** Runs it. Thread-safe on one context as long as the outputs of two calls do not overlap. */
HALOGEN_API halogen_status halogen_conv_transpose1d_forward(halogen_context *context,
                                                            const halogen_conv_transpose1d_args *args,
                                                            halogen_error *error);

/** Checks the same arguments and says which kernels halogen_conv_transpose1d_forward() would run and their workspace, or why none
 * fits (then HALOGEN_ERROR_UNSUPPORTED, with `info` filled). No tensor's data is touched; data pointers may be NULL. */
HALOGEN_API halogen_status halogen_conv_transpose1d_query(halogen_context *context,
                                                          const halogen_conv_transpose1d_args *args,
                                                          halogen_kernel_info *info, halogen_error *error);

/** The gradients of halogen_conv_transpose1d_forward(), from the gradient of its output. With g = grad_output times the derivative of
 * the activation, and x as in the forward pass:
 *   grad_input(n, ci, l) = sum of weight(ci, co, k) * g(n, co, l * stride + k * dilation - pad_left) over all co and k, times input_slope
 *                          where input_activation is LEAKY_RELU and the input is not above 0
 *   grad_weight(ci, co, k) = sum of x(n, ci, l) * g(n, co, l * stride + k * dilation - pad_left) over all n and l
 *   grad_bias(co) = sum of g(n, co, t) over all n and t
 * Positions beyond the output, which were cropped, have a gradient of 0.
 *
 * Tensors as in the forward pass: one dtype, one device, any strides of 0 or more. `input` and grad_input have one shape, grad_output
 * and output another, weight and grad_weight a third; grad_bias is (C_out). Any subset of the gradients may be asked for; each is
 * written, not added to. The activation's derivative is taken from `output`: of relu and leaky relu 1 where it is above 0, else the
 * slope (which must be 0 or more), of tanh 1 - output^2.
 * Sums run in float32 (float64 for float64, and on a CPU for grad_bias), 16-bit data are rounded once, at the end: the same bits for any
 * number of threads, and for every call on a GPU. What is cropped is multiplied as 0: an infinite or NaN weight or input that meets it
 * makes its gradient NaN (on a GPU grad_input leaves it out).
 * Aliasing: what is written may not overlap any other tensor. No samples, or an empty output: gradients are 0.
 * Errors: as halogen_conv_transpose1d_forward(). */
typedef struct halogen_conv_transpose1d_backward_args {
  size_t struct_size;
  const DLTensor *input;               /**< required */
  const DLTensor *grad_output;         /**< required */
  const DLTensor *weight;              /**< required */
  const DLTensor *output;              /**< the forward pass' output: required with an activation, else ignored */
  const DLTensor *grad_input;          /**< NULL: not asked for */
  const DLTensor *grad_weight;         /**< NULL: not asked for */
  const DLTensor *grad_bias;           /**< NULL: not asked for */
  int64_t stride;                      /**< at least 1 */
  int64_t dilation;                    /**< at least 1 */
  int64_t groups;                      /**< at least 1, a divisor of C_in */
  int64_t pad_left;                    /**< positions cropped at the start; negative: added */
  int64_t pad_right;                   /**< positions cropped at the end; negative: added */
  halogen_activation input_activation; /**< NONE or LEAKY_RELU */
  halogen_activation activation;
  double input_slope;      /**< finite; without effect unless input_activation is LEAKY_RELU */
  double activation_slope; /**< finite, 0 or more; without effect unless activation is LEAKY_RELU */
  /** Of grad_weight: lanes along input channels (ROWS), positions (LENGTH) or taps (COLUMNS, of grad_input, too); each has bits of its own.
   * 0: AUTO. A GPU has one. */
  halogen_conv_path path;
  halogen_layout layout;    /**< of inputs, outputs and their gradients */
  void *stream;             /**< CUstream or cl_command_queue; NULL: the context's. Without effect on the CPU */
  halogen_kernel_info *ran; /**< NULL, or receives which kernels ran */
} halogen_conv_transpose1d_backward_args;

#define HALOGEN_CONV_TRANSPOSE1D_BACKWARD_ARGS_INIT HALOGEN_ZEROED(halogen_conv_transpose1d_backward_args)

/** Runs it. Thread-safe on one context as long as what two calls write does not overlap. */
HALOGEN_API halogen_status halogen_conv_transpose1d_backward(halogen_context *context,
                                                             const halogen_conv_transpose1d_backward_args *args,
                                                             halogen_error *error);

/** As halogen_conv_transpose1d_query(). */
HALOGEN_API halogen_status halogen_conv_transpose1d_backward_query(halogen_context *context,
                                                                   const halogen_conv_transpose1d_backward_args *args,
                                                                   halogen_kernel_info *info, halogen_error *error);

/** A transposed convolution of a signal that comes in chunks. The outputs of all pushes and of the finish, one after the other, are the
 * bits that halogen_conv_transpose1d_forward() gives for the whole signal, with its exception for strides; each comes as soon as no later
 * input can change it. A chunk costs what its own outputs cost, and a copy of it. One thread at a time; different streams may run at the
 * same time. */
typedef struct halogen_conv_stream halogen_conv_stream;

/** What a stream computes; fields as in halogen_conv_transpose1d_args. */
typedef struct halogen_conv_stream_params {
  size_t struct_size;
  const halogen_conv_weights *packed; /**< required; must outlive the stream */
  const DLTensor *bias;               /**< NULL: 0; its data must outlive the stream */
  int64_t samples;                    /**< N, at least 1 */
  int64_t pad_left;
  int64_t pad_right;
  halogen_activation input_activation;
  halogen_activation activation;
  double input_slope;
  double activation_slope;
} halogen_conv_stream_params;

#define HALOGEN_CONV_STREAM_PARAMS_INIT HALOGEN_ZEROED(halogen_conv_stream_params)

/** Makes a stream at the beginning of a signal. It keeps the last max(1, (dilation * (kernel - 1) + held) / stride) inputs, rounded
 * down, where held = max(0, stride - dilation * (kernel - 1) - 1 + pad_right) outputs may still turn out to be cropped.
 * @param stream receives the handle; untouched on failure. The context must outlive it. */
HALOGEN_API halogen_status halogen_conv_transpose1d_stream_create(halogen_context *context,
                                                                  const halogen_conv_stream_params *params,
                                                                  halogen_conv_stream **stream, halogen_error *error);

/** Frees the stream. NULL is ignored. */
HALOGEN_API void halogen_conv_transpose1d_stream_destroy(halogen_conv_stream *stream);

/** How many outputs the next call gives. @param chunk inputs that are pushed, at least 1; 0: the finish. A signal has at most 2^40
 * inputs, and 2^60 / stride. */
HALOGEN_API halogen_status halogen_conv_transpose1d_stream_output_length(const halogen_conv_stream *stream,
                                                                         int64_t chunk, int64_t *output_length,
                                                                         halogen_error *error);

/** Takes the next inputs and gives the outputs that are now certain. @param input (N, C_in, chunk), contiguous, of the weights' dtype,
 * on the CPU. @param output (N, C_out, length), length as halogen_conv_transpose1d_stream_output_length() says; any strides; NULL
 * where it is 0. After a failure the stream is as it was before the call. */
HALOGEN_API halogen_status halogen_conv_transpose1d_stream_push(halogen_conv_stream *stream, const DLTensor *input,
                                                                const DLTensor *output, halogen_error *error);

/** Gives the outputs that were left, and goes back to the beginning of a signal. @param output as above. Refused with
 * HALOGEN_ERROR_ARGUMENT where nothing was pushed, with HALOGEN_ERROR_OUTPUT_LENGTH where the whole output's would be negative. */
HALOGEN_API halogen_status halogen_conv_transpose1d_stream_finish(halogen_conv_stream *stream, const DLTensor *output,
                                                                  halogen_error *error);

/** Forgets what was pushed: the next push begins a signal. */
HALOGEN_API halogen_status halogen_conv_transpose1d_stream_reset(halogen_conv_stream *stream, halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
