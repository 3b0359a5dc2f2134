#include "callbacks.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

namespace halogen_tests {

namespace {

// The size of a block is kept in front of it; the gap keeps the strictest alignment.
constexpr size_t gap = 128;

}  // namespace

void CountingAllocator::install(halogen_context_options &options) {
  options.allocate = allocate;
  options.deallocate = deallocate;
  options.allocator_user = this;
}

void *CountingAllocator::allocate(void *user, size_t size, size_t alignment) {
  auto *self = static_cast<CountingAllocator *>(user);
  ++self->calls_;
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > gap || size == 0) ++self->odd_requests_;
  if (self->successes_left_ >= 0) {
    if (self->successes_left_ == 0) return nullptr;
    --self->successes_left_;
  }
  void *raw = std::aligned_alloc(gap, (size + 2 * gap - 1) / gap * gap);
  if (!raw) return nullptr;
  std::memcpy(raw, &size, sizeof size);
  ++self->live_;
  self->live_bytes_ += static_cast<int64_t>(size);
  return static_cast<char *>(raw) + gap;
}

void CountingAllocator::deallocate(void *user, void *pointer) {
  auto *self = static_cast<CountingAllocator *>(user);
  if (!pointer) return;
  char *raw = static_cast<char *>(pointer) - gap;
  size_t size = 0;
  std::memcpy(&size, raw, sizeof size);
  --self->live_;
  self->live_bytes_ -= static_cast<int64_t>(size);
  std::free(raw);
}

void CallerLoop::install(halogen_context_options &options) {
  options.parallel_for = run;
  options.parallel_user = this;
}

int CallerLoop::run(void *user, int32_t count, halogen_task task, void *closure) {
  return static_cast<CallerLoop *>(user)->run(count, task, closure);
}

int CallerLoop::run(int32_t count, halogen_task task, void *closure) {
  ++loops_;
  std::atomic<int> code{0};
  const auto one = [&](int32_t i) {
    ++tasks_;
    if (const int result = task(closure, i)) code = result;
  };
  switch (kind_) {
    case LoopKind::forwards:
    case LoopKind::fails_at_the_end:
      for (int32_t i = 0; i < count; ++i) one(i);
      break;
    case LoopKind::half:
      for (int32_t i = 0; i < count / 2; ++i) one(i);
      break;
    case LoopKind::backwards:
      for (int32_t i = count; i-- > 0;) one(i);
      break;
    case LoopKind::threads: {
      std::vector<std::thread> threads;
      for (int t = 0; t < threads_; ++t) {
        threads.emplace_back([&, t] {
          for (int32_t i = t; i < count; i += threads_) one(i);
        });
      }
      for (std::thread &thread : threads) thread.join();
      break;
    }
    case LoopKind::refuses:
      break;
  }
  const bool fails = kind_ == LoopKind::refuses || kind_ == LoopKind::fails_at_the_end || kind_ == LoopKind::half;
  return fails ? 7 : code.load();
}

void LogKeeper::install(halogen_context_options &options) {
  options.log = log;
  options.log_user = this;
}

void LogKeeper::log(void *user, halogen_log_level level, const char *message) {
  auto *self = static_cast<LogKeeper *>(user);
  const std::lock_guard<std::mutex> lock(self->mutex_);
  self->entries_.push_back({level, message});
}

std::vector<LogKeeper::Entry> LogKeeper::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(entries_, {});
}

}  // namespace halogen_tests
