/* halogen/core.h: version, status, error text and context. Every other header includes this one.
 *
 * The rules of this ABI
 * - Every struct begins with `struct_size`; the caller sets it to sizeof the struct. Fields are only ever appended.
 *   A smaller struct (an older header) is accepted: the fields it lacks have their defaults, which are zero but where a module's
 *   parameter says otherwise.
 *   A larger one (a newer header) is accepted as long as the bytes this library does not know are zero.
 * - Every call that can fail returns a `halogen_status`. Nothing aborts, throws, or prints. Status numbers never change.
 * - A call that fails its checks leaves every output as it was.
 * - No global state: what is set on a context is seen by that context alone.
 * - Calls on different handles may run at the same time. A context may be shared by any number of threads.
 */
#ifndef HALOGEN_CORE_H
#define HALOGEN_CORE_H

#include <stddef.h>
#include <stdint.h>

#include <dlpack/dlpack.h>

#if defined(__GNUC__) || defined(__clang__)
#define HALOGEN_API __attribute__((visibility("default")))
#else
#define HALOGEN_API
#endif

/* What the ..._INIT macros below expand to: everything zero but struct_size. Both forms are quiet under -Wextra -Wpedantic. */
#ifdef __cplusplus
template <typename Struct>
inline Struct halogen_zeroed() {
  Struct value = Struct();
  value.struct_size = sizeof(Struct);
  return value;
}
#define HALOGEN_ZEROED(type) halogen_zeroed<type>()
#else
#define HALOGEN_ZEROED(type) \
  { .struct_size = sizeof(type) }
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define HALOGEN_VERSION_MAJOR 0
#define HALOGEN_VERSION_MINOR 1
#define HALOGEN_VERSION_PATCH 0
/** The version of this header as one number; halogen_context_create() compares it with the library's. */
#define HALOGEN_VERSION_NUMBER \
  (HALOGEN_VERSION_MAJOR * 1000000u + HALOGEN_VERSION_MINOR * 1000u + HALOGEN_VERSION_PATCH)

/** What a call came to. Numbers are part of the ABI: never renumbered, only appended. */
typedef enum halogen_status {
  HALOGEN_OK = 0,
  HALOGEN_ERROR_NULL_POINTER = 1,    /**< a required pointer is NULL */
  HALOGEN_ERROR_STRUCT_SIZE = 2,     /**< `struct_size` is none that this library can read */
  HALOGEN_ERROR_VERSION = 3,         /**< the header's version is not one that this library serves */
  HALOGEN_ERROR_RANK = 4,            /**< a tensor has the wrong number of dimensions */
  HALOGEN_ERROR_SHAPE = 5,           /**< shapes disagree, or an extent is negative */
  HALOGEN_ERROR_CHANNELS = 6,        /**< a tensor's channels are not those of the module, or of the weight */
  HALOGEN_ERROR_DTYPE = 7,           /**< a tensor has another data type than required */
  HALOGEN_ERROR_DEVICE = 8,          /**< a tensor lies on another device than required, or none is there */
  HALOGEN_ERROR_LAYOUT = 9,          /**< strides that no kernel takes */
  HALOGEN_ERROR_OVERLAP = 10,        /**< an output shares memory with another tensor in a way that is not allowed */
  HALOGEN_ERROR_SIZE = 11,           /**< a tensor is larger than this library, or this machine, can address */
  HALOGEN_ERROR_TOO_FEW_VALUES = 12, /**< too few values per channel to have a variance */
  HALOGEN_ERROR_ARGUMENT = 13,       /**< a scalar or an enum that has no status of its own is outside its range */
  HALOGEN_ERROR_UNSUPPORTED = 14,    /**< no kernel in this library fits; the message says why not */
  HALOGEN_ERROR_ISA = 15,            /**< the instruction-set level asked for is unknown, or this CPU lacks it */
  HALOGEN_ERROR_OUT_OF_MEMORY = 16,  /**< the context's allocator returned NULL */
  HALOGEN_ERROR_KEY = 17,            /**< a module has no state with that key */
  HALOGEN_ERROR_DRIVER = 18,         /**< the GPU's driver is missing or refused a call */
  HALOGEN_ERROR_PARALLEL = 19,       /**< the caller's `parallel_for` reported a failure */
  HALOGEN_ERROR_INTERNAL = 20,       /**< a defect in this library: please report the message */
  HALOGEN_ERROR_STRIDE = 21,         /**< a stride below 1, or not the packed weights' */
  HALOGEN_ERROR_DILATION = 22,       /**< a dilation below 1, or not the packed weights' */
  HALOGEN_ERROR_GROUPS = 23,         /**< groups below 1, no divisor of the channels, or not the packed weights' */
  HALOGEN_ERROR_OUTPUT_PADDING = 24, /**< an output padding is negative, or more than the framework allows */
  HALOGEN_ERROR_WEIGHT_SHAPE = 25,   /**< a convolution's weight, or its gradient, has wrong extents */
  HALOGEN_ERROR_BIAS_SHAPE = 26,     /**< a convolution's bias, or its gradient, has wrong extents */
  HALOGEN_ERROR_OUTPUT_LENGTH = 27   /**< an output's length would be negative, or 0 where the framework refuses that */
} halogen_status;

