// The threads of a context: made at the first loop that needs them, asleep between loops.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include <halogen/core.h>

#include "workspace.h"

namespace halogen {

/// Runs parallel loops. Several threads may run loops at the same time; a loop inside a task runs in line.
class ThreadPool {
 public:
  void init(int32_t num_threads);
  /// No loop may be running.
  void destroy(const Allocator &allocator);

  /// task(closure, i) for i in [0, count), by the calling thread and the pool's. Returns the first code that was not 0; then
  /// tasks that have not begun are skipped.
  int run(const Allocator &allocator, int32_t count, halogen_task task, void *closure);

 private:
  struct Loop;

  static void *thread_main(void *pool);
  void work();
  Loop *find_loop();
  void wait_for_loop(uint32_t seen);
  static void take(Loop *loop);
  void start_threads(const Allocator &allocator);

  int32_t num_threads_;
  int32_t started_;
  bool stop_;
  pthread_t *threads_;
  Loop *loops_;  ///< running loops that still have tasks to give
  pthread_mutex_t mutex_;
  pthread_cond_t work_;
  pthread_cond_t done_;
  int32_t asleep_;               ///< pool threads that wait for work_
  std::atomic<uint32_t> added_;  ///< counts loops, for spinning without the mutex
};

}  // namespace halogen
