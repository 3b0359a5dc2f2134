#include "machine.h"

#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

namespace halogen_bench {
namespace {

size_t cache_bytes(int sysconf_name, int index, size_t kibibytes_if_unknown) {
  const long said = sysconf(sysconf_name);
  if (said > 0) return static_cast<size_t>(said);
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size");
  size_t kibibytes = 0;
  return (file >> kibibytes ? kibibytes : kibibytes_if_unknown) * 1024;
}

}  // namespace

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

size_t l2_bytes() { return cache_bytes(_SC_LEVEL2_CACHE_SIZE, 2, 512); }

size_t last_level_bytes() { return cache_bytes(_SC_LEVEL3_CACHE_SIZE, 3, size_t{32} * 1024); }

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  char text[32] = "";
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

}  // namespace halogen_bench
