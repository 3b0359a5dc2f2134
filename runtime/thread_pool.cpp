#include "thread_pool.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

#include "lock.h"

namespace halogen {
namespace {

// How long a thread looks for the next loop before it goes to sleep: longer than the tasks that others still have and the time between two
// kernels of one call, shorter than anyone would notice. Zen 4, 2026-11, two threads: 30 us -> 300 us, training of 20x100x35x45
// channel-last 1.6 -> 1.1 ms; who is woken shares a CPU for a while. After the first part it lets others have its CPU, if there are any.
constexpr int64_t kSpinNanoseconds = 300000, kAloneNanoseconds = 20000;

int64_t nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");  // most cores treat `yield` as a no-op
#endif
}

/// Looks, for kSpinNanoseconds at most, whether `found`.
template <typename Found>
bool spin_until(const Found &found) {
  const int64_t begin = nanoseconds();
  while (!found()) {
    const int64_t waited = nanoseconds() - begin;
    if (waited >= kSpinNanoseconds) return false;
    if (waited < kAloneNanoseconds) {
      relax();
    } else {
      sched_yield();
    }
  }
  return true;
}

}  // namespace

struct ThreadPool::Loop {
  halogen_task task;
  void *closure;
  int32_t count;
  std::atomic<int32_t> next;
  std::atomic<int32_t> failure;
  std::atomic<int32_t> helpers;  ///< pool threads that hold a pointer to this loop
  Loop *following;
};

void ThreadPool::init(int32_t num_threads) {
  num_threads_ = num_threads;
  started_ = 0;
  stop_ = false;
  threads_ = nullptr;
  loops_ = nullptr;
  asleep_ = 0;
  added_.store(0, std::memory_order_relaxed);
  pthread_mutex_init(&mutex_, nullptr);
  pthread_cond_init(&work_, nullptr);
  pthread_cond_init(&done_, nullptr);
}

void ThreadPool::destroy(const Allocator &allocator) {
  {
    const Lock lock(&mutex_);
    stop_ = true;
    pthread_cond_broadcast(&work_);
  }
  for (int32_t i = 0; i < started_; ++i) pthread_join(threads_[i], nullptr);
  if (threads_ != nullptr) allocator.put(threads_);
  pthread_cond_destroy(&done_);
  pthread_cond_destroy(&work_);
  pthread_mutex_destroy(&mutex_);
}

void ThreadPool::start_threads(const Allocator &allocator) {
  if (threads_ != nullptr) return;
  const int32_t wanted = num_threads_ - 1;
  threads_ = static_cast<pthread_t *>(allocator.get(sizeof(pthread_t) * static_cast<size_t>(wanted)));
  if (threads_ == nullptr) return;  // the caller does the work alone
  // Signals are for the application's threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (started_ < wanted && pthread_create(&threads_[started_], nullptr, thread_main, this) == 0) ++started_;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void *ThreadPool::thread_main(void *pool) {
  static_cast<ThreadPool *>(pool)->work();
  return nullptr;
}

void ThreadPool::take(Loop *loop) {
  for (;;) {
    const int32_t i = loop->next.fetch_add(1, std::memory_order_relaxed);
    if (i >= loop->count) return;
    if (loop->failure.load(std::memory_order_relaxed) != 0) continue;
    const int code = loop->task(loop->closure, i);
    if (code != 0) {
      int32_t none = 0;
      loop->failure.compare_exchange_strong(none, code, std::memory_order_relaxed);
    }
  }
}

/// A loop that has tasks to give, with the calling thread counted as its helper, or NULL. The mutex is held.
ThreadPool::Loop *ThreadPool::find_loop() {
  for (Loop *loop = loops_; loop != nullptr; loop = loop->following) {
    if (loop->next.load(std::memory_order_relaxed) >= loop->count) continue;
    loop->helpers.fetch_add(1, std::memory_order_relaxed);
    return loop;
  }
  return nullptr;
}

/// Until a loop is added after the first `seen`: those before it have given out their tasks, however long these still run.
void ThreadPool::wait_for_loop(uint32_t seen) {
  const auto added = [&] { return added_.load(std::memory_order_relaxed) != seen; };
  if (spin_until(added)) return;
  const Lock lock(&mutex_);
  while (!stop_ && !added()) {
    ++asleep_;
    pthread_cond_wait(&work_, &mutex_);
    --asleep_;
  }
}

void ThreadPool::work() {
  for (;;) {
    Loop *loop = nullptr;
    uint32_t seen = 0;
    {
      const Lock lock(&mutex_);
      if (stop_) return;
      loop = find_loop();
      seen = added_.load(std::memory_order_relaxed);
    }
    if (loop == nullptr) {
      wait_for_loop(seen);
      continue;
    }
    take(loop);
    const Lock lock(&mutex_);
    // Its owner may return once it sees 0: the loop is not touched after that.
    if (loop->helpers.fetch_sub(1, std::memory_order_release) == 1) pthread_cond_broadcast(&done_);
  }
}

int ThreadPool::run(const Allocator &allocator, int32_t count, halogen_task task, void *closure) {
  if (count <= 1 || num_threads_ <= 1) {
    int code = 0;
    for (int32_t i = 0; i < count && code == 0; ++i) code = task(closure, i);
    return code;
  }
  Loop loop{task, closure, count, {0}, {0}, {0}, nullptr};
  {
    const Lock lock(&mutex_);
    start_threads(allocator);
    loop.following = loops_;
    loops_ = &loop;
    added_.fetch_add(1, std::memory_order_relaxed);
    // No more threads than there are tasks for them; those that spin come by themselves.
    const int32_t wanted = count - 1;
    for (int32_t i = 0; i < wanted && i < asleep_; ++i) pthread_cond_signal(&work_);
  }
  take(&loop);
  {
    const Lock lock(&mutex_);
    Loop **at = &loops_;
    while (*at != &loop) at = &(*at)->following;
    *at = loop.following;
  }
  // No helper can come any more; the last ones end their tasks at about this time.
  const auto ended = [&] { return loop.helpers.load(std::memory_order_acquire) == 0; };
  if (!spin_until(ended)) {
    const Lock lock(&mutex_);
    while (!ended()) pthread_cond_wait(&done_, &mutex_);
  }
  return loop.failure.load(std::memory_order_relaxed);
}

}  // namespace halogen
