// The caller's halogen_convert_report, written entry by entry.
#pragma once

#include <halogen/migrate.h>

#include <cstring>

#include "struct_size.h"

namespace halogen {

class ReportWriter {
 public:
  /// @param to NULL: what cannot be expressed is an error.
  halogen_status begin(const Report &report, halogen_convert_report *to) {
    to_ = to;
    if (to == nullptr) return HALOGEN_OK;
    const halogen_status status = read_struct(report, "report", to, &read_);
    if (status != HALOGEN_OK) return status;
    read_.count = read_.cannot = 0;
    return read_.entries != nullptr || read_.capacity == 0 ? HALOGEN_OK : fail_null(report, "report.entries");
  }

  halogen_status add(const Report &report, const halogen_difference &entry) {
    const bool cannot = entry.kind == HALOGEN_DIFFERENCE_CANNOT;
    if (to_ == nullptr) {
      if (!cannot) return HALOGEN_OK;
      return fail(report, HALOGEN_ERROR_UNSUPPORTED, "%s=%s cannot be expressed: %s", entry.from_name, entry.from_value,
                  entry.reason != nullptr ? entry.reason : "the other framework has nothing like it");
    }
    if (read_.count < read_.capacity) read_.entries[read_.count] = entry;
    ++read_.count;
    read_.cannot += cannot;
    return HALOGEN_OK;
  }

  /// The call has succeeded.
  void finish() {
    if (to_ != nullptr) write_struct(read_, to_);
  }

 private:
  halogen_convert_report *to_ = nullptr;
  halogen_convert_report read_ = HALOGEN_CONVERT_REPORT_INIT;
};

}  // namespace halogen
