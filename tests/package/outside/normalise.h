/* One normalisation with a known answer, for the programs of this folder. */
#ifndef NORMALISE_H
#define NORMALISE_H

#include <halogen/ops.h>
#include <stdio.h>

/* 1 when {1, 3} became {-1, 1}; else says on stderr what came. */
static int normalises(void) {
  float x[2] = {1.0f, 3.0f};
  int64_t shape[3] = {1, 1, 2};
  const DLTensor tensor = {.data = x, .device = {kDLCPU, 0}, .ndim = 3, .dtype = {kDLFloat, 32, 1}, .shape = shape};
  halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
  halogen_error error = HALOGEN_ERROR_INIT;
  halogen_context *context = NULL;

  args.scope = HALOGEN_NORM_SCOPE_INSTANCE;
  args.input = args.output = &tensor;
  if (halogen_context_create(HALOGEN_VERSION_NUMBER, NULL, &context, &error) == HALOGEN_OK) {
    halogen_norm_forward(context, &args, &error);
  }
  halogen_context_destroy(context);
  if (error.status == HALOGEN_OK && x[0] == -1.0f && x[1] == 1.0f) return 1;
  fprintf(stderr, "expected -1 1, got %g %g: %s %s\n", (double)x[0], (double)x[1], halogen_status_name(error.status),
          error.message);
  return 0;
}

#endif
