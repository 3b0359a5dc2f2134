#include "guarded.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace halogen_tests {

namespace {
constexpr unsigned char canary = 0xa5;
}

GuardedBuffer::GuardedBuffer(size_t capacity_floats) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  usable_bytes_ = (std::max<size_t>(capacity_floats, 1) * sizeof(float) + page - 1) / page * page;
  mapping_bytes_ = usable_bytes_ + 2 * page;
  void *mapping = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) std::abort();
  mapping_ = static_cast<unsigned char *>(mapping);
  usable_ = mapping_ + page;
  if (mprotect(usable_, usable_bytes_, PROT_READ | PROT_WRITE) != 0) std::abort();
}

GuardedBuffer::~GuardedBuffer() { munmap(mapping_, mapping_bytes_); }

float *GuardedBuffer::place(size_t count, Flush where) {
  placed_bytes_ = count * sizeof(float);
  if (placed_bytes_ > usable_bytes_) std::abort();
  placed_ = where == Flush::start ? usable_ : usable_ + usable_bytes_ - placed_bytes_;
  std::memset(usable_, canary, usable_bytes_);
  return reinterpret_cast<float *>(placed_);
}

float *GuardedBuffer::place(const std::vector<float> &values, Flush where) {
  float *memory = place(values.size(), where);
  if (!values.empty()) std::memcpy(memory, values.data(), placed_bytes_);
  return memory;
}

bool GuardedBuffer::intact() const {
  const auto is_canary = [](unsigned char byte) { return byte == canary; };
  return std::all_of(usable_, placed_, is_canary) &&
         std::all_of(placed_ + placed_bytes_, usable_ + usable_bytes_, is_canary);
}

}  // namespace halogen_tests
