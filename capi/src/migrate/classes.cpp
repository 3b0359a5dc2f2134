#include "classes.h"

#include <cstring>

#include "frameworks/params.h"
#include "rows.h"
#include "text.h"

namespace halogen {
namespace {

template <class Params>
halogen_status read(const Report &report, const char *name, const void *from, void *to) {
  auto *read = static_cast<Params *>(to);
  *read = {};
  set_defaults(read);
  return read_over(report, name, static_cast<const Params *>(from), read);
}

template <class Params>
void write(const void *from, void *to) {
  write_struct(*static_cast<const Params *>(from), static_cast<Params *>(to));
}

template <class Params, const Rows &rows>
void init(void *params) {
  auto *made = static_cast<Params *>(params);
  *made = {};
  set_defaults(made);
  made->struct_size = sizeof(Params);
  static constexpr int64_t kOne = 1;
  Meaning one;
  one.shape = &kOne;
  one.dims = 1;
  for (const Row &row : rows) {
    switch (row.what) {
      case Concept::channels:
      case Concept::norm_groups:
      case Concept::shape:
      case Concept::in_channels:
      case Concept::out_channels:
      case Concept::kernel:
        row.write(one, params);
        break;
      default:
        break;
    }
  }
}

template <class Params, const Rows &rows>
constexpr ModuleClass made(const char *name, Family family) {
  static_assert(sizeof(Params) <= HALOGEN_MODULE_PARAMS_MAX, "callers keep a params struct in as many bytes");
  return {name, family, &rows, sizeof(Params), read<Params>, write<Params>, init<Params, rows>};
}

/// In the order of halogen_module_class.
constexpr ModuleClass kClasses[] = {
    made<halogen_torch_batch_norm_params, kTorchBatchNorm>("torch.nn.BatchNorm1d", Family::batch_norm1d),
    made<halogen_torch_batch_norm_params, kTorchBatchNorm>("torch.nn.BatchNorm2d", Family::batch_norm2d),
    made<halogen_torch_batch_norm_params, kTorchBatchNorm>("torch.nn.BatchNorm3d", Family::batch_norm3d),
    made<halogen_torch_instance_norm_params, kTorchInstanceNorm>("torch.nn.InstanceNorm1d", Family::instance_norm1d),
    made<halogen_torch_instance_norm_params, kTorchInstanceNorm>("torch.nn.InstanceNorm2d", Family::instance_norm2d),
    made<halogen_torch_instance_norm_params, kTorchInstanceNorm>("torch.nn.InstanceNorm3d", Family::instance_norm3d),
    made<halogen_torch_group_norm_params, kTorchGroupNorm>("torch.nn.GroupNorm", Family::group_norm),
    made<halogen_torch_layer_norm_params, kTorchLayerNorm>("torch.nn.LayerNorm", Family::layer_norm),
    made<halogen_torch_conv_transpose1d_params, kTorchConvTranspose>("torch.nn.ConvTranspose1d",
                                                                     Family::conv_transpose),
    made<halogen_mindspore_batch_norm_params, kMindsporeBatchNorm>("mindspore.nn.BatchNorm1d", Family::batch_norm1d),
    made<halogen_mindspore_batch_norm_params, kMindsporeBatchNorm>("mindspore.nn.BatchNorm2d", Family::batch_norm2d),
    made<halogen_mindspore_batch_norm_params, kMindsporeBatchNorm>("mindspore.nn.BatchNorm3d", Family::batch_norm3d),
    made<halogen_mindspore_instance_norm_params, kMindsporeInstanceNorm>("mindspore.nn.InstanceNorm1d",
                                                                         Family::instance_norm1d),
    made<halogen_mindspore_instance_norm_params, kMindsporeInstanceNorm>("mindspore.nn.InstanceNorm2d",
                                                                         Family::instance_norm2d),
    made<halogen_mindspore_instance_norm_params, kMindsporeInstanceNorm>("mindspore.nn.InstanceNorm3d",
                                                                         Family::instance_norm3d),
    made<halogen_mindspore_conv1d_transpose_params, kMindsporeConvTranspose>("mindspore.nn.Conv1dTranspose",
                                                                             Family::conv_transpose),
    made<halogen_megengine_batch_norm_params, kMegengineBatchNorm>("megengine.module.BatchNorm1d",
                                                                   Family::batch_norm1d),
    made<halogen_megengine_batch_norm_params, kMegengineBatchNorm>("megengine.module.BatchNorm2d",
                                                                   Family::batch_norm2d),
    made<halogen_megengine_instance_norm_params, kMegengineInstanceNorm>("megengine.module.InstanceNorm",
                                                                         Family::instance_norm2d),
    made<halogen_megengine_conv_transpose2d_params, kMegengineConvTranspose>("megengine.module.ConvTranspose2d",
                                                                             Family::conv_transpose),
    made<halogen_oneflow_batch_norm_params, kOneflowBatchNorm>("oneflow.nn.BatchNorm1d", Family::batch_norm1d),
    made<halogen_oneflow_batch_norm_params, kOneflowBatchNorm>("oneflow.nn.BatchNorm2d", Family::batch_norm2d),
    made<halogen_oneflow_batch_norm_params, kOneflowBatchNorm>("oneflow.nn.BatchNorm3d", Family::batch_norm3d),
    made<halogen_oneflow_instance_norm_params, kOneflowInstanceNorm>("oneflow.nn.InstanceNorm1d",
                                                                     Family::instance_norm1d),
    made<halogen_oneflow_instance_norm_params, kOneflowInstanceNorm>("oneflow.nn.InstanceNorm2d",
                                                                     Family::instance_norm2d),
    made<halogen_oneflow_instance_norm_params, kOneflowInstanceNorm>("oneflow.nn.InstanceNorm3d",
                                                                     Family::instance_norm3d),
    made<halogen_oneflow_group_norm_params, kOneflowGroupNorm>("oneflow.nn.GroupNorm", Family::group_norm),
    made<halogen_oneflow_layer_norm_params, kOneflowLayerNorm>("oneflow.nn.LayerNorm", Family::layer_norm),
    made<halogen_oneflow_conv_transpose1d_params, kOneflowConvTranspose>("oneflow.nn.ConvTranspose1d",
                                                                         Family::conv_transpose)};
constexpr int kClassCount = static_cast<int>(sizeof(kClasses) / sizeof(*kClasses));
static_assert(kClassCount == HALOGEN_ONEFLOW_CONV_TRANSPOSE1D + 1, "one line per class");

const Field *field_of(const ModuleClass &module_class, const char *name) {
  for (const Row &row : *module_class.rows) {
    for (int32_t i = 0; i < row.count; ++i) {
      const Field &field = row.fields[i];
      if (field.type != FieldType::literal && std::strcmp(field.name, name) == 0) return &field;
    }
  }
  return nullptr;
}

halogen_status no_parameter(const Report &report, const ModuleClass &module_class, const char *name) {
  char names[300];
  Text text(names, sizeof(names));
  for (const Row &row : *module_class.rows) {
    for (int32_t i = 0; i < row.count; ++i) {
      if (row.fields[i].type == FieldType::literal) continue;
      text.add("%s%s", names[0] != '\0' ? ", " : "", row.fields[i].name);
    }
  }
  return fail(report, HALOGEN_ERROR_KEY, "%s: expected one of its parameters (%s), got \"%.40s\"", module_class.name,
              names, name);
}

/// The first steps of a params_set and params_get.
halogen_status find_field(const Report &report, halogen_module_class number, const void *params, const char *name,
                          const ModuleClass **module_class, const Field **field, ParamsBuffer *read) {
  const halogen_status status = find_class(report, "module_class", number, module_class);
  if (status != HALOGEN_OK) return status;
  if (params == nullptr) return fail_null(report, "params");
  if (name == nullptr) return fail_null(report, "name");
  *field = field_of(**module_class, name);
  return *field != nullptr ? read_checked(report, "params", **module_class, params, read)
                           : no_parameter(report, **module_class, name);
}

}  // namespace

const ModuleClass *class_of(halogen_module_class number) {
  const int index = static_cast<int>(number);
  return index >= 0 && index < kClassCount ? &kClasses[index] : nullptr;
}

halogen_status find_class(const Report &report, const char *name, halogen_module_class number,
                          const ModuleClass **found) {
  *found = class_of(number);
  if (*found != nullptr) return HALOGEN_OK;
  return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected a halogen_module_class (0 to %d), got %d", name,
              kClassCount - 1, static_cast<int>(number));
}

