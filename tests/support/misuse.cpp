#include "misuse.h"

#include <doctest/doctest.h>

#include <cstring>

#include "capture.h"

namespace halogen_tests {

void check_refused(const std::string &what, halogen_status expected, const std::vector<std::string> &words,
                   const std::vector<Watched> &watched, const std::function<halogen_status(halogen_error *)> &call) {
  INFO(what);
  std::vector<std::vector<unsigned char>> before;
  for (const Watched &memory : watched) {
    const auto *bytes = static_cast<const unsigned char *>(memory.data);
    before.emplace_back(bytes, bytes + memory.bytes);
  }
  halogen_error error = HALOGEN_ERROR_INIT;
  halogen_status status = HALOGEN_OK;
  halogen_status without_error = HALOGEN_OK;
  const std::string printed = captured_output([&] {
    status = call(&error);
    without_error = call(nullptr);
  });
  CHECK_MESSAGE(status == expected, "expected ", halogen_status_name(expected), ", got ", halogen_status_name(status),
                ": ", error.message);
  CHECK(without_error == status);
  CHECK(error.status == status);
  const std::string message = error.message;
  for (const std::string &word : words) {
    CHECK_MESSAGE(message.find(word) != std::string::npos, "'", word, "' is not in the message '", message, "'");
  }
  CHECK(message.size() > 8);
  CHECK_MESSAGE(printed.empty(), "printed: ", printed);
  for (size_t i = 0; i < watched.size(); ++i) {
    CHECK_MESSAGE(std::memcmp(before[i].data(), watched[i].data, watched[i].bytes) == 0, watched[i].name,
                  " was touched");
  }
}

}  // namespace halogen_tests
