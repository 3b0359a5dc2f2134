#include "kernel_table.h"

namespace halogen {

const char *variant_name(Variant variant) {
  switch (variant) {
    case Variant::v2:
      return "v2";
    case Variant::v3:
      return "v3";
    case Variant::v4:
      return "v4";
    case Variant::v4_spr:
      return "v4_spr";
    case Variant::v4_zen4:
      return "v4_zen4";
    case Variant::neon:
      return "neon";
    case Variant::cuda:
      return "cuda";
    case Variant::opencl:
      return "opencl";
  }
  return "";
}

Variant variant_of(halogen_isa isa) {
  switch (isa) {
    case HALOGEN_ISA_V3:
      return Variant::v3;
    case HALOGEN_ISA_V4:
      return Variant::v4;
    case HALOGEN_ISA_V4_SPR:
      return Variant::v4_spr;
    case HALOGEN_ISA_V4_ZEN4:
      return Variant::v4_zen4;
    case HALOGEN_ISA_NEON:
      return Variant::neon;
    default:
      return Variant::v2;
  }
}

}  // namespace halogen
