/* quickstart.c: PyTorch's BatchNorm2d and InstanceNorm2d on the twelve numbers 0.1, 0.2, ... 1.2; lengths of ConvTranspose1d.
 *
 *   cc -std=c99 quickstart.c $(pkg-config --cflags --libs halogen) -o quickstart && ./quickstart
 *
 * One image of three channels of 2x2 pixels: within each channel the result is the same, -1.341104 ... 1.341104.
 */
#include <stdio.h>

#include <halogen/torch.h>

/* torch.nn.BatchNorm2d(3)(x). Modules begin in training mode, as in torch: the batch's own statistics are used. */
static halogen_status batch_norm(halogen_context *context, const DLTensor *x, const DLTensor *y, halogen_error *error) {
  halogen_torch_batch_norm_params params;
  halogen_module *module = NULL;
  halogen_status status = halogen_torch_batch_norm_params_init(&params, sizeof params, 3, error);
  if (status == HALOGEN_OK) status = halogen_torch_batch_norm2d_create(context, &params, &module, error);
  if (status == HALOGEN_OK) status = halogen_module_forward(module, x, y, NULL, NULL, error);
  halogen_module_destroy(module);
  return status;
}

/* torch.nn.InstanceNorm2d(3, affine=True)(x). */
static halogen_status instance_norm(halogen_context *context, const DLTensor *x, const DLTensor *y,
                                    halogen_error *error) {
  halogen_torch_instance_norm_params params;
  halogen_module *module = NULL;
  halogen_status status = halogen_torch_instance_norm_params_init(&params, sizeof params, 3, error);
  params.affine = 1;
  if (status == HALOGEN_OK) status = halogen_torch_instance_norm2d_create(context, &params, &module, error);
  if (status == HALOGEN_OK) status = halogen_module_forward(module, x, y, NULL, NULL, error);
  halogen_module_destroy(module);
  return status;
}

/* torch.nn.ConvTranspose1d(3, 64, kernel_size, ...)(x) for x of 50 positions. Prints the output's length. */
static halogen_status conv_transpose(halogen_context *context, int64_t kernel_size, int64_t stride, int64_t padding,
                                     int64_t output_padding, int64_t *length, halogen_error *error) {
  static float in[3 * 50], out[64 * 200];
  halogen_torch_conv_transpose1d_params params;
  halogen_module *module = NULL;
  halogen_status status = halogen_torch_conv_transpose1d_params_init(&params, sizeof params, 3, 64, kernel_size, error);
  params.stride = stride;
  params.padding = padding;
  params.output_padding = output_padding;
  if (status == HALOGEN_OK) status = halogen_torch_conv_transpose1d_create(context, &params, &module, error);
  if (status == HALOGEN_OK) status = halogen_torch_conv_transpose1d_output_length(module, 50, length, error);
  if (status == HALOGEN_OK) {
    int64_t in_shape[3] = {1, 3, 50}, out_shape[3] = {1, 64, *length};
    const DLTensor x = {.data = in, .device = {kDLCPU, 0}, .ndim = 3, .dtype = {kDLFloat, 32, 1}, .shape = in_shape};
    const DLTensor y = {.data = out, .device = {kDLCPU, 0}, .ndim = 3, .dtype = {kDLFloat, 32, 1}, .shape = out_shape};
    status = halogen_module_forward(module, &x, &y, NULL, NULL, error);
  }
  if (status == HALOGEN_OK) {
    printf("torch.nn.ConvTranspose1d(3, 64, %d, stride=%d, padding=%d, output_padding=%d): 50 -> %d\n",
           (int)kernel_size, (int)stride, (int)padding, (int)output_padding, (int)*length);
  }
  halogen_module_destroy(module);
  return status;
}

/* Prints y and says whether it is what the frameworks' documents print. */
static int as_documented(const char *name, const float y[12]) {
  static const float expected[4] = {-1.341104f, -0.447035f, 0.447035f, 1.341104f};
  int right = 1;
  printf("%s\n", name);
  for (int i = 0; i < 12; ++i) {
    const float difference = y[i] - expected[i % 4];
    if (!(difference < 1e-6f && difference > -1e-6f)) right = 0; /* written so that a NaN is wrong, too */
    printf("%11.6f%s", (double)y[i], i % 4 == 3 ? "\n" : "");
  }
  if (!right) printf("  ... expected -1.341104 -0.447035 0.447035 1.341104 in every row\n");
  return right;
}

int main(void) {
  float in[12], out[12];
  int64_t shape[4] = {1, 3, 2, 2};
  const DLTensor x = {.data = in, .device = {kDLCPU, 0}, .ndim = 4, .dtype = {kDLFloat, 32, 1}, .shape = shape};
  const DLTensor y = {.data = out, .device = {kDLCPU, 0}, .ndim = 4, .dtype = {kDLFloat, 32, 1}, .shape = shape};
  for (int i = 0; i < 12; ++i) in[i] = (float)(i + 1) / 10.0f;

  halogen_error error = HALOGEN_ERROR_INIT;
  halogen_context *context = NULL;
  int right = 1;
  halogen_status status = halogen_context_create(HALOGEN_VERSION_NUMBER, NULL, &context, &error);
  if (status == HALOGEN_OK) status = batch_norm(context, &x, &y, &error);
  if (status == HALOGEN_OK) right &= as_documented("torch.nn.BatchNorm2d(3)", out);
  if (status == HALOGEN_OK) status = instance_norm(context, &x, &y, &error);
  if (status == HALOGEN_OK) right &= as_documented("torch.nn.InstanceNorm2d(3, affine=True)", out);
  static const int64_t layers[3][5] = {{4, 1, 0, 0, 53}, {5, 3, 2, 2, 150}, {5, 3, 0, 0, 152}};
  for (int i = 0; i < 3 && status == HALOGEN_OK; ++i) {
    int64_t length = 0;
    status = conv_transpose(context, layers[i][0], layers[i][1], layers[i][2], layers[i][3], &length, &error);
    right &= length == layers[i][4];
  }
  halogen_context_destroy(context);

  if (status != HALOGEN_OK) {
    fprintf(stderr, "quickstart: %s: %s\n", halogen_status_name(status), error.message);
    return 1;
  }
  return right ? 0 : 1;
}
