#include "thread_pool.h"

#include <signal.h>
#include <time.h>

#include "lock.h"

namespace halogen {
namespace {

// How long a thread looks for the next loop before it goes to sleep: longer than the time between two kernels of one call,
// shorter than anyone would notice.
constexpr int64_t kSpinNanoseconds = 30000;

int64_t nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
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
  pending_.store(0, std::memory_order_relaxed);
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

void ThreadPool::work() {
  for (;;) {
    const int64_t until = nanoseconds() + kSpinNanoseconds;
    while (pending_.load(std::memory_order_acquire) == 0 && nanoseconds() < until) relax();
    Loop *loop = nullptr;
    {
      const Lock lock(&mutex_);
      while (loops_ == nullptr && !stop_) pthread_cond_wait(&work_, &mutex_);
      if (stop_) return;
      for (loop = loops_; loop != nullptr; loop = loop->following) {
        if (loop->next.load(std::memory_order_relaxed) < loop->count) break;
      }
      if (loop != nullptr) loop->helpers.fetch_add(1, std::memory_order_relaxed);
    }
    if (loop == nullptr) {
      // Every loop has given out its tasks; its own thread takes it off the list soon.
      relax();
      continue;
    }
    take(loop);
    const Lock lock(&mutex_);
    if (loop->helpers.fetch_sub(1, std::memory_order_acq_rel) == 1) pthread_cond_broadcast(&done_);
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
    pending_.fetch_add(1, std::memory_order_release);
    pthread_cond_broadcast(&work_);
  }
  take(&loop);
  const Lock lock(&mutex_);
  for (Loop **at = &loops_;; at = &(*at)->following) {
    if (*at == &loop) {
      *at = loop.following;
      break;
    }
  }
  pending_.fetch_sub(1, std::memory_order_release);
  while (loop.helpers.load(std::memory_order_acquire) != 0) pthread_cond_wait(&done_, &mutex_);
  return loop.failure.load(std::memory_order_relaxed);
}

}  // namespace halogen
