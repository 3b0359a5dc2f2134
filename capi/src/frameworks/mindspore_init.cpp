#include "mindspore_init.h"

#include <cstring>

#include "number.h"

namespace halogen {

halogen_status mindspore_check_init(const Report &report, const char *class_name, const MindsporeInit &init,
                                    const DLDevice &device) {
  const halogen_mindspore_init_kind kind = init.init->kind;
  if (kind < HALOGEN_MINDSPORE_INIT_DEFAULT || kind > HALOGEN_MINDSPORE_INIT_TENSOR || init.init->reserved != 0) {
    return fail(report, HALOGEN_ERROR_ARGUMENT,
                "For '%s', the type of '%s' must be in [Tensor, numbers.Number, str, Initializer], but got kind %d, "
                "reserved %d",
                class_name, init.name, static_cast<int>(kind), init.init->reserved);
  }
  if (kind == HALOGEN_MINDSPORE_INIT_DEFAULT) return HALOGEN_OK;
  if (kind >= HALOGEN_MINDSPORE_INIT_NORMAL && kind <= HALOGEN_MINDSPORE_INIT_XAVIER_UNIFORM) {
    return fail(report, HALOGEN_ERROR_UNSUPPORTED,
                "For '%s', '%s': random initialisers are not drawn by create; give a tensor, or load the state",
                class_name, init.name);
  }
  if (device.device_type != kDLCPU) {
    return fail(report, HALOGEN_ERROR_DEVICE, "For '%s', '%s': expected no initialiser on a GPU, where state is bound",
                class_name, init.name);
  }
  return kind == HALOGEN_MINDSPORE_INIT_TENSOR && init.init->tensor == nullptr ? fail_null(report, init.name)
                                                                               : HALOGEN_OK;
}

halogen_status mindspore_apply_init(const Report &report, halogen_module *module, const MindsporeInit &init) {
  const StateEntry *entry = module_find(module, init.key);
  double value = 0;
  switch (init.init->kind) {
    case HALOGEN_MINDSPORE_INIT_ZERO:
      break;
    case HALOGEN_MINDSPORE_INIT_ONE:
      value = 1;
      break;
    case HALOGEN_MINDSPORE_INIT_CONSTANT:
      value = init.init->value;
      break;
    case HALOGEN_MINDSPORE_INIT_TENSOR:
      return entry != nullptr ? halogen_module_load_state(module, init.key, init.init->tensor, report.error)
                              : HALOGEN_OK;
    default:
      return HALOGEN_OK;
  }
  if (entry == nullptr) return HALOGEN_OK;
  auto *to = static_cast<char *>(entry->tensor.data);
  const size_t size = entry->tensor.dtype.bits / 8u;
  for (int64_t i = 0; i < entry->elements; ++i) {
    store_number(value, entry->tensor.dtype, to + static_cast<size_t>(i) * size);
  }
  return HALOGEN_OK;
}

}  // namespace halogen
