// How data lie in memory and what they are computed in. 16-bit data are computed in f32 and rounded once, to nearest even, when
// they are stored.
#ifndef HALOGEN_GENERATORS_PRECISION_H
#define HALOGEN_GENERATORS_PRECISION_H

#include <map>
#include <string>

#include "Halide.h"

namespace halogen {

enum class Dtype { f32, f64, f16, bf16 };

inline const std::map<std::string, Dtype> dtypes{
    {"f32", Dtype::f32}, {"f64", Dtype::f64}, {"f16", Dtype::f16}, {"bf16", Dtype::bf16}};

/// Of one kernel.
struct Precision {
  Dtype dtype = Dtype::f32;
  Halide::Type storage;  ///< of data; 16-bit types are bits to Halide, whose own bfloat16 does not work on every target
  Halide::Type compute;  ///< of parameters, statistics and arithmetic: f32, or f64 for f64 data
  bool native_f16 = false;
  bool gpu = false;  ///< has NaNs of its own

  Precision() = default;
  Precision(Dtype dtype, const Halide::Target &target);

  /// A stored value in `compute`.
  Halide::Expr decode(const Halide::Expr &stored) const;
  /// A value in `compute` as it is stored.
  Halide::Expr encode(const Halide::Expr &value) const;

  /// Rounding to bf16 carries into the exponent, and further, where a NaN has bits set down to the last (0x7fffffff is what some GPUs make): a
  /// test for every value, and that is a third of the work. CPUs hand on an operand's bits: where all operands are decoded values, which
  /// have none there, and of operand(), encode_result() does without the test.
  Halide::Expr operand(const Halide::Expr &value) const;
  Halide::Expr encode_result(const Halide::Expr &value) const;
};

}  // namespace halogen
#endif
