#include "capture.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace halogen_tests {

std::string captured_output(const std::function<void()> &body) {
  std::fflush(nullptr);
  std::FILE *file = std::tmpfile();
  const int saved_out = dup(1);
  const int saved_err = dup(2);
  if (!file || saved_out < 0 || saved_err < 0) std::abort();
  dup2(fileno(file), 1);
  dup2(fileno(file), 2);
  body();
  std::fflush(nullptr);
  dup2(saved_out, 1);
  dup2(saved_err, 2);
  close(saved_out);
  close(saved_err);
  std::string text;
  char buffer[512];
  std::rewind(file);
  for (size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, got);
  std::fclose(file);
  return text;
}

}  // namespace halogen_tests
