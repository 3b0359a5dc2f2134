// A module's state to another's: the same tensors by other names, in other shapes and types. The order of the elements is the same in all
// frameworks, so shapes need only as many.
#include <cstdio>
#include <cstring>

#include "module.h"
#include "number.h"
#include "report.h"
#include "tensor.h"

namespace halogen {
namespace {

/// The same tensor in all frameworks, a line each.
constexpr const char *kKeys[][2] = {{"weight", "gamma"},
                                    {"bias", "beta"},
                                    {"running_mean", "moving_mean"},
                                    {"running_var", "moving_variance"},
                                    {"num_batches_tracked", "num_batches_tracked"}};

bool corresponds(const char *a, const char *b) {
  for (const auto &line : kKeys) {
    const auto in_line = [&](const char *key) {
      return std::strcmp(key, line[0]) == 0 || std::strcmp(key, line[1]) == 0;
    };
    if (in_line(a)) return in_line(b);
  }
  return std::strcmp(a, b) == 0;
}

constexpr const char *kBatches = "num_batches_tracked";

/// One entry of a module's state.
struct Entry {
  const char *key = nullptr;
  const DLTensor *tensor = nullptr;

  void *at(int64_t index) const {
    return static_cast<char *>(tensor->data) + tensor->byte_offset + index * (tensor->dtype.bits / 8);
  }
  int64_t elements() const {
    int64_t product = 1;
    for (int32_t i = 0; i < tensor->ndim; ++i) product *= tensor->shape[i];
    return product;
  }
};

Entry entry_of(const halogen_module *module, size_t index) {
  Entry entry;
  entry.key = halogen_module_state_key(module, index);
  halogen_module_state(module, entry.key, &entry.tensor, nullptr);
  return entry;
}

/// The entry of `module` that corresponds to a key; no key where there is none.
Entry find(const halogen_module *module, const char *key) {
  for (size_t i = 0; i < halogen_module_state_count(module); ++i) {
    const Entry entry = entry_of(module, i);
    if (corresponds(entry.key, key)) return entry;
  }
  return {};
}

void describe(const Entry &entry, char (&name)[64], char (&value)[64]) {
  name[0] = value[0] = '\0';
  if (entry.key == nullptr) return;
  std::snprintf(name, sizeof(name), "%s", entry.key);
  Tensor tensor = {};
  tensor.shape = entry.tensor->shape;
  tensor.ndim = entry.tensor->ndim;
  char shape[160];
  std::snprintf(value, sizeof(value), "%.24s %.38s", DtypeText(entry.tensor->dtype).text, shape_text(tensor, shape));
}

halogen_difference difference_of(const Entry &from, const Entry &to) {
  halogen_difference entry;
  std::memset(&entry, 0, sizeof(entry));
  describe(from, entry.from_name, entry.from_value);
  describe(to, entry.to_name, entry.to_value);
  const bool batches = std::strcmp(from.key != nullptr ? from.key : to.key, kBatches) == 0;
  if (from.key == nullptr) {
    entry.kind = batches ? HALOGEN_DIFFERENCE_CONVERTED : HALOGEN_DIFFERENCE_DEFAULT;
    entry.reason = "the other module has none: it keeps its value, in a new module the initial one";
  } else if (to.key == nullptr) {
    // Only momentum=None looks at it, which no framework without it has.
    entry.kind = batches ? HALOGEN_DIFFERENCE_EQUAL : HALOGEN_DIFFERENCE_CANNOT;
    entry.reason = batches ? "not counted there, and without effect" : "the module has no such state: left out";
  } else {
    const bool same = std::strcmp(from.key, to.key) == 0 && std::strcmp(entry.from_value, entry.to_value) == 0;
    entry.kind = same ? HALOGEN_DIFFERENCE_EQUAL : HALOGEN_DIFFERENCE_CONVERTED;
  }
  return entry;
}

halogen_status check(const Report &report, const Entry &from, const Entry &to) {
  for (const Entry *entry : {&from, &to}) {
    if (entry->tensor->device.device_type == kDLCPU) continue;
    return fail(report, HALOGEN_ERROR_DEVICE, "%s: expected both modules' state on the CPU, got device_type %d",
                entry->key, static_cast<int>(entry->tensor->device.device_type));
  }
  if (from.elements() != to.elements()) {
    return fail(report, HALOGEN_ERROR_SHAPE, "%s, %s: expected as many elements in both, got %lld and %lld", from.key,
                to.key, static_cast<long long>(from.elements()), static_cast<long long>(to.elements()));
  }
  if ((from.tensor->dtype.code == kDLInt) != (to.tensor->dtype.code == kDLInt)) {
    return fail(report, HALOGEN_ERROR_DTYPE, "%s: expected %s, got %s", from.key, DtypeText(to.tensor->dtype).text,
                DtypeText(from.tensor->dtype).text);
  }
  return HALOGEN_OK;
}

void copy(const Entry &from, const Entry &to) {
  const int64_t count = from.elements();
  if (same_dtype(from.tensor->dtype, to.tensor->dtype)) {
    std::memmove(to.at(0), from.at(0), static_cast<size_t>(count * (to.tensor->dtype.bits / 8)));
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    store_number(load_number(from.tensor->dtype, from.at(i)), to.tensor->dtype, to.at(i));
  }
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" halogen_status halogen_convert_state(const halogen_module *from, halogen_module *to,
                                                halogen_convert_report *report, halogen_error *error) {
  const Report errors = {to != nullptr ? to->context : nullptr, error};
  if (from == nullptr) return fail_null(errors, "from");
  if (to == nullptr) return fail_null(errors, "to");
  ReportWriter writer;
  halogen_status status = writer.begin(errors, report);
  // All checks come before the first copy.
  for (size_t i = 0; i < halogen_module_state_count(to) && status == HALOGEN_OK; ++i) {
    const Entry target = entry_of(to, i), source = find(from, target.key);
    if (source.key != nullptr) status = check(errors, source, target);
    if (status == HALOGEN_OK) status = writer.add(errors, difference_of(source, target));
  }
  for (size_t i = 0; i < halogen_module_state_count(from) && status == HALOGEN_OK; ++i) {
    const Entry source = entry_of(from, i);
    if (find(to, source.key).key == nullptr) status = writer.add(errors, difference_of(source, {}));
  }
  for (size_t i = 0; i < halogen_module_state_count(to) && status == HALOGEN_OK; ++i) {
    const Entry target = entry_of(to, i), source = find(from, target.key);
    if (source.key == nullptr || source.tensor->data == target.tensor->data) continue;
    copy(source, target);
    // Loading what is already there: the module forgets what it has derived from the old state.
    status = halogen_module_load_state(to, target.key, target.tensor, error);
  }
  if (status == HALOGEN_OK) writer.finish();
  return status;
}
