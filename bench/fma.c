/* fma.c: see fma.h. Twelve independent sums hide the latency of one; each is a variable of its own, to be a register. */
#include "fma.h"

#if defined(__AVX512F__)
enum { kLanes = 16 };
#elif defined(__AVX__)
enum { kLanes = 8 };
#else
enum { kLanes = 4 };
#endif

typedef float vector __attribute__((vector_size(kLanes * sizeof(float))));

#define FOR_ALL_SUMS(X) X(s0) X(s1) X(s2) X(s3) X(s4) X(s5) X(s6) X(s7) X(s8) X(s9) X(s10) X(s11)
const double halogen_bench_fma_flops = 2.0 * kLanes * 12;

/* What the compiler cannot foresee it cannot leave out. */
#if defined(__x86_64__)
#define STEP(s)  \
  s = s * a + b; \
  __asm__ volatile("" : "+x"(s));
#else
#define STEP(s)  \
  s = s * a + b; \
  __asm__ volatile("" : "+w"(s));
#endif
#define DECLARE(s) vector s = {0};

void halogen_bench_fma_steps(size_t steps) {
  vector a, b;
  for (int i = 0; i < kLanes; ++i) {
    a[i] = 0.5f;
    b[i] = 0.25f;
  }
  FOR_ALL_SUMS(DECLARE)
  for (size_t step = 0; step < steps; ++step) {
    FOR_ALL_SUMS(STEP)
  }
}
