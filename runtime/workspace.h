// Memory of a context. Blocks that are given back are kept by size class, so that calls are malloc-free after warm-up.
#pragma once

#include <pthread.h>

#include <cstddef>

#include <halogen/core.h>

namespace halogen {

/// The widest alignment that anything asks for: two cache lines, which x86 fetches in pairs.
constexpr size_t kAlignment = 128;

/// The caller's allocator, or the C library's.
struct Allocator {
  void *(*allocate)(void *user, size_t size, size_t alignment);
  void (*deallocate)(void *user, void *pointer);
  void *user;

  void *get(size_t size) const { return allocate(user, size, kAlignment); }
  void put(void *pointer) const { deallocate(user, pointer); }
};

Allocator system_allocator();

/// Thread-safe. Size classes are two per power of two, so at most a third of a block is unused.
class Workspace {
 public:
  void init(const Allocator &allocator);
  /// Nothing may be in use any more.
  void destroy();

  /// Aligned to kAlignment; NULL when the allocator has none.
  void *acquire(size_t bytes);
  /// NULL is ignored.
  void release(void *pointer);
  /// Gives what is kept back to the allocator.
  void trim();

  const Allocator &allocator() const { return allocator_; }

 private:
  static constexpr int kClasses = 96;
  struct Block;
  Allocator allocator_;
  pthread_mutex_t mutex_;
  Block *kept_[kClasses];
};

}  // namespace halogen
