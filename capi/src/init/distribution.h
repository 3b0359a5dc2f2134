// What an initialiser comes to for a given shape: one distribution, and numbers drawn from it.
#pragma once

#include <dlpack/dlpack.h>

#include <cstdint>

#include "philox.h"

namespace halogen {

/// Numbers offset + scale * t(u), u uniform in (0, 1), where t is the identity or the normal distribution's quantile.
struct Distribution {
  enum Kind { constant, uniform, normal, truncated_normal } kind;
  double offset, scale;
  /// truncated_normal: the bounds before scaling, their probabilities, and whether all of it is mirrored so that they are small ones.
  double a, b, below, above;
  bool mirrored;

  static Distribution constant_of(double value) { return {constant, value, 0, 0, 0, 0, 0, false}; }
  static Distribution uniform_in(double low, double high) { return {uniform, low, high - low, 0, 0, 0, 0, false}; }
  static Distribution normal_of(double mean, double sigma) { return {normal, mean, sigma, 0, 0, 0, 0, false}; }
  /// `above` is not more than `below` where a float64 knows no probability between the bounds.
  static Distribution truncated(double mean, double sigma, double a, double b);
};

/// Writes elements [first, last) of a tensor that begins at `data`.
void draw(const Distribution &distribution, const Seed &seed, int64_t first, int64_t last, const DLDataType &dtype,
          void *data);

}  // namespace halogen
