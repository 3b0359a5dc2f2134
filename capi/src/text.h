// Text in a buffer of the caller's, cut off where it ends.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halogen {

class Text {
 public:
  Text(char *to, size_t size) : to_(to), size_(size) {
    if (size > 0) *to = '\0';
  }

  void add(const char *format, ...) __attribute__((format(printf, 2, 3)));

  /// As Python prints a float: the fewest digits that give the same number back.
  void add_float(double value);

  /// "True" or "False".
  void add_bool(bool value) { add("%s", value ? "True" : "False"); }

  /// "(2, 3)", and "(2,)" of one.
  void add_tuple(const int64_t *values, int32_t count);

  /// Of all that was added, whether it had room or not.
  size_t length() const { return length_; }

 private:
  char *to_;
  size_t size_, length_ = 0;
};

}  // namespace halogen
