// Strong definitions in the place of Halide's weak ones. What Halide's runtime and kernels ask of their surroundings goes to the
// call's record, which is their user_context: no state of the process is involved. This file is linked with Halide's runtime into
// one member of the archive.
#include <atomic>
#include <cstdio>

#include "HalideRuntime.h"
#include "call.h"
#include "gpu_driver.h"
#include "halogen_target.h"

using halogen::Call;

namespace {

struct Loop {
  Call *call;
  halide_task_t task;
  int min;
  uint8_t *closure;
  std::atomic<int32_t> succeeded{0};
};

int run_task(void *closure, int32_t index) {
  Loop *loop = static_cast<Loop *>(closure);
  const int code = loop->task(loop->call, loop->min + index, loop->closure);
#if defined(__x86_64__)
  // Streaming stores are not ordered with what tells other threads that the task is done.
  __builtin_ia32_sfence();
#endif
  if (code == 0) loop->succeeded.fetch_add(1, std::memory_order_relaxed);
  return code;
}

/// Runs the loop with the caller's parallel_for, which is not trusted to have done what it says.
int run_outside(Loop *loop, int size) {
  const halogen_context_options &options = loop->call->context->options;
  const int code = options.parallel_for(options.parallel_user, size, run_task, loop);
  const int succeeded = loop->succeeded.load(std::memory_order_acquire);
  if (code == 0 && succeeded == size) return 0;
  char text[96];
  if (code != 0) {
    std::snprintf(text, sizeof(text), "parallel_for: expected 0, got the code %d", code);
  } else {
    std::snprintf(text, sizeof(text), "parallel_for: expected %d tasks to be run, each once, got %d", size, succeeded);
  }
  loop->call->note(HALOGEN_ERROR_PARALLEL, text);  // not where a task has noted why it failed
  return code != 0 ? code : halide_error_code_generic_error;
}

}  // namespace

extern "C" {

void halide_error(void *user_context, const char *message) {
  if (user_context != nullptr) static_cast<Call *>(user_context)->note(HALOGEN_ERROR_INTERNAL, message);
}

void halide_print(void *user_context, const char *message) {
  if (user_context == nullptr) return;
  const halogen_context_options &options = static_cast<Call *>(user_context)->context->options;
  if (options.log != nullptr) options.log(options.log_user, HALOGEN_LOG_DEBUG, message);
}

void *halide_malloc(void *user_context, size_t size) {
  if (user_context == nullptr) return nullptr;
  auto *call = static_cast<Call *>(user_context);
  void *memory = call->context->workspace.acquire(size);
  if (memory == nullptr)
    call->note(HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for a kernel's temporaries");
  return memory;
}

void halide_free(void *user_context, void *memory) {
  if (user_context != nullptr) static_cast<Call *>(user_context)->context->workspace.release(memory);
}

int halide_do_par_for(void *user_context, halide_task_t task, int min, int size, uint8_t *closure) {
  if (user_context == nullptr) return halide_error_code_generic_error;
  auto *call = static_cast<Call *>(user_context);
  Loop loop = {call, task, min, closure};
  if (size <= 1) return size == 1 ? run_task(&loop, 0) : 0;
  const bool nested = call->loops.fetch_add(1, std::memory_order_relaxed) != 0;
  int code = 0;
  if (nested) {
    for (int i = 0; i < size && code == 0; ++i) code = run_task(&loop, i);
  } else if (call->context->options.parallel_for != nullptr) {
    code = run_outside(&loop, size);
  } else {
    code = call->context->pool.run(call->context->workspace.allocator(), size, run_task, &loop);
  }
  call->loops.fetch_sub(1, std::memory_order_relaxed);
  return code;
}

#if HALOGEN_WITH_CUDA
int halide_cuda_acquire_context(void *user_context, void **cuda_context, bool) {
  *cuda_context = user_context != nullptr ? static_cast<Call *>(user_context)->gpu_context : nullptr;
  return *cuda_context != nullptr ? 0 : halide_error_code_generic_error;
}

int halide_cuda_release_context(void *) { return 0; }

/// The driver's own name: libcuda.so, which Halide would load, is for developers and may be a toolkit's stub.
void *halide_cuda_get_symbol(void *, const char *name) { return halogen::gpu_symbol(name); }

int halide_cuda_get_stream(void *user_context, void *, void **stream) {
  *stream = user_context != nullptr ? static_cast<Call *>(user_context)->stream : nullptr;
  return 0;
}
#endif

#if HALOGEN_WITH_CUDA || HALOGEN_WITH_OPENCL
/// Workspace that is given back is kept by the context, per stream; Halide's list of it would be the process's.
bool halide_can_reuse_device_allocations(void *) { return false; }
#endif

#if HALOGEN_WITH_OPENCL
// Halide 21 names these two otherwise than their CUDA counterparts.
int halide_acquire_cl_context(void *user_context, void **cl_context, void **queue, bool) {
  *cl_context = *queue = nullptr;
  if (user_context == nullptr) return halide_error_code_generic_error;
  const auto *call = static_cast<Call *>(user_context);
  *cl_context = call->gpu_context;
  *queue = call->stream;
  return *cl_context != nullptr && *queue != nullptr ? 0 : halide_error_code_generic_error;
}

int halide_release_cl_context(void *) { return 0; }
#endif

}  // extern "C"
