#include "variants.h"

#include <doctest/doctest.h>

#include <map>

#include "coverage.h"
#include "env.h"

namespace halogen_tests {

namespace {

std::vector<Variant> find_variants() {
  const std::string only = environment("HALOGEN_ISA");
  std::vector<Variant> found;
  for (const Variant &variant : {Variant{HALOGEN_ISA_V2, "v2"}, Variant{HALOGEN_ISA_V3, "v3"},
                                 Variant{HALOGEN_ISA_V4, "v4"}, Variant{HALOGEN_ISA_V4_SPR, "v4_spr"},
                                 Variant{HALOGEN_ISA_V4_ZEN4, "v4_zen4"}, Variant{HALOGEN_ISA_NEON, "neon"}}) {
    if (!only.empty() && only != variant.name) continue;
    halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
    options.isa = variant.isa;
    halogen_error error = HALOGEN_ERROR_INIT;
    halogen_context *context = nullptr;
    const halogen_status status = halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, &error);
    halogen_context_destroy(context);
    if (status == HALOGEN_OK) {
      found.push_back(variant);
    } else {
      record_unavailable(variant.name, error.message);
    }
  }
  return found;
}

}  // namespace

const std::vector<Variant> &variants() {
  static const std::vector<Variant> found = find_variants();
  REQUIRE_MESSAGE(!found.empty(), "no level of this library runs here");
  return found;
}

bool takes(const Variant &variant, DLDataType dtype) { return dtype.bits != 16 || variant.isa != HALOGEN_ISA_V2; }

bool sums_pairs(const Variant &variant) {
  return variant.isa == HALOGEN_ISA_V4_SPR || variant.isa == HALOGEN_ISA_V4_ZEN4;
}

std::vector<Variant> variants_of(DLDataType dtype) {
  std::vector<Variant> all;
  for (const Variant &variant : variants()) {
    if (takes(variant, dtype)) all.push_back(variant);
  }
  return all;
}

halogen_context *context_of(const Variant &variant) {
  static std::map<halogen_isa, Context> contexts;
  return contexts.try_emplace(variant.isa, variant.isa).first->second.get();
}

std::string path_name(halogen_norm_path path) {
  switch (path) {
    case HALOGEN_NORM_PATH_AUTO:
      return "auto";
    case HALOGEN_NORM_PATH_ROW:
      return "row";
    case HALOGEN_NORM_PATH_SLAB:
      return "slab";
    case HALOGEN_NORM_PATH_SPLIT:
      return "split";
  }
  return "unknown";
}

Context::Context(halogen_isa isa)
    : Context([isa] {
        halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
        options.isa = isa;
        // qemu 7.2's user mode crashes now and then where threads come and go: under an emulator only those tests have threads
        // that are about them.
        if (quick()) options.num_threads = 1;
        return options;
      }()) {}

Context::Context(const halogen_context_options &options) {
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &handle_, &error);
  REQUIRE_MESSAGE(status == HALOGEN_OK, "halogen_context_create: ", halogen_status_name(status), ": ", error.message);
}

Context::~Context() { halogen_context_destroy(handle_); }

}  // namespace halogen_tests
