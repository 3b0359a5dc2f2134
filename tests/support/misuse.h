// Calls that must be refused: exact status, a message that says what was expected and what came, nothing touched, nothing printed.
#pragma once

#include <halogen/core.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace halogen_tests {

/** Memory that a refused call must leave as it is. */
struct Watched {
  const char *name;
  void *data;
  size_t bytes;
};

/** Puts a number into an enum that has no such value, as a caller from another language may. */
template <typename Enum>
void set_raw(Enum &field, int32_t number) {
  static_assert(sizeof field == sizeof number);
  std::memcpy(&field, &number, sizeof number);
}

/** Makes `call` (which passes on the error it is given) and checks all that a refusal promises. `words` must all be in the
 * message. */
void check_refused(const std::string &what, halogen_status expected, const std::vector<std::string> &words,
                   const std::vector<Watched> &watched, const std::function<halogen_status(halogen_error *)> &call);

}  // namespace halogen_tests
