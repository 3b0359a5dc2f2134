/* copy.h: what the benchmarks are judged by: how fast this machine moves a tensor from one buffer to another.
 *
 * A shared object of its own, so that the C++ benchmark and peers.py use the very same loop.
 */
#ifndef HALOGEN_BENCH_COPY_H
#define HALOGEN_BENCH_COPY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Threads that copy together, each its own contiguous share. The caller is one of them. */
typedef struct halogen_bench_team halogen_bench_team;

/** @param threads 1 to 256. NULL when there is no memory, or no thread, for it. The team is asleep. */
halogen_bench_team *halogen_bench_team_create(int threads);
void halogen_bench_team_destroy(halogen_bench_team *team);

/** An awake team spins, so that handing out work costs well below a microsecond; an asleep one takes no CPU time from
 * what is measured beside it. wake() returns when all threads spin, sleep() when none does. */
void halogen_bench_team_wake(halogen_bench_team *team);
void halogen_bench_team_sleep(halogen_bench_team *team);

/** y = a * x with plain (not streaming) stores. The team must be awake. */
void halogen_bench_copy(halogen_bench_team *team, float *y, const float *x, size_t count, float a);

/** y = x with the C library's memcpy, which for large blocks does not read y into the cache before it writes it. */
void halogen_bench_memcpy(halogen_bench_team *team, float *y, const float *x, size_t count);

/** Reads x, and writes nothing. The team must be awake. */
void halogen_bench_read(halogen_bench_team *team, const float *x, size_t count);

/** `steps` steps of independent fused multiply-adds on registers, by every thread: as fast as this machine multiplies and adds.
 * @return the operations that were done. The team must be awake. */
double halogen_bench_fma(halogen_bench_team *team, size_t steps);

#ifdef __cplusplus
}
#endif
#endif
