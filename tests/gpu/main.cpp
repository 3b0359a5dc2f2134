// The GPU tests' main: without a device, or without kernels for it in the library, the whole program is skipped (exit status 77).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <halogen/core.h>

#include <cstdio>

#include "device.h"
#include "support/coverage.h"
#include "support/crash_note.h"
#include "support/env.h"

namespace halogen_tests {

namespace {

std::unique_ptr<Device> opened;

/** Empty if the library has kernels that this device takes. */
std::string why_not() {
  std::string reason;
  opened = open_device(reason);
  if (!opened) return reason;
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  options.gpu_context = opened->context();
  options.gpu_stream = opened->stream();
  halogen_context *context = nullptr;
  halogen_error error = HALOGEN_ERROR_INIT;
  halogen_status status = halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, &error);
  if (status == HALOGEN_OK) status = halogen_prepare(context, &error);
  halogen_context_destroy(context);
  // Anything but UNSUPPORTED is for the tests to find.
  return status == HALOGEN_ERROR_UNSUPPORTED ? std::string("unsupported: ") + error.message : "";
}

}  // namespace

Device &the_device() { return *opened; }

}  // namespace halogen_tests

int main(int argc, char **argv) {
  using namespace halogen_tests;
  const std::string reason = why_not();
  if (!reason.empty()) {
    std::printf("[SKIP] %s: %s\n", HALOGEN_TEST_VARIANT, reason.c_str());
    record_unavailable(HALOGEN_TEST_VARIANT, reason);
    return 77;
  }
  install_crash_note();
  doctest::Context context(argc, argv);
  context.setOption("no-intro", true);
  std::printf("HALOGEN_TEST_SEED=%llu\n", static_cast<unsigned long long>(base_seed()));
  // The device outlives the tests' contexts, which are destroyed at exit: it was made before them.
  return context.run();
}