/** The status' name, for example "HALOGEN_ERROR_SHAPE". Never NULL; "unknown status" for other numbers. */
HALOGEN_API const char *halogen_status_name(halogen_status status);

/** Where a call puts its message. On the caller's side, so that no state is shared: set `struct_size`, pass its address as
 * the last argument of a call (or NULL, when the status is enough). Written only when the call fails. */
typedef struct halogen_error {
  size_t struct_size;
  halogen_status status;
  char message[496]; /**< UTF-8, always terminated: what was expected, and what came */
} halogen_error;

#define HALOGEN_ERROR_INIT HALOGEN_ZEROED(halogen_error)

/** The library's version, as HALOGEN_VERSION_NUMBER. */
HALOGEN_API uint32_t halogen_version(void);

/** Instruction-set levels of the kernels. Names for HALOGEN_ISA: v2, v3, v4, v4_spr, v4_zen4, neon. v4_spr and v4_zen4 are v4 with
 * a convolution of bfloat16 by pairs of input channels (AVX512-BF16), which rounds as docs/numerics.md says. */
typedef enum halogen_isa {
  HALOGEN_ISA_AUTO = 0,   /**< the environment variable HALOGEN_ISA where it is set, else the best this CPU has,
                         *   which is never v4_spr: its dot products are not known to be faster than v4 */
  HALOGEN_ISA_V2 = 1,     /**< x86-64-v2: SSE4.1 */
  HALOGEN_ISA_V3 = 2,     /**< x86-64-v3: AVX2, FMA, F16C */
  HALOGEN_ISA_V4 = 3,     /**< x86-64-v4: AVX-512 F, BW, CD, DQ, VL */
  HALOGEN_ISA_NEON = 4,   /**< AArch64 */
  HALOGEN_ISA_V4_SPR = 5, /**< v4 and the vector extensions of Sapphire Rapids */
  HALOGEN_ISA_V4_ZEN4 = 6 /**< v4 and those of Zen 4 */
} halogen_isa;

/** How outputs are stored. */
typedef enum halogen_stores {
  HALOGEN_STORES_AUTO = 0,     /**< streaming where it saves traffic: tensors larger than the last-level cache */
  HALOGEN_STORES_CACHED = 1,   /**< always through the caches: for outputs that are read again at once */
  HALOGEN_STORES_STREAMING = 2 /**< always around the caches where a kernel can; not in place, not on a GPU */
} halogen_stores;

/** Where the channels are in a shape. */
typedef enum halogen_layout {
  HALOGEN_LAYOUT_CHANNEL_FIRST = 0, /**< (N, C, ...) */
  HALOGEN_LAYOUT_CHANNEL_LAST = 1   /**< (N, ..., C) */
} halogen_layout;

/** What an operator does to its result at the end. NaN stays NaN. */
typedef enum halogen_activation {
  HALOGEN_ACTIVATION_NONE = 0,
  HALOGEN_ACTIVATION_RELU = 1,       /**< max(v, 0) */
  HALOGEN_ACTIVATION_LEAKY_RELU = 2, /**< v if v >= 0, else slope * v */
  HALOGEN_ACTIVATION_TANH = 3        /**< hyperbolic tangent; for convolutions */
} halogen_activation;

typedef enum halogen_log_level {
  HALOGEN_LOG_ERROR = 0, /**< the message of a call that failed */
  HALOGEN_LOG_DEBUG = 1  /**< which kernels a call ran */
} halogen_log_level;

/** One piece of a parallel loop. Returns 0, or a code that makes the whole loop fail. */
typedef int (*halogen_task)(void *closure, int32_t index);

