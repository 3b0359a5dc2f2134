// compare.h: a result against what the framework computed and against float64.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "numbers.h"

namespace replay {

/// Of the error against float64, per unit of the scale (see norm_scales.h): float32 arithmetic, also for 16-bit data, and float64.
/// Frameworks reach 1e-7 to 9e-7 in float32. A 16-bit result may be off by half a unit in its last place besides: it is rounded once.
constexpr double kTolerance = 4e-7, kTolerance64 = 4e-15;
/// Where a case has no float64 values: the framework's own error is in the difference, too.
constexpr double kToleranceToFramework = 1.2e-6;

struct Expected {
  Numbers framework;  // empty: absent
  Numbers f64;        // empty: absent
};

/// Of the arithmetic that a tensor of the type is computed with, per unit of the scale.
inline double tolerance_of(const NumberType &type, const Expected &want) {
  if (want.f64.empty() && !want.framework.empty()) return kToleranceToFramework;
  return type.bytes() == 8 ? kTolerance64 : kTolerance;
}

/// The worst that was seen in a case.
struct Comparison {
  std::optional<double> vs_framework;  // largest absolute difference of an output
  std::optional<double> vs_f64;        // largest difference as a multiple of its tolerance
  std::vector<std::string> failures;   // one sentence per tensor
  std::vector<std::string> details;    // one line per tensor

  bool ok() const { return failures.empty(); }
};

inline std::string format(const char *pattern, double a, double b = 0) {
  char text[128];
  std::snprintf(text, sizeof text, pattern, a, b);
  return text;
}

/// |got - want| where both are finite; 0 where they are the same NaN or infinity, else infinity. A float64 value beyond the type is
/// expected as infinity.
inline double difference(const NumberType &type, double got, double want) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (std::isnan(want)) return std::isnan(got) ? 0 : kInfinity;
  // What is nearer to the largest number than to one unit in the last place beyond it is rounded to it.
  const double limit = type.bytes() == 8 ? type.largest : type.largest + half_ulp(type, type.largest);
  if (std::fabs(want) >= limit) return got == std::copysign(kInfinity, want) ? 0 : kInfinity;
  const double d = std::fabs(got - want);
  return std::isnan(d) ? kInfinity : d;
}

/// Compares one tensor and returns how far it is from the framework's (largest absolute difference). @param arithmetic how far the
/// arithmetic may be off. @param framework_will_do where float64 and the framework differ
/// because float32 overflows, the framework's value is as right.
inline double compare(const std::string &name, const NumberType &type, const Numbers &got, const Expected &want,
                      double arithmetic, bool framework_will_do, Comparison &result) {
  const bool has_f64 = !want.f64.empty() || want.framework.empty();
  const size_t wanted = has_f64 ? want.f64.size() : want.framework.size();
  if (got.size() != wanted || (!want.framework.empty() && got.size() != want.framework.size())) {
    result.failures.push_back(name + " has " + std::to_string(got.size()) + " values, the case " +
                              std::to_string(wanted));
    return 0;
  }
  double to_framework = 0, worst = 0, multiple = 0;
  size_t bad = 0, first_bad = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double from_framework =
        want.framework.empty() ? std::numeric_limits<double>::infinity() : difference(type, got[i], want.framework[i]);
    const double expected = has_f64 ? want.f64[i] : want.framework[i];
    double d = has_f64 ? difference(type, got[i], expected) : from_framework;
    if (framework_will_do) d = std::min(d, from_framework);
    if (std::isfinite(from_framework)) to_framework = std::max(to_framework, from_framework);
    const double rounding =
        type.bytes() == 2 && std::isfinite(expected) ? half_ulp(type, std::fabs(expected) + arithmetic) : 0;
    const double tolerance = arithmetic + rounding;
    worst = std::max(worst, d);
    // A difference of zero needs no tolerance: 0/0 counts as 0.
    multiple = std::max(multiple, d == 0 ? 0 : d / tolerance);
    if (d > tolerance && bad++ == 0) first_bad = i;
  }
  if (has_f64) result.vs_f64 = std::max(result.vs_f64.value_or(0), multiple);
  result.details.push_back(name + format(": worst error %.2e, %.2f of the tolerance", worst, multiple));
  if (bad != 0) {
    const double expected = has_f64 ? want.f64[first_bad] : want.framework[first_bad];
    result.failures.push_back(name + ": " + std::to_string(bad) + " of " + std::to_string(got.size()) +
                              " values are off, the worst by " +
                              format("%.2e (%.2f of the tolerance)", worst, multiple) + ", the first at " +
                              std::to_string(first_bad) + format(": %.17g instead of %.17g", got[first_bad], expected));
  }
  return to_framework;
}

}  // namespace replay
