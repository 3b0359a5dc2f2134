#include "mindspore_init.h"

#include "init/initializer.h"

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
  if (init.init->mode < HALOGEN_MINDSPORE_FAN_IN || init.init->mode > HALOGEN_MINDSPORE_FAN_OUT ||
      init.init->nonlinearity < HALOGEN_MINDSPORE_LEAKY_RELU || init.init->nonlinearity > HALOGEN_MINDSPORE_RELU) {
    return fail(report, HALOGEN_ERROR_ARGUMENT, "For '%s', '%s': expected mode and nonlinearity 0 or 1, got %d, %d",
                class_name, init.name, static_cast<int>(init.init->mode), static_cast<int>(init.init->nonlinearity));
  }
  if (device.device_type != kDLCPU) {
    return fail(report, HALOGEN_ERROR_DEVICE, "For '%s', '%s': expected no initialiser on a GPU, where state is bound",
                class_name, init.name);
  }
  return kind == HALOGEN_MINDSPORE_INIT_TENSOR && init.init->tensor == nullptr ? fail_null(report, init.name)
                                                                               : HALOGEN_OK;
}

namespace {

/// The arguments in our words.
halogen_initializer translated(const halogen_mindspore_init &from) {
  static constexpr halogen_initializer_kind kKinds[] = {HALOGEN_INITIALIZER_ZERO,
                                                        HALOGEN_INITIALIZER_ZERO,
                                                        HALOGEN_INITIALIZER_ONE,
                                                        HALOGEN_INITIALIZER_CONSTANT,
                                                        HALOGEN_INITIALIZER_NORMAL,
                                                        HALOGEN_INITIALIZER_UNIFORM,
                                                        HALOGEN_INITIALIZER_TRUNCATED_NORMAL,
                                                        HALOGEN_INITIALIZER_HE_NORMAL,
                                                        HALOGEN_INITIALIZER_HE_UNIFORM,
                                                        HALOGEN_INITIALIZER_XAVIER_UNIFORM,
                                                        HALOGEN_INITIALIZER_TENSOR};
  halogen_initializer to = initializer_of(kKinds[from.kind]);
  to.value = to.sigma = to.high = to.negative_slope = to.gain = from.value;
  to.low = -from.value;
  to.mean = from.mean;
  to.a = from.a;
  to.b = from.b;
  to.fan = from.mode == HALOGEN_MINDSPORE_FAN_OUT ? HALOGEN_FAN_OUT : HALOGEN_FAN_IN;
  to.nonlinearity =
      from.nonlinearity == HALOGEN_MINDSPORE_RELU ? HALOGEN_NONLINEARITY_RELU : HALOGEN_NONLINEARITY_LEAKY_RELU;
  return to;
}

}  // namespace

halogen_status mindspore_apply_init(const Report &report, halogen_module *module, const MindsporeInit &init) {
  auto *entry = const_cast<StateEntry *>(module_find(module, init.key));
  if (entry == nullptr || init.init->kind == HALOGEN_MINDSPORE_INIT_DEFAULT) return HALOGEN_OK;
  entry->init = translated(*init.init);
  if (init.init->kind == HALOGEN_MINDSPORE_INIT_TENSOR) {
    return halogen_module_load_state(module, init.key, init.init->tensor, report.error);
  }
  const Seed seed = {0, static_cast<uint64_t>(entry - module->state)};
  return initialize(module->context, report, entry->init, seed, &entry->tensor);
}

}  // namespace halogen
