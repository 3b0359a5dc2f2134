// Memory between two pages that may not be touched: an access one byte outside faults at once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halogen_tests {

/** Whether every byte of [first, last) is `value`. By memcmp: a loop over bytes was half of what an emulator had to execute. */
bool all_bytes_are(unsigned char value, const unsigned char *first, const unsigned char *last);

/** Where a tensor lies in guarded memory. */
enum class Flush { start, end };

/** A buffer with a PROT_NONE page on either side. A tensor placed at one end is flush with that end's page; the
 * rest of the buffer holds a canary that intact() checks, so a stray write inside the mapping is seen as well. */
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t capacity);
  ~GuardedBuffer();
  GuardedBuffer(const GuardedBuffer &) = delete;
  GuardedBuffer &operator=(const GuardedBuffer &) = delete;

  /** Memory for `bytes` bytes flush with one end, or `margin` bytes of canary from it; everything becomes canary. */
  void *place(size_t bytes, Flush where, size_t margin = 0);
  /** True while all bytes outside the placed ones are as place() left them. */
  bool intact() const;

 private:
  unsigned char *mapping_ = nullptr;
  unsigned char *usable_ = nullptr;
  size_t mapping_bytes_ = 0;
  size_t usable_bytes_ = 0;
  unsigned char *placed_ = nullptr;
  size_t placed_bytes_ = 0;
};

/** Whether this machine touches memory that a masked load (vmaskmovps) leaves out. No CPU does; qemu's emulation of AVX up to at
 * least 7.2 does, so there a masked load at the end of a page faults without anything being wrong. */
bool masked_loads_overrun();

}  // namespace halogen_tests
