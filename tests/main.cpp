// doctest's main, plus the seed that repeats this run.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "support/crash_note.h"
#include "support/env.h"

int main(int argc, char **argv) {
  halogen_tests::install_crash_note();
  doctest::Context context(argc, argv);
  context.setOption("no-intro", true);
  std::printf("HALOGEN_TEST_SEED=%llu%s\n", static_cast<unsigned long long>(halogen_tests::base_seed()),
              halogen_tests::quick() ? " HALOGEN_TEST_QUICK=1" : "");
  return context.run();
}
