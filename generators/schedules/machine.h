// Facts about the machine that a schedule asks for, so that no schedule names one.
#ifndef HALOGEN_GENERATORS_MACHINE_H
#define HALOGEN_GENERATORS_MACHINE_H

#include "../algorithms/lane_sums.h"

namespace halogen {

struct Machine {
  bool gpu = false;
  int vector = 1;  ///< values in a vector register; 1 on a GPU
  int stored = 1;  ///< the same of data as they are stored: 16-bit results of two registers are packed into one
  int line = 1;    ///< values in a cache line of data as they are stored
  Lanes lanes{};   ///< of sums: enough to hide the latency of an addition, or a thread block
};

/// For arithmetic in `type` on data of type `storage`.
inline Machine machine_of(const Halide::Target &target, const Type &type, const Type &storage) {
  if (target.has_gpu_feature()) {
    return {true, 1, 1, 1, {256, 1, 16, true}};
  }
  const int vector = target.natural_vector_size(type);
  return {false, vector, target.natural_vector_size(storage), 64 / storage.bytes(), {vector, 4, vector, false}};
}

inline Machine machine_of(const Halide::Target &target, const Type &type) { return machine_of(target, type, type); }

}  // namespace halogen
#endif
