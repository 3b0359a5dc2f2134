#include "workspace.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#include "lock.h"

namespace halogen {
namespace {

constexpr int kSmallestLog2 = 9;  // 512 bytes, the header included

// A first touch of 2 MiB takes as long as 100 small pages', a fifth of all 512; where there are no such pages, nothing is lost.
constexpr size_t kLargePage = size_t{2} << 20, kLeastLarge = kLargePage / 2;

void *system_allocate(void *, size_t size, size_t alignment) {
  const size_t unit = size >= kLeastLarge ? kLargePage : alignment, bytes = (size + unit - 1) / unit * unit;
  void *block = std::aligned_alloc(unit, bytes);
#if defined(MADV_HUGEPAGE)
  if (block != nullptr && unit == kLargePage) madvise(block, bytes, MADV_HUGEPAGE);
#endif
  return block;
}

void system_deallocate(void *, void *pointer) { std::free(pointer); }

/// Sizes 512, 768, 1024, 1536, 2048, ...
constexpr size_t class_size(int index) {
  const size_t power = size_t{1} << (kSmallestLog2 + index / 2);
  return index % 2 == 0 ? power : power + power / 2;
}

int class_of(size_t size) {
  if (size <= class_size(0)) return 0;
  const int log2 = 63 - __builtin_clzll(size - 1);  // 2^log2 < size <= 2^(log2 + 1)
  const int below = 2 * (log2 - kSmallestLog2);
  return size <= class_size(below + 1) ? below + 1 : below + 2;
}

}  // namespace

/// What stands before the memory that is handed out.
struct Workspace::Block {
  Block *next;
  int size_class;
};

Allocator system_allocator() { return {system_allocate, system_deallocate, nullptr}; }

void Workspace::init(const Allocator &allocator) {
  allocator_ = allocator;
  pthread_mutex_init(&mutex_, nullptr);
  for (Block *&kept : kept_) kept = nullptr;
}

void Workspace::destroy() {
  trim();
  pthread_mutex_destroy(&mutex_);
}

void *Workspace::acquire(size_t bytes) {
  static_assert(sizeof(Block) <= kAlignment, "the header takes one alignment unit");
  if (bytes > class_size(kClasses - 1) - kAlignment) return nullptr;
  const int size_class = class_of(bytes + kAlignment);
  Block *block = nullptr;
  {
    const Lock lock(&mutex_);
    block = kept_[size_class];
    if (block != nullptr) kept_[size_class] = block->next;
  }
  if (block == nullptr) {
    block = static_cast<Block *>(allocator_.get(class_size(size_class)));
    if (block == nullptr) return nullptr;
    block->size_class = size_class;
  }
  return reinterpret_cast<char *>(block) + kAlignment;
}

void Workspace::release(void *pointer) {
  if (pointer == nullptr) return;
  auto *block = reinterpret_cast<Block *>(static_cast<char *>(pointer) - kAlignment);
  const Lock lock(&mutex_);
  block->next = kept_[block->size_class];
  kept_[block->size_class] = block;
}

void Workspace::trim() {
  for (Block *&kept : kept_) {
    Block *block = nullptr;
    {
      const Lock lock(&mutex_);
      block = kept;
      kept = nullptr;
    }
    while (block != nullptr) {
      Block *next = block->next;
      allocator_.put(block);
      block = next;
    }
  }
}

}  // namespace halogen
