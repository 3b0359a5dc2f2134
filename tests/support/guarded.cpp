#include "guarded.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace halogen_tests {

namespace {
constexpr unsigned char canary = 0xa5;
}

bool all_bytes_are(unsigned char value, const unsigned char *first, const unsigned char *last) {
  const size_t size = static_cast<size_t>(last - first);
  return size == 0 || (*first == value && std::memcmp(first, first + 1, size - 1) == 0);
}

GuardedBuffer::GuardedBuffer(size_t capacity) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  usable_bytes_ = (std::max<size_t>(capacity, 1) + page - 1) / page * page;
  mapping_bytes_ = usable_bytes_ + 2 * page;
  void *mapping = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) std::abort();
  mapping_ = static_cast<unsigned char *>(mapping);
  usable_ = mapping_ + page;
  if (mprotect(usable_, usable_bytes_, PROT_READ | PROT_WRITE) != 0) std::abort();
}

GuardedBuffer::~GuardedBuffer() { munmap(mapping_, mapping_bytes_); }

void *GuardedBuffer::place(size_t bytes, Flush where, size_t margin) {
  placed_bytes_ = bytes;
  if (placed_bytes_ + margin > usable_bytes_) std::abort();
  placed_ = where == Flush::start ? usable_ + margin : usable_ + usable_bytes_ - placed_bytes_ - margin;
  std::memset(usable_, canary, usable_bytes_);
  return placed_;
}

bool GuardedBuffer::intact() const {
  return all_bytes_are(canary, usable_, placed_) &&
         all_bytes_are(canary, placed_ + placed_bytes_, usable_ + usable_bytes_);
}

#if defined(__x86_64__)

namespace {

sigjmp_buf after_fault;

void on_fault(int) { siglongjmp(after_fault, 1); }

// One lane of eight, the others beyond the page's end.
__attribute__((target("avx"), noinline)) float masked_load(const float *last) {
  return _mm256_cvtss_f32(_mm256_maskload_ps(last, _mm256_set_epi32(0, 0, 0, 0, 0, 0, 0, -1)));
}

}  // namespace

bool masked_loads_overrun() {
  static const bool overrun = [] {
    if (!__builtin_cpu_supports("avx")) return false;
    GuardedBuffer buffer(sizeof(float));
    const auto *last = static_cast<const float *>(buffer.place(sizeof(float), Flush::end));
    struct sigaction action = {}, before;
    action.sa_handler = on_fault;
    sigaction(SIGSEGV, &action, &before);
    bool faulted = true;
    if (sigsetjmp(after_fault, 1) == 0) {
      const volatile float value = masked_load(last);
      static_cast<void>(value);
      faulted = false;
    }
    sigaction(SIGSEGV, &before, nullptr);
    return faulted;
  }();
  return overrun;
}

#else

bool masked_loads_overrun() { return false; }

#endif

}  // namespace halogen_tests