/** Everything a context can be told. All zero (but for struct_size) is a good default. */
typedef struct halogen_context_options {
  size_t struct_size;

  /** Memory for workspace and module state. Both or neither; neither: the C library's, from 1 MiB on in large pages where the system
   * has them on request. `allocate` returns memory aligned to `alignment` (a power of two, at most 128), or NULL. Called from any thread
   * that calls into the context. */
  void *(*allocate)(void *user, size_t size, size_t alignment);
  void (*deallocate)(void *user, void *pointer);
  void *allocator_user;

  /** Runs task(closure, i) for every i in [0, count), in any order, on any threads, and returns when all are done: 0 if all
   * returned 0. May be called from several threads at once, never from inside a task. NULL: the context has a pool of its
   * own, made at its first use. */
  int (*parallel_for)(void *user, int32_t count, halogen_task task, void *closure);
  void *parallel_user;

  /** Threads that a call may use, the calling one included. 0: as many as CPUs this process may run on. With `parallel_for`
   * it is only a hint for the size of the pieces. The results do not depend on it. */
  int32_t num_threads;

  /** Which kernels to use. A level this CPU lacks is refused with HALOGEN_ERROR_ISA. */
  halogen_isa isa;

  /** Receives messages; may be called from any thread that calls into the context. NULL: none. */
  void (*log)(void *user, halogen_log_level level, const char *message);
  void *log_user;

  /** The GPU context to work in: a CUcontext or a cl_context. NULL: for CUDA the thread's current context where it is of the
   * tensor's device, else that device's primary one; for OpenCL refused. Any context that calls used must outlive the
   * halogen_context. */
  void *gpu_context;
  /** The stream (CUstream) or queue (cl_command_queue) for calls that name none. NULL: CUDA's default stream; OpenCL refused. */
  void *gpu_stream;

  /** How outputs are stored. Values are the same either way. */
  halogen_stores stores;
} halogen_context_options;

#define HALOGEN_CONTEXT_OPTIONS_INIT HALOGEN_ZEROED(halogen_context_options)

/** A context holds an allocator, threads, kept workspace and GPU modules. Any number may exist. Thread-safe. */
typedef struct halogen_context halogen_context;

/** Makes a context. @param version HALOGEN_VERSION_NUMBER, always. Refused with HALOGEN_ERROR_VERSION when the caller was
 * compiled against another major version, a newer minor one, or (while major is 0) another minor one.
 * @param options NULL: all defaults. Copied. @param context receives the handle; untouched on failure. */
HALOGEN_API halogen_status halogen_context_create(uint32_t version, const halogen_context_options *options,
                                                  halogen_context **context, halogen_error *error);

/** Frees a context, its threads and its GPU modules. NULL is ignored. No call on it, or on a module made from it, may be
 * running or follow; modules are destroyed first. */
HALOGEN_API void halogen_context_destroy(halogen_context *context);

/** The level whose kernels this context runs on the CPU. @param name receives "v3", … (a static string). Either may be NULL. */
HALOGEN_API halogen_status halogen_context_isa(const halogen_context *context, halogen_isa *isa, const char **name,
                                               halogen_error *error);

/** Frees the workspace that the context keeps between calls. Afterwards calls allocate again. */
HALOGEN_API halogen_status halogen_context_trim(halogen_context *context, halogen_error *error);

/** Loads the GPU kernels of this context's device ahead of the first call. HALOGEN_ERROR_UNSUPPORTED in a library without GPU
 * kernels. CPU kernels need no preparation. */
HALOGEN_API halogen_status halogen_prepare(halogen_context *context, halogen_error *error);

/** Which kernels a call runs, or ran, or why none does. */
typedef struct halogen_kernel_info {
  size_t struct_size;
  char kernels
      [256]; /**< names, in the order they run, separated by ' ', as many as have room; empty: nothing to compute, or none
                        fits */
  char isa[16];             /**< "v2", "v3", "v4", "v4_spr", "v4_zen4", "neon", "cuda", "opencl" */
  uint64_t workspace_bytes; /**< memory the call takes from the context's allocator, kept for the next call */
  char reason[256];         /**< why these; or, where none fits, why not, one reason per candidate */
} halogen_kernel_info;

#define HALOGEN_KERNEL_INFO_INIT HALOGEN_ZEROED(halogen_kernel_info)

#ifdef __cplusplus
}
#endif
#endif
