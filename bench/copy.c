/* copy.c: see copy.h. Compiled with -O3 for the machine it runs on; the loop becomes vector loads, multiplies and plain
 * vector stores (GCC and Clang make no streaming stores of their own accord). */
#include "copy.h"

#include "fma.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { kMaxThreads = 256, kCacheLineFloats = 16, kReadLanes = 128 };

typedef enum { kScale, kMemcpy, kRead, kFma } work_kind;

typedef struct {
  work_kind kind;
  float *y;
  const float *x;
  size_t count;
  float a;
} job;

typedef struct {
  halogen_bench_team *team;
  int index;
} member;

struct halogen_bench_team {
  int threads;
  job work;
  atomic_uint round;   /* a new number: `work` is there to be done */
  atomic_int finished; /* members (but for the caller) that have done this round's share */
  atomic_int spinning; /* members (but for the caller) that look at `round` all the time */
  atomic_int awake;
  atomic_int quit;
  pthread_mutex_t mutex;
  pthread_cond_t changed; /* `awake` or `quit` */
  int started;
  member members[kMaxThreads];
  pthread_t handles[kMaxThreads];
};

static void scale(float *restrict y, const float *restrict x, size_t count, float a) {
  for (size_t i = 0; i < count; ++i) y[i] = a * x[i];
}

/* As many sums as hide the latency of an addition. */
static void read_all(const float *x, size_t count) {
  float sums[kReadLanes] = {0};
  size_t i = 0;
  for (; i + kReadLanes <= count; i += kReadLanes) {
    for (int lane = 0; lane < kReadLanes; ++lane) sums[lane] += x[i + (size_t)lane];
  }
  for (; i < count; ++i) sums[0] += x[i];
  volatile float sink = 0;
  for (int lane = 0; lane < kReadLanes; ++lane) sink = sink + sums[lane];
}

static void do_share(const halogen_bench_team *team, int index) {
  const job *work = &team->work;
  if (work->kind == kFma) {
    halogen_bench_fma_steps(work->count);
    return;
  }
  const size_t lines = (work->count + kCacheLineFloats - 1) / kCacheLineFloats;
  const size_t threads = (size_t)team->threads;
  size_t begin = lines * (size_t)index / threads * kCacheLineFloats;
  size_t end = lines * ((size_t)index + 1) / threads * kCacheLineFloats;
  if (end > work->count) end = work->count;
  if (begin > end) begin = end;
  if (work->kind == kMemcpy) {
    memcpy(work->y + begin, work->x + begin, (end - begin) * sizeof(float));
  } else if (work->kind == kRead) {
    read_all(work->x + begin, end - begin);
  } else {
    scale(work->y + begin, work->x + begin, end - begin, work->a);
  }
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void *member_main(void *argument) {
  const member *self = argument;
  halogen_bench_team *team = self->team;
  unsigned seen = 0;
  for (;;) {
    pthread_mutex_lock(&team->mutex);
    while (!atomic_load(&team->awake) && !atomic_load(&team->quit)) pthread_cond_wait(&team->changed, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
    if (atomic_load(&team->quit)) return NULL;
    atomic_fetch_add(&team->spinning, 1);
    while (atomic_load_explicit(&team->awake, memory_order_relaxed)) {
      const unsigned round = atomic_load_explicit(&team->round, memory_order_acquire);
      if (round == seen) {
        relax();
        continue;
      }
      seen = round;
      do_share(team, self->index);
      atomic_fetch_add_explicit(&team->finished, 1, memory_order_release);
    }
    atomic_fetch_sub(&team->spinning, 1);
  }
}

static void set_flag(halogen_bench_team *team, atomic_int *flag, int value) {
  pthread_mutex_lock(&team->mutex);
  atomic_store(flag, value);
  pthread_cond_broadcast(&team->changed);
  pthread_mutex_unlock(&team->mutex);
}

halogen_bench_team *halogen_bench_team_create(int threads) {
  if (threads < 1 || threads > kMaxThreads) return NULL;
  halogen_bench_team *team = calloc(1, sizeof *team);
  if (team == NULL) return NULL;
  team->threads = threads;
  pthread_mutex_init(&team->mutex, NULL);
  pthread_cond_init(&team->changed, NULL);
  for (int i = 1; i < threads; ++i) {
    team->members[i] = (member){team, i};
    if (pthread_create(&team->handles[i], NULL, member_main, &team->members[i]) != 0) {
      halogen_bench_team_destroy(team);
      return NULL;
    }
    team->started = i;
  }
  return team;
}

void halogen_bench_team_destroy(halogen_bench_team *team) {
  if (team == NULL) return;
  halogen_bench_team_sleep(team);
  set_flag(team, &team->quit, 1);
  for (int i = 1; i <= team->started; ++i) pthread_join(team->handles[i], NULL);
  pthread_cond_destroy(&team->changed);
  pthread_mutex_destroy(&team->mutex);
  free(team);
}

void halogen_bench_team_wake(halogen_bench_team *team) {
  set_flag(team, &team->awake, 1);
  while (atomic_load(&team->spinning) != team->started) relax();
}

void halogen_bench_team_sleep(halogen_bench_team *team) {
  set_flag(team, &team->awake, 0);
  while (atomic_load(&team->spinning) != 0) relax();
}

static void run(halogen_bench_team *team, job work) {
  team->work = work;
  atomic_store_explicit(&team->finished, 0, memory_order_relaxed);
  atomic_fetch_add_explicit(&team->round, 1, memory_order_release);
  do_share(team, 0);
  while (atomic_load_explicit(&team->finished, memory_order_acquire) != team->threads - 1) relax();
}

void halogen_bench_copy(halogen_bench_team *team, float *y, const float *x, size_t count, float a) {
  run(team, (job){kScale, y, x, count, a});
}

void halogen_bench_memcpy(halogen_bench_team *team, float *y, const float *x, size_t count) {
  run(team, (job){kMemcpy, y, x, count, 0});
}

void halogen_bench_read(halogen_bench_team *team, const float *x, size_t count) {
  run(team, (job){kRead, NULL, x, count, 0});
}

double halogen_bench_fma(halogen_bench_team *team, size_t steps) {
  run(team, (job){kFma, NULL, NULL, steps, 0});
  return (double)team->threads * (double)steps * halogen_bench_fma_flops;
}
