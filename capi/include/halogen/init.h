/* halogen/init.h: initial values: MindSpore's initialisers, by their own names and defaults, over a counter-based generator.
 *
 * The generator is Philox4x32-10 (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: "Parallel random numbers: as easy as 1, 2, 3",
 * SC11, doi:10.1145/2063384.2063405). The key is `seed`; the counter is (i / 2, `stream`), low words first. Element i, in row-major
 * order, takes the first two words of its block if i is even, the last two if it is odd: 64 bits b, low word first. The number
 * u = (floor(b / 2^12) + 1/2) / 2^52 lies in (0, 1); a distribution is its inverse cumulative function at u, in float64, rounded once
 * to the tensor's type. So an element depends on seed, stream and its index alone: not on threads, target or compiler, which
 * all give the same bits; a longer tensor begins with the shorter one's numbers.
 * Different streams of a seed are independent. No framework's own random numbers are reproduced, only its distributions.
 */
#ifndef HALOGEN_INIT_H
#define HALOGEN_INIT_H

#include <halogen/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Initialisers, as mindspore.common.initializer has them. n_in = shape[1] * shape[2] * ..., n_out = shape[0] * shape[2] * ...; the last
 * four take tensors of 2 dimensions or more. */
typedef enum halogen_initializer_kind {
  HALOGEN_INITIALIZER_ZERO = 0,
  HALOGEN_INITIALIZER_ONE = 1,
  HALOGEN_INITIALIZER_CONSTANT = 2, /**< `value` */
  HALOGEN_INITIALIZER_TENSOR = 3,   /**< the numbers of `tensor` */
  HALOGEN_INITIALIZER_UNIFORM = 4,  /**< U(low, high); MindSpore's Uniform(scale) is U(-scale, scale) */
  HALOGEN_INITIALIZER_NORMAL = 5,   /**< N(mean, sigma^2) */
  HALOGEN_INITIALIZER_TRUNCATED_NORMAL =
      6, /**< N(mean, sigma^2) given that it is in [mean + a * sigma, mean + b * sigma] */
  HALOGEN_INITIALIZER_HE_UNIFORM =
      7, /**< U(-bound, bound), bound = gain * sqrt(3 / n), n by `fan`, gain by `nonlinearity` */
  HALOGEN_INITIALIZER_HE_NORMAL = 8, /**< N(0, gain^2 / n), as above */
  HALOGEN_INITIALIZER_XAVIER_UNIFORM =
      9 /**< U(-bound, bound), bound = gain * sqrt(6 / (n_in + n_out)), the field `gain` */
} halogen_initializer_kind;

/** n of the He initialisers. */
typedef enum halogen_fan {
  HALOGEN_FAN_IN = 0, /**< n_in */
  HALOGEN_FAN_OUT = 1 /**< n_out */
} halogen_fan;

/** What follows the layer: the gain of the He initialisers. */
typedef enum halogen_nonlinearity {
  HALOGEN_NONLINEARITY_LEAKY_RELU = 0, /**< sqrt(2 / (1 + negative_slope^2)) */
  HALOGEN_NONLINEARITY_RELU = 1,       /**< sqrt(2) */
  HALOGEN_NONLINEARITY_TANH = 2,       /**< 5/3 */
  HALOGEN_NONLINEARITY_SIGMOID = 3,    /**< 1 */
  HALOGEN_NONLINEARITY_LINEAR = 4      /**< 1, as for convolutions */
} halogen_nonlinearity;

/** An initialiser. All zero (but for struct_size) is Zero; halogen_initializer_init() fills in a kind's defaults. Fields of other kinds
 * have no effect. */
typedef struct halogen_initializer {
  size_t struct_size;
  halogen_initializer_kind kind;
  halogen_fan fan;                   /**< He: HALOGEN_FAN_IN */
  halogen_nonlinearity nonlinearity; /**< He: HALOGEN_NONLINEARITY_LEAKY_RELU */
  int32_t reserved;                  /**< 0 */
  double negative_slope;             /**< He: 0 */
  double value;                      /**< Constant: 0; any number, infinities and NaN too */
  double low, high;                  /**< Uniform: -0.07, 0.07 */
  double mean, sigma;                /**< Normal, TruncatedNormal: 0, 0.01; sigma at least 0 */
  double a, b;                       /**< TruncatedNormal: -2, 2, in units of sigma; a < b */
  double gain;                       /**< XavierUniform: 1 */
  const DLTensor *tensor;            /**< Tensor: contiguous, on the CPU, with the shape and dtype of what is filled */
} halogen_initializer;

#define HALOGEN_INITIALIZER_INIT HALOGEN_ZEROED(halogen_initializer)

/** Fills `initializer` with MindSpore's defaults for a kind. @param struct_size sizeof *initializer. */
HALOGEN_API halogen_status halogen_initializer_init(halogen_initializer *initializer, size_t struct_size,
                                                    halogen_initializer_kind kind, halogen_error *error);

/** Fills a tensor. @param tensor contiguous, on the CPU, of float32, float64, float16 or bfloat16; apart from the initialiser's own.
 * Uniform numbers lie in [low, high] as the tensor's type rounds them. HALOGEN_ERROR_RANK where n_in and n_out do not exist;
 * HALOGEN_ERROR_ARGUMENT for numbers that are not finite or out of range, among them an interval [a, b] so far out that a float64 knows
 * no probability for it. Uses the context's threads. Thread-safe on different tensors. */
HALOGEN_API halogen_status halogen_initialize(halogen_context *context, const halogen_initializer *initializer,
                                              uint64_t seed, uint64_t stream, const DLTensor *tensor,
                                              halogen_error *error);

#ifdef __cplusplus
}
#endif
#endif
