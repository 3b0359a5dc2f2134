// Whether numbers come from a distribution, with thresholds that a right sample passes but for one run in a million.
#pragma once

#include <functional>
#include <vector>

namespace halogen_tests {

/** P(X <= x) of the standard normal distribution, by the C library's erfc. */
double normal_cdf(double x);

/** A distribution: its cumulative function, mean, variance, and kurtosis E(x - mean)^4 / variance^2. */
struct Expected {
  std::function<double(double)> cdf;
  double mean, variance, kurtosis;
};
Expected expected_uniform(double low, double high);
Expected expected_normal(double mean, double sigma);
/** Between mean + a * sigma and mean + b * sigma; the moments by integration. */
Expected expected_truncated(double mean, double sigma, double a, double b);

/** Checks mean, variance and, by Kolmogorov and Smirnov's statistic, the whole distribution. @param resolution half a step of the type
 * that the values were rounded to, where its steps are coarse; 0: they are continuous. */
void check_distribution(std::vector<double> values, const Expected &expected, double resolution = 0);

/** Checks that two samples have no correlation, as far as their number can tell. */
void check_uncorrelated(const std::vector<double> &a, const std::vector<double> &b);

}  // namespace halogen_tests
