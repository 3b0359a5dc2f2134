#include "isa.h"

#include <cstdlib>
#include <cstring>

#include "cpu_features.h"

namespace halogen {
namespace {

struct Level {
  halogen_isa isa;
  const char *name;
};

// Best first. v4_spr comes after v4, so it runs only where it is asked for: by LLVM's model a dot product is four operations on Sapphire
// Rapids, and sums take as long as in f32 (docs/scheduling.md).
#if defined(__x86_64__)
constexpr Level kLevels[] = {{HALOGEN_ISA_V4_ZEN4, "v4_zen4"},
                             {HALOGEN_ISA_V4, "v4"},
                             {HALOGEN_ISA_V4_SPR, "v4_spr"},
                             {HALOGEN_ISA_V3, "v3"},
                             {HALOGEN_ISA_V2, "v2"}};
constexpr char kValid[] = "v2, v3, v4, v4_spr, v4_zen4 (neon is for AArch64)";
#elif defined(__aarch64__)
constexpr Level kLevels[] = {{HALOGEN_ISA_NEON, "neon"}};
constexpr char kValid[] = "neon (v2, v3, v4, v4_spr, v4_zen4 are for x86-64)";
#else
#error "Halogen has kernels for x86-64 and AArch64"
#endif

halogen_status refuse(const Report &report, const Level &level, const char *source) {
  return fail(report, HALOGEN_ERROR_ISA, "%s: this CPU lacks level %s; levels of this library: %s", source, level.name,
              kValid);
}

}  // namespace

const char *isa_name(halogen_isa isa) {
  for (const Level &level : kLevels) {
    if (level.isa == isa) return level.name;
  }
  return nullptr;
}

bool isa_is_available(halogen_isa isa) {
  const CpuFeatures features = cpu_features();
  switch (isa) {
    case HALOGEN_ISA_V2:
      return features.v2;
    case HALOGEN_ISA_V3:
      return features.v3;
    case HALOGEN_ISA_V4:
      return features.v4;
    case HALOGEN_ISA_V4_SPR:
      return features.v4_spr;
    case HALOGEN_ISA_V4_ZEN4:
      return features.v4_zen4;
    case HALOGEN_ISA_NEON:
      return features.neon;
    case HALOGEN_ISA_AUTO:
      break;
  }
  return false;
}

halogen_status isa_choose(const Report &report, halogen_isa asked, halogen_isa *chosen) {
  const char *variable = asked == HALOGEN_ISA_AUTO ? std::getenv("HALOGEN_ISA") : nullptr;
  if (variable != nullptr && variable[0] != '\0') {
    for (const Level &level : kLevels) {
      if (std::strcmp(level.name, variable) != 0) continue;
      if (!isa_is_available(level.isa)) return refuse(report, level, "HALOGEN_ISA");
      *chosen = level.isa;
      return HALOGEN_OK;
    }
    return fail(report, HALOGEN_ERROR_ISA, "HALOGEN_ISA: expected one of %s, got \"%.32s\"", kValid, variable);
  }
  for (const Level &level : kLevels) {
    if (asked != HALOGEN_ISA_AUTO && asked != level.isa) continue;
    if (isa_is_available(level.isa)) {
      *chosen = level.isa;
      return HALOGEN_OK;
    }
    if (asked == level.isa) return refuse(report, level, "options.isa");
  }
  if (asked != HALOGEN_ISA_AUTO) {
    return fail(report, HALOGEN_ERROR_ISA, "options.isa: expected one of %s, got %s (%d)", kValid,
                asked == HALOGEN_ISA_NEON                   ? "neon"
                : asked > 0 && asked <= HALOGEN_ISA_V4_ZEN4 ? "an x86-64 level"
                                                            : "no level",
                static_cast<int>(asked));
  }
  return fail(report, HALOGEN_ERROR_ISA, "this CPU has none of the levels %s", kValid);
}

}  // namespace halogen
