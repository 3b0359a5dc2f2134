#include "text.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace halogen {

void Text::add(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const bool room = length_ < size_;
  const int count = std::vsnprintf(room ? to_ + length_ : nullptr, room ? size_ - length_ : 0, format, arguments);
  va_end(arguments);
  if (count > 0) length_ += static_cast<size_t>(count);
}

void Text::add_float(double value) {
  if (!std::isfinite(value)) return add("%s", std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
  // d.ddde±xx, with any locale's point.
  char digits[40];
  int precision = 0;
  do {
    std::snprintf(digits, sizeof(digits), "%.*e", precision, value);
  } while (std::strtod(digits, nullptr) != value && ++precision < 17);
  if (*digits == '-') add("-");
  char *mantissa = digits + (*digits == '-');
  const int exponent = std::atoi(std::strchr(mantissa, 'e') + 1);
  if (precision > 0) std::memmove(mantissa + 1, mantissa + 2, static_cast<size_t>(precision));
  const int count = precision + 1;
  if (exponent < -4 || exponent >= 16) {
    add("%c%s%.*se%c%02d", *mantissa, precision > 0 ? "." : "", precision, mantissa + 1, exponent < 0 ? '-' : '+',
        std::abs(exponent));
  } else if (exponent < 0) {
    add("0.%.*s%.*s", -exponent - 1, "0000", count, mantissa);
  } else if (exponent >= count - 1) {
    add("%.*s%.*s.0", count, mantissa, exponent - count + 1, "0000000000000000");
  } else {
    add("%.*s.%.*s", exponent + 1, mantissa, count - exponent - 1, mantissa + exponent + 1);
  }
}

void Text::add_tuple(const int64_t *values, int32_t count) {
  for (int32_t i = 0; i < count; ++i) add("%s%lld", i > 0 ? ", " : "(", static_cast<long long>(values[i]));
  add(count == 0 ? "()" : count == 1 ? ",)" : ")");
}

}  // namespace halogen