halogen_status read_checked(const Report &report, const char *name, const ModuleClass &module_class, const void *from,
                            ParamsBuffer *to) {
  halogen_status status = module_class.read(report, name, from, to->bytes);
  for (const Row &row : *module_class.rows) {
    for (int32_t i = 0; i < row.count && status == HALOGEN_OK; ++i)
      status = field_check(report, row.fields[i], to->bytes);
  }
  return status;
}

Meaning meaning_of(const ModuleClass &module_class, const ParamsBuffer &params) {
  Meaning meaning;
  for (const Row &row : *module_class.rows) row.read(params.bytes, &meaning);
  return meaning;
}

}  // namespace halogen

using namespace halogen;

extern "C" {

const char *halogen_module_class_name(halogen_module_class module_class) {
  const ModuleClass *found = class_of(module_class);
  return found != nullptr ? found->name : nullptr;
}

halogen_status halogen_module_class_find(const char *name, halogen_module_class *module_class, halogen_error *error) {
  const Report report = {nullptr, error};
  if (name == nullptr) return fail_null(report, "name");
  if (module_class == nullptr) return fail_null(report, "module_class");
  for (int i = 0; i < kClassCount; ++i) {
    if (std::strcmp(kClasses[i].name, name) != 0) continue;
    *module_class = static_cast<halogen_module_class>(i);
    return HALOGEN_OK;
  }
  return fail(report, HALOGEN_ERROR_KEY, "expected a module's name as in %s, got \"%.60s\"", kClasses[0].name, name);
}

int32_t halogen_module_class_corresponds(halogen_module_class a, halogen_module_class b) {
  const ModuleClass *first = class_of(a), *second = class_of(b);
  return first != nullptr && second != nullptr && first->family == second->family;
}

size_t halogen_module_params_size(halogen_module_class module_class) {
  const ModuleClass *found = class_of(module_class);
  return found != nullptr ? found->size : 0;
}

halogen_status halogen_module_params_init(halogen_module_class module_class, void *params, size_t struct_size,
                                          halogen_error *error) {
  const Report report = {nullptr, error};
  const ModuleClass *found = nullptr;
  const halogen_status status = find_class(report, "module_class", module_class, &found);
  if (status != HALOGEN_OK) return status;
  if (params == nullptr) return fail_null(report, "params");
  if (struct_size != found->size) {
    return fail(report, HALOGEN_ERROR_STRUCT_SIZE, "struct_size: expected sizeof *params (%zu), got %zu", found->size,
                struct_size);
  }
  found->init(params);
  return HALOGEN_OK;
}

const char *halogen_module_params_name(halogen_module_class module_class, size_t index) {
  const ModuleClass *found = class_of(module_class);
  if (found == nullptr) return nullptr;
  for (const Row &row : *found->rows) {
    for (int32_t i = 0; i < row.count; ++i) {
      if (row.fields[i].type != FieldType::literal && index-- == 0) return row.fields[i].name;
    }
  }
  return nullptr;
}

halogen_status halogen_module_params_set(halogen_module_class module_class, void *params, const char *name,
                                         const char *text, halogen_error *error) {
  const Report report = {nullptr, error};
  const ModuleClass *found = nullptr;
  const Field *field = nullptr;
  ParamsBuffer read;
  halogen_status status = find_field(report, module_class, params, name, &found, &field, &read);
  if (status != HALOGEN_OK) return status;
  if (text == nullptr) return fail_null(report, "text");
  status = field_parse(report, *field, text, read.bytes);
  if (status == HALOGEN_OK) found->write(read.bytes, params);
  return status;
}

halogen_status halogen_module_params_get(halogen_module_class module_class, const void *params, const char *name,
                                         char *text, size_t size, halogen_error *error) {
  const Report report = {nullptr, error};
  const ModuleClass *found = nullptr;
  const Field *field = nullptr;
  ParamsBuffer read;
  const halogen_status status = find_field(report, module_class, params, name, &found, &field, &read);
  if (status != HALOGEN_OK) return status;
  if (text == nullptr) return fail_null(report, "text");
  if (size > 0) field_text(*field, read.bytes, text, size);
  return HALOGEN_OK;
}

}  // extern "C"
