#include "repeated.h"

#include <sys/mman.h>
#include <unistd.h>

namespace halogen_tests {

RepeatedMapping::RepeatedMapping(size_t block_bytes, size_t repeats) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const int file = memfd_create("halogen_tests", 0);
  if (file < 0 || ftruncate(file, static_cast<off_t>(block_bytes)) != 0) return;
  mapping_bytes_ = block_bytes * repeats + 2 * page;
  mapping_ = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  bool mapped = mapping_ != MAP_FAILED;
  unsigned char *first = static_cast<unsigned char *>(mapping_) + page;
  for (size_t i = 0; i < repeats && mapped; ++i) {
    mapped = mmap(first + i * block_bytes, block_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) !=
             MAP_FAILED;
  }
  close(file);
  if (mapped) data_ = reinterpret_cast<float *>(first);
}

RepeatedMapping::~RepeatedMapping() {
  if (mapping_ != MAP_FAILED && mapping_) munmap(mapping_, mapping_bytes_);
}

}  // namespace halogen_tests
