#include "context.h"

#include <cstring>

#include "isa.h"
#include "machine.h"
#include "struct_size.h"

namespace halogen {
namespace {

/// While the major version is 0, a minor one may change the ABI.
bool version_is_served(uint32_t version) {
  const uint32_t major = version / 1000000;
  const uint32_t minor = version / 1000 % 1000;
  if (major != HALOGEN_VERSION_MAJOR) return false;
  return HALOGEN_VERSION_MAJOR == 0 ? minor == HALOGEN_VERSION_MINOR : minor <= HALOGEN_VERSION_MINOR;
}

halogen_status check_options(const Report &report, const halogen_context_options &options) {
  if ((options.allocate == nullptr) != (options.deallocate == nullptr)) {
    return fail(report, HALOGEN_ERROR_NULL_POINTER,
                "options: expected allocate and deallocate both or neither, got %s NULL",
                options.allocate == nullptr ? "allocate" : "deallocate");
  }
  if (options.num_threads < 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "options.num_threads: expected 0 (a thread per CPU) or more, got %d",
                options.num_threads);
  }
  if (options.stores < HALOGEN_STORES_AUTO || options.stores > HALOGEN_STORES_STREAMING) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "options.stores: expected auto (0), cached (1) or streaming (2), got %d",
                static_cast<int>(options.stores));
  }
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

uint32_t halogen_version(void) { return HALOGEN_VERSION_NUMBER; }

halogen_status halogen_context_create(uint32_t version, const halogen_context_options *options,
                                      halogen_context **context, halogen_error *error) {
  Report report = {nullptr, error};
  if (!version_is_served(version)) {
    return fail(report, HALOGEN_ERROR_VERSION, "expected a caller compiled against version %u.%u, got %u.%u.%u",
                HALOGEN_VERSION_MAJOR, HALOGEN_VERSION_MINOR, version / 1000000, version / 1000 % 1000, version % 1000);
  }
  if (context == nullptr) return fail_null(report, "context");
  halogen_context made;
  std::memset(static_cast<void *>(&made.options), 0, sizeof(made.options));
  if (options != nullptr) {
    const halogen_status status = read_struct(report, "options", options, &made.options);
    if (status != HALOGEN_OK) return status;
  }
  halogen_status status = check_options(report, made.options);
  if (status == HALOGEN_OK) status = isa_choose(report, made.options.isa, &made.options.isa);
  if (status != HALOGEN_OK) return status;
  if (made.options.num_threads == 0) made.options.num_threads = available_cpus();

  Allocator allocator = system_allocator();
  if (made.options.allocate != nullptr) {
    allocator = {made.options.allocate, made.options.deallocate, made.options.allocator_user};
  }
  auto *result = static_cast<halogen_context *>(allocator.get(sizeof(halogen_context)));
  if (result == nullptr) {
    return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no %zu bytes for a context",
                sizeof(halogen_context));
  }
  std::memset(static_cast<void *>(result), 0, sizeof(*result));
  result->options = made.options;
  result->caches = cache_bytes();
  result->workspace.init(allocator);
  result->pool.init(made.options.num_threads);
  result->gpu.init();
  *context = result;
  return HALOGEN_OK;
}

void halogen_context_destroy(halogen_context *context) {
  if (context == nullptr) return;
  const Allocator allocator = context->workspace.allocator();
  context->gpu.destroy(context);
  context->pool.destroy(allocator);
  context->workspace.destroy();
  allocator.put(context);
}

halogen_status halogen_context_isa(const halogen_context *context, halogen_isa *isa, const char **name,
                                   halogen_error *error) {
  if (context == nullptr) return fail_null({nullptr, error}, "context");
  if (isa != nullptr) *isa = context->options.isa;
  if (name != nullptr) *name = isa_name(context->options.isa);
  return HALOGEN_OK;
}

halogen_status halogen_context_trim(halogen_context *context, halogen_error *error) {
  if (context == nullptr) return fail_null({nullptr, error}, "context");
  context->workspace.trim();
  context->gpu.trim(context);
  return HALOGEN_OK;
}

const char *halogen_status_name(halogen_status status) {
  switch (status) {
#define HALOGEN_NAME(name) \
  case name:               \
    return #name
    HALOGEN_NAME(HALOGEN_OK);
    HALOGEN_NAME(HALOGEN_ERROR_NULL_POINTER);
    HALOGEN_NAME(HALOGEN_ERROR_STRUCT_SIZE);
    HALOGEN_NAME(HALOGEN_ERROR_VERSION);
    HALOGEN_NAME(HALOGEN_ERROR_RANK);
    HALOGEN_NAME(HALOGEN_ERROR_SHAPE);
    HALOGEN_NAME(HALOGEN_ERROR_CHANNELS);
    HALOGEN_NAME(HALOGEN_ERROR_DTYPE);
    HALOGEN_NAME(HALOGEN_ERROR_DEVICE);
    HALOGEN_NAME(HALOGEN_ERROR_LAYOUT);
    HALOGEN_NAME(HALOGEN_ERROR_OVERLAP);
    HALOGEN_NAME(HALOGEN_ERROR_SIZE);
    HALOGEN_NAME(HALOGEN_ERROR_TOO_FEW_VALUES);
    HALOGEN_NAME(HALOGEN_ERROR_ARGUMENT);
    HALOGEN_NAME(HALOGEN_ERROR_UNSUPPORTED);
    HALOGEN_NAME(HALOGEN_ERROR_ISA);
    HALOGEN_NAME(HALOGEN_ERROR_OUT_OF_MEMORY);
    HALOGEN_NAME(HALOGEN_ERROR_KEY);
    HALOGEN_NAME(HALOGEN_ERROR_DRIVER);
    HALOGEN_NAME(HALOGEN_ERROR_PARALLEL);
    HALOGEN_NAME(HALOGEN_ERROR_INTERNAL);
    HALOGEN_NAME(HALOGEN_ERROR_STRIDE);
    HALOGEN_NAME(HALOGEN_ERROR_DILATION);
    HALOGEN_NAME(HALOGEN_ERROR_GROUPS);
    HALOGEN_NAME(HALOGEN_ERROR_OUTPUT_PADDING);
    HALOGEN_NAME(HALOGEN_ERROR_WEIGHT_SHAPE);
    HALOGEN_NAME(HALOGEN_ERROR_BIAS_SHAPE);
    HALOGEN_NAME(HALOGEN_ERROR_OUTPUT_LENGTH);
#undef HALOGEN_NAME
  }
  return "unknown status";
}

}  // extern "C"
