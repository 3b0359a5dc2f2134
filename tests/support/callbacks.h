// Callbacks for a context's options: allocators that count or fail, parallel loops of the caller's own.
#pragma once

#include <halogen/core.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace halogen_tests {

/** An allocator that counts, checks what it is asked for, and fails on demand. Thread-safe. */
class CountingAllocator {
 public:
  /** Puts itself into `options`. It must outlive the context. */
  void install(halogen_context_options &options);

  /** Lets `count` more calls succeed and fails all that follow; negative: never fails. */
  void fail_after(int64_t count) { successes_left_ = count; }

  int64_t calls() const { return calls_; }
  /** Blocks not given back yet. */
  int64_t live() const { return live_; }
  int64_t live_bytes() const { return live_bytes_; }
  /** Requests that the header does not allow: alignment no power of two or above 128, or a size of 0. */
  int64_t odd_requests() const { return odd_requests_; }

 private:
  static void *allocate(void *user, size_t size, size_t alignment);
  static void deallocate(void *user, void *pointer);

  std::atomic<int64_t> calls_{0}, live_{0}, live_bytes_{0}, odd_requests_{0}, successes_left_{-1};
};

/** What a caller's parallel loop does. */
enum class LoopKind {
  forwards,         /**< one task after the other */
  backwards,        /**< the last task first */
  threads,          /**< on several threads, interleaved */
  refuses,          /**< returns 7 without running anything */
  fails_at_the_end, /**< runs everything, then returns 7 all the same */
  half              /**< runs the first half, then returns 7 */
};

/** A parallel loop that counts its calls. Thread-safe. */
class CallerLoop {
 public:
  explicit CallerLoop(LoopKind kind, int threads = 3) : kind_(kind), threads_(threads) {}
  /** Puts itself into `options`. It must outlive the context. */
  void install(halogen_context_options &options);
  int64_t loops() const { return loops_; }
  int64_t tasks() const { return tasks_; }

 private:
  static int run(void *user, int32_t count, halogen_task task, void *closure);
  int run(int32_t count, halogen_task task, void *closure);

  LoopKind kind_;
  int threads_;
  std::atomic<int64_t> loops_{0}, tasks_{0};
};

/** Keeps what a context logs. Thread-safe. */
class LogKeeper {
 public:
  void install(halogen_context_options &options);
  struct Entry {
    halogen_log_level level;
    std::string message;
  };
  std::vector<Entry> take();

 private:
  static void log(void *user, halogen_log_level level, const char *message);
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace halogen_tests
