// struct_size: older (smaller) structs and newer (larger) ones with nothing new in them are read; all else is refused.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>

#include "support/misuse.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** A struct followed by a tail that a newer header might have. */
template <typename T>
struct Newer {
  T known;
  unsigned char tail[64];
};

template <typename T>
Newer<T> newer(const T &from, unsigned char tail_byte) {
  Newer<T> result;
  result.known = from;
  std::memset(result.tail, 0, sizeof result.tail);
  result.tail[40] = tail_byte;
  result.known.struct_size = sizeof(T) + sizeof result.tail;
  return result;
}

struct Fixture {
  Fixture() : storage(problem(), ordinary_data(problem(), 1)), call(problem(), storage.memory()) {}
  static NormProblem problem() {
    NormProblem p;
    p.shape = {2, 3, 4};
    return p;
  }
  std::vector<Watched> watched() { return {{"output", storage.output.data(), storage.output.size()}}; }
  halogen_status run(const halogen_norm_args *args, halogen_error *error) {
    return halogen_norm_forward(context_of(variants()[0]), args, error);
  }
  NormStorage storage;
  NormCall call;
};

constexpr size_t no_sizes[] = {
    0, 1, 4, 7, sizeof(halogen_norm_args) - 3, static_cast<size_t>(-1), static_cast<size_t>(-8)};

}  // namespace

TEST_SUITE("errors") {
  TEST_CASE("struct_size: norm arguments") {
    Fixture f;
    for (const size_t size : no_sizes) {
      f.call.args.struct_size = size;
      check_refused("struct_size " + std::to_string(size), HALOGEN_ERROR_STRUCT_SIZE,
                    {std::to_string(sizeof(halogen_norm_args)), std::to_string(size)}, f.watched(),
                    [&](halogen_error *error) { return f.run(&f.call.args, error); });
    }
    f.call.args.struct_size = sizeof(halogen_norm_args);
    auto larger = newer(f.call.args, 1);
    check_refused("unknown fields in use", HALOGEN_ERROR_STRUCT_SIZE, {std::to_string(larger.known.struct_size)},
                  f.watched(), [&](halogen_error *error) { return f.run(&larger.known, error); });
    larger = newer(f.call.args, 0);
    CHECK(f.run(&larger.known, nullptr) == HALOGEN_OK);
    // A header from before `path`, `stream` and `ran`: those are zero, whatever the memory behind holds.
    f.call.args.struct_size = offsetof(halogen_norm_args, path);
    set_raw(f.call.args.path, 1234);
    f.call.args.ran = reinterpret_cast<halogen_kernel_info *>(8);
    CHECK(f.run(&f.call.args, nullptr) == HALOGEN_OK);
  }

  TEST_CASE("struct_size: kernel info is written up to its size and no further") {
    Fixture f;
    f.call.ran.struct_size = 0;
    check_refused("ran", HALOGEN_ERROR_STRUCT_SIZE, {std::to_string(sizeof(halogen_kernel_info))}, f.watched(),
                  [&](halogen_error *error) { return f.run(&f.call.args, error); });
    halogen_kernel_info info;
    std::memset(&info, 0x5a, sizeof info);
    info.struct_size = offsetof(halogen_kernel_info, workspace_bytes);
    f.call.args.ran = &info;
    REQUIRE(f.run(&f.call.args, nullptr) == HALOGEN_OK);
    CHECK(info.struct_size == offsetof(halogen_kernel_info, workspace_bytes));
    CHECK(std::string(info.kernels).find("norm_") == 0);
    CHECK(std::string(info.isa) == variants()[0].name);
    const auto *bytes = reinterpret_cast<const unsigned char *>(&info);
    for (size_t i = info.struct_size; i < sizeof info; ++i) REQUIRE(bytes[i] == 0x5a);
  }

  TEST_CASE("struct_size: an error is written up to its size and no further") {
    Fixture f;
    f.call.args.input = nullptr;
    for (const size_t size : {sizeof(halogen_error), size_t{64}, size_t{32}}) {
      halogen_error error;
      std::memset(&error, 0x5a, sizeof error);
      error.struct_size = size;
      CHECK(f.run(&f.call.args, &error) == HALOGEN_ERROR_NULL_POINTER);
      CHECK(error.status == HALOGEN_ERROR_NULL_POINTER);
      CHECK(std::memchr(error.message, 0, size - offsetof(halogen_error, message)) != nullptr);
      const auto *bytes = reinterpret_cast<const unsigned char *>(&error);
      for (size_t i = size; i < sizeof error; ++i) REQUIRE(bytes[i] == 0x5a);
    }
    // An error that nobody has set up is left alone; the status still tells.
    halogen_error error;
    std::memset(&error, 0x5a, sizeof error);
    error.struct_size = 0;
    CHECK(f.run(&f.call.args, &error) != HALOGEN_OK);
    const auto *bytes = reinterpret_cast<const unsigned char *>(&error);
    for (size_t i = sizeof(size_t); i < sizeof error; ++i) REQUIRE(bytes[i] == 0x5a);
  }

  TEST_CASE("struct_size: an error is written only when the call fails") {
    Fixture f;
    halogen_error error = HALOGEN_ERROR_INIT;
    std::strcpy(error.message, "as it was");
    CHECK(f.run(&f.call.args, &error) == HALOGEN_OK);
    CHECK(std::string(error.message) == "as it was");
  }

  TEST_CASE("struct_size: context options") {
    halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
    halogen_context *context = nullptr;
    const auto create = [&](const halogen_context_options *from, halogen_error *error) {
      return halogen_context_create(HALOGEN_VERSION_NUMBER, from, &context, error);
    };
    for (const size_t size : no_sizes) {
      options.struct_size = size;
      check_refused("struct_size " + std::to_string(size), HALOGEN_ERROR_STRUCT_SIZE,
                    {std::to_string(sizeof(halogen_context_options)), std::to_string(size)}, {},
                    [&](halogen_error *error) { return create(&options, error); });
      CHECK(context == nullptr);
    }
    options.struct_size = sizeof options;
    auto larger = newer(options, 1);
    check_refused("unknown fields in use", HALOGEN_ERROR_STRUCT_SIZE, {}, {},
                  [&](halogen_error *error) { return create(&larger.known, error); });
    larger = newer(options, 0);
    REQUIRE(create(&larger.known, nullptr) == HALOGEN_OK);
    halogen_context_destroy(context);
    options.struct_size = sizeof(size_t);
    set_raw(options.isa, 77);
    REQUIRE(create(&options, nullptr) == HALOGEN_OK);
    halogen_context_destroy(context);
  }
}
