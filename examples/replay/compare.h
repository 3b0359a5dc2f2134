// compare.h: a result against what the framework computed and against float64.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace replay {

/// Of a float32 kernel's error against float64, per unit of the scale (see norm_scales.h). Frameworks reach 1e-7 to 9e-7.
constexpr double kTolerance = 4e-7;
/// Where a case has no float64 values: the framework's own error is in the difference, too.
constexpr double kToleranceToFramework = 1.2e-6;

struct Expected {
  std::vector<float> framework;  // empty: absent
  std::vector<double> f64;       // empty: absent
};

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

/// |got - want| where both are finite; 0 where they are the same NaN or infinity, else infinity. A float64 value beyond
/// float32 is expected as infinity.
inline double difference(float got, double want) {
  const float rounded = static_cast<float>(want);
  if (std::isnan(rounded)) return std::isnan(got) ? 0 : std::numeric_limits<double>::infinity();
  if (std::isinf(rounded)) return got == rounded ? 0 : std::numeric_limits<double>::infinity();
  const double d = std::fabs(static_cast<double>(got) - want);
  return std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
}

/// Compares one tensor and returns how far it is from the framework's (largest absolute difference). @param scale the tolerance's unit. @param framework_will_do where float64 and the framework differ
/// because float32 overflows, the framework's value is as right.
inline double compare(const std::string &name, const std::vector<float> &got, const Expected &want, double scale,
                      bool framework_will_do, Comparison &result) {
  const bool has_f64 = !want.f64.empty() || want.framework.empty();
  const size_t wanted = has_f64 ? want.f64.size() : want.framework.size();
  if (got.size() != wanted || (!want.framework.empty() && got.size() != want.framework.size())) {
    result.failures.push_back(name + " has " + std::to_string(got.size()) + " values, the case " +
                              std::to_string(wanted));
    return 0;
  }
  const double tolerance = (has_f64 ? kTolerance : kToleranceToFramework) * scale;
  double to_framework = 0, worst = 0;
  size_t bad = 0, first_bad = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double from_framework = want.framework.empty() ? std::numeric_limits<double>::infinity()
                                                         : difference(got[i], static_cast<double>(want.framework[i]));
    double d = has_f64 ? difference(got[i], want.f64[i]) : from_framework;
    if (framework_will_do) d = std::min(d, from_framework);
    if (std::isfinite(from_framework)) to_framework = std::max(to_framework, from_framework);
    worst = std::max(worst, d);
    if (d > tolerance && bad++ == 0) first_bad = i;
  }
  // A difference of zero needs no tolerance: 0/0 counts as 0.
  const double multiple = worst == 0 ? 0 : worst / tolerance;
  if (has_f64) result.vs_f64 = std::max(result.vs_f64.value_or(0), multiple);
  result.details.push_back(name + format(": worst error %.2e, tolerance %.2e", worst, tolerance));
  if (bad != 0) {
    const double expected = has_f64 ? want.f64[first_bad] : static_cast<double>(want.framework[first_bad]);
    result.failures.push_back(name + ": " + std::to_string(bad) + " of " + std::to_string(got.size()) +
                              " values are off, the worst by " + format("%.2e (tolerance %.2e)", worst, tolerance) +
                              ", the first at " + std::to_string(first_bad) +
                              format(": %.9g instead of %.9g", static_cast<double>(got[first_bad]), expected));
  }
  return to_framework;
}

}  // namespace replay
