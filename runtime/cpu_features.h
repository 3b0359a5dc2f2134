// What the CPU has. A pure function: nothing is remembered; contexts ask once.
#pragma once

namespace halogen {

/// Levels of kernels that may run here.
struct CpuFeatures {
  bool v2, v3, v4, v4_spr, v4_zen4, neon;
};

CpuFeatures cpu_features();

}  // namespace halogen
