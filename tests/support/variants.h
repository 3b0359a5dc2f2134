// The compiled variants of the kernels that this machine can execute, and contexts made to use one.
#pragma once

#include <halogen/ops.h>

#include <string>
#include <vector>

namespace halogen_tests {

/** One instruction-set level. */
struct Variant {
  halogen_isa isa;
  std::string name;
};

/** Every level that the library has and this CPU runs (only the one in HALOGEN_ISA where that is set); the others are recorded
 * as unavailable. Never empty. */
const std::vector<Variant> &variants();

/** Whether a variant has kernels for the dtype: v2 has none for 16-bit data. */
bool takes(const Variant &variant, DLDataType dtype);

/** Whether a variant sums bfloat16 by pairs of input channels (AVX512-BF16), where there are pairs and rows enough. */
bool sums_pairs(const Variant &variant);

/** Those of variants() that take the dtype. */
std::vector<Variant> variants_of(DLDataType dtype);

/** A context of the variant that lives as long as the program, for tests that need nothing special of it. */
halogen_context *context_of(const Variant &variant);

/** Every schedule, AUTO first. */
inline constexpr halogen_norm_path norm_paths[] = {HALOGEN_NORM_PATH_AUTO, HALOGEN_NORM_PATH_ROW,
                                                   HALOGEN_NORM_PATH_SLAB, HALOGEN_NORM_PATH_SPLIT};

/** The path's name, for messages. */
std::string path_name(halogen_norm_path path);

/** Owns a halogen_context. A context that cannot be made fails the test with the library's message. */
class Context {
 public:
  explicit Context(halogen_isa isa = HALOGEN_ISA_AUTO);
  explicit Context(const Variant &variant) : Context(variant.isa) {}
  explicit Context(const halogen_context_options &options);
  ~Context();
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;

  halogen_context *get() const { return handle_; }

 private:
  halogen_context *handle_ = nullptr;
};

}  // namespace halogen_tests
