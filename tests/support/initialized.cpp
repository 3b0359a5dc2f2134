#include "initialized.h"

#include <doctest/doctest.h>

#include "variants.h"

namespace halogen_tests {

halogen_initializer initializer_of(halogen_initializer_kind kind) {
  halogen_initializer initializer;
  REQUIRE(halogen_initializer_init(&initializer, sizeof initializer, kind, nullptr) == HALOGEN_OK);
  return initializer;
}

std::vector<unsigned char> initialized_bytes(halogen_context *context, const halogen_initializer &initializer,
                                             uint64_t seed, uint64_t stream, std::vector<int64_t> shape,
                                             DLDataType dtype) {
  const size_t bytes = static_cast<size_t>(element_count(shape)) * bytes_of(dtype);
  // Words, so that every dtype is aligned; not zero, so that what is not written shows.
  std::vector<uint64_t> memory(bytes / sizeof(uint64_t) + 2, 0x5a5a5a5a5a5a5a5au);
  TensorView view(memory.data(), std::move(shape), dtype);
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_initialize(context, &initializer, seed, stream, &view.dl, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, error.message);
  const auto *begin = reinterpret_cast<const unsigned char *>(memory.data());
  CHECK(begin[bytes] == 0x5a);
  return std::vector<unsigned char>(begin, begin + bytes);
}

Values initialized(const halogen_initializer &initializer, uint64_t seed, uint64_t stream, std::vector<int64_t> shape,
                   DLDataType dtype) {
  const std::vector<unsigned char> bytes =
      initialized_bytes(context_of(variants()[0]), initializer, seed, stream, std::move(shape), dtype);
  Values values(bytes.size() / bytes_of(dtype));
  for (size_t i = 0; i < values.size(); ++i) values[i] = load(dtype, bytes.data() + i * bytes_of(dtype));
  return values;
}

}  // namespace halogen_tests
