// Facts about the machine that a schedule asks for, so that no schedule names one.
#ifndef HALOGEN_GENERATORS_MACHINE_H
#define HALOGEN_GENERATORS_MACHINE_H

#include "Halide.h"

namespace halogen {

struct Machine {
  bool gpu = false;
  int vector = 1;  ///< f32 values in a vector register; 1 on a GPU
  int lanes = 1;   ///< f32 sums to run side by side: enough to hide the latency of an addition, or a thread block
  int folds = 1;   ///< lanes are added up this many at a time
};

inline Machine machine_of(const Halide::Target &target) {
  if (target.has_gpu_feature()) {
    return {true, 1, 256, 16};
  }
  const int vector = target.natural_vector_size<float>();
  return {false, vector, 4 * vector, vector};
}

}  // namespace halogen
#endif
