/* Two Halide-based libraries in one program: Halogen, and one with Halide's runtime under its own names. */
#include "foreign.h"
#include "normalise.h"

int main(void) {
  enum { count = 100 };
  float in[count], out[count];
  halide_dimension_t range = {0, count, 1, 0};
  halide_buffer_t input = {0}, output = {0};
  for (int i = 0; i < count; ++i) in[i] = (float)i;
  input.host = (uint8_t *)in;
  input.type.code = halide_type_float;
  input.type.bits = 32;
  input.type.lanes = 1;
  input.dimensions = 1;
  input.dim = &range;
  output = input;
  output.host = (uint8_t *)out;

  if (!normalises()) return 1;
  if (foreign(&input, &output) != 0) return 2;
  for (int i = 0; i < count; ++i) {
    if (out[i] != 2.0f * (float)i) return 3;
  }
  return normalises() ? 0 : 1;
}
