#include "machine.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace halogen {
namespace {

constexpr int64_t kDefaultL2Bytes = 512 * 1024;
// Where no level-3 cache is known, or a small one: what is streamed too early costs more than what is streamed too late.
constexpr int64_t kDefaultLastLevelBytes = 8 << 20;

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

/// What the kernel says of CPU 0's cache of a level, as "1024K"; 0 where there is none.
int64_t cache_from_sys(char level) {
  for (int index = 0; index < 8; ++index) {
    char path[96];
    char text[32];
    std::snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/level", index);
    if (!read_text(path, text, sizeof(text))) break;
    if (text[0] != level) continue;
    std::snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    if (!read_text(path, text, sizeof(text))) break;
    char *unit = nullptr;
    const int64_t size = std::strtol(text, &unit, 10);
    return *unit == 'K' ? size << 10 : *unit == 'M' ? size << 20 : size;
  }
  return 0;
}

}  // namespace

Caches cache_bytes() {
  int64_t l2 = cache_from_sys('2'), l3 = cache_from_sys('3');
#ifdef _SC_LEVEL2_CACHE_SIZE
  if (l2 <= 0) l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
  // All of a processor's, on some: several times of what one core sees.
  if (l3 <= 0) l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
  if (l2 <= 0) l2 = kDefaultL2Bytes;
  return {l2, std::max({l2, l3, kDefaultLastLevelBytes})};
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
