#include "machine.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace halogen {
namespace {

constexpr int64_t kDefaultL2Bytes = 512 * 1024;

/// Reads a small file of /sys. Returns false where there is none.
bool read_text(const char *path, char *text, size_t size) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t count = read(file, text, size - 1);
  close(file);
  if (count <= 0) return false;
  text[count] = '\0';
  return true;
}

/// The C library knows no cache sizes on AArch64; the kernel does, as "1024K".
int64_t l2_from_sys() {
  for (int index = 0; index < 8; ++index) {
    char path[96];
    char text[32];
    std::snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/level", index);
    if (!read_text(path, text, sizeof(text))) break;
    if (text[0] != '2') continue;
    std::snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    if (!read_text(path, text, sizeof(text))) break;
    char *unit = nullptr;
    const int64_t size = std::strtol(text, &unit, 10);
    return *unit == 'K' ? size << 10 : *unit == 'M' ? size << 20 : size;
  }
  return 0;
}

}  // namespace

int64_t l2_cache_bytes() {
  int64_t size = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
  size = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  if (size <= 0) size = l2_from_sys();
  return size > 0 ? size : kDefaultL2Bytes;
}

int32_t available_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return count;
  }
  // More CPUs than a cpu_set_t holds.
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<int32_t>(online) : 1;
}

}  // namespace halogen
