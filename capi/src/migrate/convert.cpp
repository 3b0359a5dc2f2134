// Parameters from one class to another: read into a Meaning, written from it, read back; what does not come back cannot be expressed.
#include <cstdio>
#include <cstring>

#include "classes.h"
#include "report.h"
#include "rows.h"

namespace halogen {
namespace {

/// One class' part in a conversion.
struct Side {
  const ModuleClass *module_class;
  ParamsBuffer params, defaults;
  Meaning meaning;

  const Row *row(Concept what) const {
    for (const Row &row : *module_class->rows) {
      if (row.what == what) return &row;
    }
    return nullptr;
  }
};

void append(char (&text)[64], const char *more) {
  const size_t used = std::strlen(text);
  std::snprintf(text + used, sizeof(text) - used, "%s%s", used > 0 ? ", " : "", more);
}

void describe(const Row *row, const ParamsBuffer &params, char (&name)[64], char (&value)[64]) {
  name[0] = value[0] = '\0';
  for (int32_t i = 0; row != nullptr && i < row->count; ++i) {
    char text[64];
    field_text(row->fields[i], params.bytes, text, sizeof(text));
    append(name, row->fields[i].name);
    append(value, text);
  }
}

bool has_parameter(const Row *row) {
  return row != nullptr && row->count > 0 && row->fields[0].type != FieldType::literal;
}

/// What it would mean to leave the row's parameters out.
Meaning by_default(const Side &side, const Row &row) {
  ParamsBuffer params = side.params;
  for (int32_t i = 0; i < row.count; ++i) field_copy(row.fields[i], side.defaults.bytes, params.bytes);
  Meaning meaning = side.meaning;
  row.read(params.bytes, &meaning);
  return meaning;
}

/// Whether one concept has anything to report, and what.
bool compare(Concept what, const Side &from, const Side &to, const Remark &remark, halogen_difference *entry) {
  const Row *f = from.row(what), *t = to.row(what);
  if (f == nullptr && t == nullptr) return false;
  const ConceptRule &rule = rule_of(what);
  std::memset(entry, 0, sizeof(*entry));
  describe(f, from.params, entry->from_name, entry->from_value);
  describe(t, to.params, entry->to_name, entry->to_value);
  const bool expressed = !remark.cannot && rule.same(from.meaning, to.meaning);
  if (expressed && !has_parameter(f) && !has_parameter(t)) return false;
  if (!expressed) {
    entry->kind = remark.cannot ? HALOGEN_DIFFERENCE_CANNOT : rule.otherwise;
    entry->reason = remark.cannot || rule.reason == nullptr ? remark.text : rule.reason;
    return true;
  }
  entry->reason = remark.text;
  const bool settable = has_parameter(t) && t->write != nullptr;
  if (settable && f != nullptr && !rule.same(by_default(from, *f), by_default(to, *t))) {
    entry->kind = HALOGEN_DIFFERENCE_DEFAULT;
  } else if (has_parameter(f) && has_parameter(t)) {
    const bool same =
        std::strcmp(entry->from_name, entry->to_name) == 0 && std::strcmp(entry->from_value, entry->to_value) == 0;
    entry->kind = same ? HALOGEN_DIFFERENCE_EQUAL : HALOGEN_DIFFERENCE_CONVERTED;
  } else if (settable) {
    char name[64], value[64];
    describe(t, to.defaults, name, value);
    entry->kind = std::strcmp(value, entry->to_value) == 0 ? HALOGEN_DIFFERENCE_EQUAL : HALOGEN_DIFFERENCE_CONVERTED;
  } else if (entry->reason == nullptr) {
    entry->reason = "not needed there: without effect, or always so";
  }
  return true;
}

/// What the correspondence takes for granted.
halogen_status check_layer(const Report &report, const Side &side) {
  if (side.module_class->family != Family::conv_transpose) return HALOGEN_OK;
  const Meaning &m = side.meaning;
  const struct {
    const char *name;
    int64_t value;
  } least_one[] = {{"in_channels", m.in}, {"out_channels", m.out},  {"kernel_size", m.kernel},
                   {"stride", m.stride},  {"dilation", m.dilation}, {"groups", m.groups}};
  for (const auto &number : least_one) {
    if (number.value >= 1) continue;
    return fail(report, HALOGEN_ERROR_ARGUMENT, "%s: expected 1 or more, got %lld", number.name,
                static_cast<long long>(number.value));
  }
  if (side.module_class->rows != &kMegengineConvTranspose ||
      !spans_two_axes(*reinterpret_cast<const halogen_megengine_conv_transpose2d_params *>(side.params.bytes))) {
    return HALOGEN_OK;
  }
  return fail(report, HALOGEN_ERROR_ARGUMENT, "kernel_size, stride, padding, dilation: expected one axis of size 1");
}

halogen_status convert(const Report &report, Side *from, Side *to, ReportWriter *writer) {
  from->module_class->init(from->defaults.bytes);
  to->module_class->init(to->defaults.bytes);
  to->params = to->defaults;
  Remark remarks[static_cast<size_t>(Concept::count)] = {};
  if (from->module_class == to->module_class) {
    to->params = from->params;
  } else {
    for (const Row &row : *to->module_class->rows) {
      if (row.write != nullptr) remarks[static_cast<size_t>(row.what)] = row.write(from->meaning, to->params.bytes);
    }
  }
  to->meaning = meaning_of(*to->module_class, to->params);
  for (int i = 0; i < static_cast<int>(Concept::count); ++i) {
    halogen_difference entry;
    if (!compare(static_cast<Concept>(i), *from, *to, remarks[i], &entry)) continue;
    const halogen_status status = writer->add(report, entry);
    if (status != HALOGEN_OK) return status;
  }
  return HALOGEN_OK;
}

}  // namespace
}  // namespace halogen

using namespace halogen;

extern "C" {

halogen_status halogen_convert_params(halogen_module_class from_class, const void *from, halogen_module_class to_class,
                                      void *to, halogen_convert_report *report, halogen_error *error) {
  const Report errors = {nullptr, error};
  Side source, target;
  halogen_status status = find_class(errors, "from_class", from_class, &source.module_class);
  if (status == HALOGEN_OK) status = find_class(errors, "to_class", to_class, &target.module_class);
  if (status != HALOGEN_OK) return status;
  if (from == nullptr) return fail_null(errors, "from");
  if (to == nullptr) return fail_null(errors, "to");
  if (source.module_class->family != target.module_class->family) {
    return fail(errors, HALOGEN_ERROR_ARGUMENT, "to_class: expected a class that corresponds to %s, got %s",
                source.module_class->name, target.module_class->name);
  }
  const auto *to_size = static_cast<const size_t *>(to);
  if (!struct_is_readable(to, *to_size, *to_size)) {
    return fail(errors, HALOGEN_ERROR_STRUCT_SIZE, "to: expected struct_size %zu, got %zu", target.module_class->size,
                *to_size);
  }
  status = read_checked(errors, "from", *source.module_class, from, &source.params);
  if (status != HALOGEN_OK) return status;
  source.meaning = meaning_of(*source.module_class, source.params);
  status = check_layer(errors, source);
  ReportWriter writer;
  if (status == HALOGEN_OK) status = writer.begin(errors, report);
  if (status == HALOGEN_OK) status = convert(errors, &source, &target, &writer);
  if (status != HALOGEN_OK) return status;
  target.module_class->write(target.params.bytes, to);
  writer.finish();
  return HALOGEN_OK;
}

}  // extern "C"
