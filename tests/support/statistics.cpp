#include "statistics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace halogen_tests {
namespace {

constexpr double chance = 1e-6;
/** |N(0, 1)| is larger with that chance. */
constexpr double deviations = 4.9;

double mean_of(const std::vector<double> &values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

Expected expected_uniform(double low, double high) {
  return {[=](double x) { return std::min(std::max((x - low) / (high - low), 0.0), 1.0); }, (low + high) / 2,
          (high - low) * (high - low) / 12, 1.8};
}

Expected expected_normal(double mean, double sigma) {
  return {[=](double x) { return normal_cdf((x - mean) / sigma); }, mean, sigma * sigma, 3};
}

Expected expected_truncated(double mean, double sigma, double a, double b) {
  const double below = normal_cdf(a), mass = normal_cdf(b) - below;
  Expected expected{
      [=](double x) { return std::min(std::max((normal_cdf((x - mean) / sigma) - below) / mass, 0.0), 1.0); }, mean, 0,
      0};
  const int steps = 200000;
  const double step = (b - a) / steps;
  const auto integral = [&](const auto &f) {
    double sum = 0, weight = 0;
    for (int i = 0; i < steps; ++i) {
      const double t = a + (i + 0.5) * step, density = std::exp(-t * t / 2);
      sum += density * f(t);
      weight += density;
    }
    return sum / weight;
  };
  const double m = integral([](double t) { return t; });
  const double v = integral([=](double t) { return (t - m) * (t - m); });
  expected.mean = mean + sigma * m;
  expected.variance = sigma * sigma * v;
  expected.kurtosis = integral([=](double t) { return std::pow(t - m, 4); }) / (v * v);
  return expected;
}

void check_distribution(std::vector<double> values, const Expected &expected, double resolution) {
  const auto n = static_cast<double>(values.size());
  REQUIRE(values.size() > 100);
  const double mean = mean_of(values);
  double variance = 0;
  for (const double v : values) variance += (v - expected.mean) * (v - expected.mean) / n;
  CHECK(std::abs(mean - expected.mean) <= deviations * std::sqrt(expected.variance / n) + resolution);
  // Rounding adds at most its own square and twice the covariance.
  CHECK(std::abs(variance - expected.variance) <=
        deviations * expected.variance * std::sqrt((expected.kurtosis - 1) / n) +
            resolution * (resolution + 2 * std::sqrt(expected.variance)));
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto rank = static_cast<double>(i);
    distance = std::max(distance, expected.cdf(values[i] - resolution) - (rank + 1) / n);
    distance = std::max(distance, rank / n - expected.cdf(values[i] + resolution));
  }
  // Dvoretzky, Kiefer, Wolfowitz, Massart: P(distance > d) <= 2 exp(-2 n d^2).
  CHECK(distance <= std::sqrt(std::log(2 / chance) / (2 * n)));
}

void check_uncorrelated(const std::vector<double> &a, const std::vector<double> &b) {
  REQUIRE(a.size() == b.size());
  const double mean_a = mean_of(a), mean_b = mean_of(b);
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  CHECK(std::abs(ab) <= deviations * std::sqrt(aa * bb / static_cast<double>(a.size())));
}

}  // namespace halogen_tests
