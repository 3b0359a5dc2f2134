/* fma.h: multiply-adds and nothing else, in all the registers that a kernel would use. */
#ifndef HALOGEN_BENCH_FMA_H
#define HALOGEN_BENCH_FMA_H

#include <stddef.h>

/* Floating-point operations in a step. */
extern const double halogen_bench_fma_flops;

void halogen_bench_fma_steps(size_t steps);

#endif
