/* A strict C99 program with every public header: makes a context, normalises, checks the numbers. HALOGEN_APPLICATION_DLPACK,
 * where defined, is a DLPack header of the application's own, included before ours. */
#ifdef HALOGEN_APPLICATION_DLPACK
#include HALOGEN_APPLICATION_DLPACK
#ifdef DLPACK_MAJOR_VERSION
#define DLPACK_NAME "DLPack 1.x"
#else
#define DLPACK_NAME "DLPack 0.x"
#endif
#else
#define DLPACK_NAME "Halogen's DLPack"
#endif

#include <halogen/conv.h>
#include <halogen/core.h>
#include <halogen/module.h>
#include <halogen/ops.h>
#include <halogen/torch.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT 12

static int fail(const char *what, const halogen_error *error) {
  fprintf(stderr, "%s: %s: %s\n", what, halogen_status_name(error->status), error->message);
  return 1;
}

static DLTensor tensor(float *data, int64_t *shape, int rank) {
  DLTensor t;
  memset(&t, 0, sizeof t);
  t.data = data;
  t.device.device_type = kDLCPU;
  t.ndim = rank;
  t.dtype.code = kDLFloat;
  t.dtype.bits = 32;
  t.dtype.lanes = 1;
  t.shape = shape;
  return t;
}

static int wrong(const float *output) {
  static const double expected[] = {-1.341104, -0.44703, 0.44703, 1.341104};
  int i;
  for (i = 0; i < COUNT; ++i) {
    if (!(fabs((double)output[i] - expected[i % 4]) < 1e-5)) {
      fprintf(stderr, "output[%d]: expected %g, got %g\n", i, expected[i % 4], (double)output[i]);
      return 1;
    }
  }
  return 0;
}

int main(void) {
  halogen_error error = HALOGEN_ERROR_INIT;
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
  halogen_torch_batch_norm_params params;
  halogen_context *context = NULL;
  halogen_module *module = NULL;
  float input[COUNT], output[COUNT];
  int64_t shape[4] = {1, 3, 2, 2};
  DLTensor x = tensor(input, shape, 4), y = tensor(output, shape, 4);
  int i;
  for (i = 0; i < COUNT; ++i) input[i] = 0.1f * (float)(i + 1);

  options.num_threads = 2;
  if (halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, &error)) return fail("context_create", &error);
  args.scope = HALOGEN_NORM_SCOPE_BATCH;
  args.input = &x;
  args.output = &y;
  args.eps = 1e-5;
  args.ran = &ran;
  if (halogen_norm_forward(context, &args, &error)) return fail("norm_forward", &error);
  if (wrong(output)) return 1;

  memset(output, 0, sizeof output);
  if (halogen_torch_batch_norm_params_init(&params, sizeof params, 3, &error)) return fail("params_init", &error);
  if (halogen_torch_batch_norm2d_create(context, &params, &module, &error)) return fail("create", &error);
  if (halogen_module_forward(module, &x, &y, NULL, &ran, &error)) return fail("forward", &error);
  if (wrong(output)) return 1;
  halogen_module_destroy(module);
  halogen_context_destroy(context);
  printf("%s: %s on %s\n", DLPACK_NAME, ran.kernels, ran.isa);
  return 0;
}
