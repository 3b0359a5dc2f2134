#include "crash_note.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace halogen_tests {

namespace {

// Read in a signal handler: no allocation, no locks. A fault is delivered to the thread that made it.
thread_local char running[512];
struct sigaction before[NSIG];

void print(const char *text) {
  const ssize_t written = write(2, text, std::strlen(text));
  static_cast<void>(written);
}

void on_signal(int number) {
  print("while running: ");
  print(running);
  print("\n");
  sigaction(number, &before[number], nullptr);
  raise(number);
}

}  // namespace

void note_running(const std::string &what) {
  const size_t size = std::min(what.size(), sizeof running - 1);
  std::memcpy(running, what.data(), size);
  running[size] = '\0';
}

void install_crash_note() {
  // doctest reports first, then restores these handlers and raises the signal again.
  for (int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigaction(number, &action, &before[number]);
  }
}

}  // namespace halogen_tests
