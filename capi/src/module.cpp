#include "module.h"

#include <cstring>

#include "init/initializer.h"
#include "struct_size.h"

namespace halogen {
namespace {

constexpr DLDevice kCpu = {kDLCPU, 0};

/// The bits of 1.
uint64_t one_in(const DLDataType &dtype) {
  if (dtype.code == kDLInt) return 1;
  if (same_dtype(dtype, kFloat64)) return 0x3ff0000000000000;
  if (same_dtype(dtype, kFloat32)) return 0x3f800000;
  return same_dtype(dtype, kFloat16) ? 0x3c00 : 0x3f80;
}

/// For entries that take a call's report and a struct to write to.
halogen_status check_ran(const Report &report, const char *name, const halogen_kernel_info *info) {
  return info != nullptr ? check_struct(report, name, info) : HALOGEN_OK;
}

}  // namespace

void fill_state(const StateEntry &entry) {
  const size_t size = entry.tensor.dtype.bits / 8u;
  // Little-endian, as all targets are: the first bytes are the value's.
  const uint64_t bits = entry.one ? one_in(entry.tensor.dtype) : 0;
  char *to = static_cast<char *>(entry.tensor.data) + entry.tensor.byte_offset;
  for (int64_t i = 0; i < entry.elements; ++i) std::memcpy(to + static_cast<size_t>(i) * size, &bits, size);
}

halogen_module *module_allocate(halogen_context *context, const ModuleKind &kind, const DLDevice &device) {
  auto *module = static_cast<halogen_module *>(context->workspace.acquire(kind.bytes));
  if (module == nullptr) return nullptr;
  std::memset(static_cast<void *>(module), 0, kind.bytes);
  module->context = context;
  module->kind = &kind;
  module->device = device;
  module->training = true;
  return module;
}

bool module_add_state(halogen_module *module, const char *key, StateRole role, const DLDataType &dtype,
                      const int64_t *shape, int32_t ndim, bool one) {
  StateEntry &entry = module->state[module->state_count];
  entry.key = key;
  entry.role = role;
  entry.one = one;
  entry.init = initializer_of(one ? HALOGEN_INITIALIZER_ONE : HALOGEN_INITIALIZER_ZERO);
  entry.elements = 1;
  for (int32_t i = 0; i < ndim; ++i) {
    entry.shape[i] = shape[i];
    if (__builtin_mul_overflow(entry.elements, shape[i], &entry.elements)) return false;
  }
  entry.tensor.device = role == StateRole::counter ? kCpu : module->device;
  entry.mismatch = HALOGEN_ERROR_SHAPE;
  entry.tensor.ndim = ndim;
  entry.tensor.dtype = dtype;
  entry.tensor.shape = entry.shape;
  if (entry.tensor.device.device_type == kDLCPU) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<size_t>(entry.elements), size_t{dtype.bits / 8u}, &bytes)) return false;
    entry.owned = module->context->workspace.acquire(bytes);
    if (entry.owned == nullptr) return false;
    entry.tensor.data = entry.owned;
    fill_state(entry);
  }
  ++module->state_count;
  return true;
}

const StateEntry *module_find(const halogen_module *module, const char *key) {
  for (int32_t i = 0; i < module->state_count; ++i) {
    if (std::strcmp(module->state[i].key, key) == 0) return &module->state[i];
  }
  return nullptr;
}

halogen_status module_out_of_memory(const Report &report, halogen_module *incomplete) {
  halogen_module_destroy(incomplete);
  return fail(report, HALOGEN_ERROR_OUT_OF_MEMORY, "the allocator has no memory for a module and its state");
}

void module_forget(halogen_module *module) {
  if (module->kind->drop == nullptr) return;
  module->kind->drop(__atomic_exchange_n(&module->derived, nullptr, __ATOMIC_ACQ_REL));
}

void module_replace(halogen_module *module, StateEntry *entry, const StateMemory &memory) {
  module->context->workspace.release(entry->owned);
  module->context->gpu.release(entry->block);
  entry->owned = memory.owned;
  entry->block = memory.block;
  entry->tensor.data = memory.memory.base;
  entry->tensor.byte_offset = memory.memory.offset;
}

}  // namespace halogen

using namespace halogen;

extern "C" {

void halogen_module_destroy(halogen_module *module) {
  if (module == nullptr) return;
  module_forget(module);
  for (int32_t i = 0; i < module->state_count; ++i) module_replace(module, &module->state[i], {});
  module->context->workspace.release(module);
}

halogen_status halogen_module_set_training(halogen_module *module, int32_t training, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  if (training != 0 && training != 1) {
    return fail({module->context, error}, HALOGEN_ERROR_ARGUMENT, "training: expected 0 or 1, got %d", training);
  }
  module->training = training != 0;
  module_forget(module);
  return HALOGEN_OK;
}

halogen_status halogen_module_forward(halogen_module *module, const DLTensor *input, const DLTensor *output,
                                      void *stream, halogen_kernel_info *ran, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const halogen_status status = check_ran({module->context, error}, "ran", ran);
  return status != HALOGEN_OK ? status : module->kind->forward(module, {input, output, stream, false, ran, error});
}

halogen_status halogen_module_query(halogen_module *module, const DLTensor *input, const DLTensor *output,
                                    halogen_kernel_info *info, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  if (info == nullptr) return fail_null({module->context, error}, "info");
  const halogen_status status = check_ran({module->context, error}, "info", info);
  return status != HALOGEN_OK ? status : module->kind->forward(module, {input, output, nullptr, true, info, error});
}

halogen_status halogen_module_output(const halogen_module *module, const DLTensor *input, int64_t *shape, int32_t *ndim,
                                     DLDataType *dtype, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  if (shape == nullptr) return fail_null(report, "shape");
  if (ndim == nullptr) return fail_null(report, "ndim");
  Tensor checked;
  halogen_status status = check_data(report, "input", input, false, &checked);
  OutputForm form = {};
  if (status == HALOGEN_OK) status = module->kind->output(report, *module, *input, &form);
  if (status != HALOGEN_OK) return status;
  std::memcpy(shape, form.shape, static_cast<size_t>(form.ndim) * sizeof(int64_t));
  *ndim = form.ndim;
  if (dtype != nullptr) *dtype = input->dtype;
  return HALOGEN_OK;
}

halogen_status halogen_module_backward(halogen_module *module, const DLTensor *input, const DLTensor *grad_output,
                                       const halogen_module_gradients *gradients, void *stream,
                                       halogen_kernel_info *ran, halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  const Report report = {module->context, error};
  if (gradients == nullptr) return fail_null(report, "gradients");
  BackwardCall call = {input, grad_output, {}, stream, ran, error};
  halogen_status status = read_struct(report, "gradients", gradients, &call.gradients);
  if (status == HALOGEN_OK) status = check_ran(report, "ran", ran);
  if (status != HALOGEN_OK) return status;
  if (grad_output == nullptr) return fail_null(report, "grad_output");
  return module->kind->backward(module, call);
}

halogen_status halogen_module_repr(const halogen_module *module, char *text, size_t size, size_t *length,
                                   halogen_error *error) {
  if (module == nullptr) return fail_null({nullptr, error}, "module");
  if (text == nullptr && size > 0) return fail_null({module->context, error}, "text");
  Text written(text, size);
  module->kind->print(*module, &written);
  if (length != nullptr) *length = written.length();
  return HALOGEN_OK;
}

}  // extern "C"
