// halogen/moments.h: moments of a batch do not depend on the order and the groups that its parts are put together in.
#include <doctest/doctest.h>

#include <cmath>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_parts.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** Merging alone, by the formula and with more digits than doubles where there are any. */
Values joined(const std::vector<Values> &parts, size_t channels) {
  Values all(3 * channels, 0.0);
  for (size_t c = 0; c < channels; ++c) {
    long double count = 0, sum = 0, m2 = 0;
    for (const Values &part : parts) {
      count += part[c];
      if (part[c] > 0) sum += static_cast<long double>(part[c]) * part[channels + c];
    }
    if (count == 0) continue;
    const long double mean = sum / count;
    for (const Values &part : parts) {
      if (part[c] == 0) continue;
      const long double apart = part[channels + c] - mean;
      m2 += part[2 * channels + c] + part[c] * apart * apart;
    }
    all[c] = static_cast<double>(count);
    all[channels + c] = static_cast<double>(mean);
    all[2 * channels + c] = static_cast<double>(m2);
  }
  return all;
}

/** Merges of the same parts are float64 arithmetic, whatever type the data have: of 16 parts, in a tree of 15 levels at most. Each level
 * rounds a mean a few times, and M2 by as much, relative to the largest part's mean and to M2; and it takes differences of means, whose
 * rounding weighs as much as the means exceed the deviations. */
void check_joined(const Shared &shared, const Values &got, const std::vector<Values> &parts) {
  constexpr double u = 64 * 0x1p-53;
  const size_t channels = shared.channels();
  const Values expected = joined(parts, channels);
  for (size_t c = 0; c < channels; ++c) {
    const double count = expected[c], m2 = expected[2 * channels + c];
    double largest = 0;
    for (const Values &part : parts) {
      if (part[c] > 0) largest = std::max(largest, std::abs(part[channels + c]));
    }
    INFO(describe(shared.problem), ", ", parts.size(), " parts, channel ", c);
    CHECK(got[c] == count);
    CHECK(std::abs(got[channels + c] - expected[channels + c]) <= u * largest);
    CHECK(std::abs(got[2 * channels + c] - m2) <= u * (m2 + largest * std::sqrt(m2 * count)));
  }
}

}  // namespace

TEST_SUITE("norm_moments") {
  TEST_CASE("norm: moments of parts, merged in groups of any size and order, are those of the whole") {
    Random random(7000);
    uint64_t stream = 7001;
    for (const DLDataType dtype : float_types) {
      for (const std::vector<int64_t> &shape :
           std::vector<std::vector<int64_t>>{{11, 6, 7, 10}, {40, 19}, {7, 3, 900}}) {
        for (size_t round = 0; round < (quick() ? 1u : 6u); ++round) {
          Shared shared;
          shared.problem.shape = shape;
          shared.problem.dtype = dtype;
          shared.problem.saved = true;
          shared.problem.running = Running::biased;
          shared.problem.put_all(round % 2 ? Place::last : Place::first);
          shared.cuts = random_cuts(shape[0], random);
          const NormData data = ordinary_data(shared.problem, ++stream);
          for (const Variant &variant : variants_of(dtype)) {
            PartsRun how;
            how.merge = [&](halogen_context *context, const Shared &whole, const std::vector<Values> &parts) {
              const Values moments = merged_in_groups(context, whole, parts, &random);
              check_joined(whole, moments, parts);
              check_joined(whole, merged(context, whole, parts), parts);
              return moments;
            };
            check_forward_in_parts(context_of(variant), shared, data, how);
          }
        }
      }
    }
  }

  TEST_CASE("norm: merging keeps float64's digits for parts of one value to 2^40, far from each other") {
    Random random(7100);
    Shared shared;
    shared.problem.shape = {1, 5, 1};
    shared.cuts = {0, 1};
    const size_t channels = shared.channels();
    for (size_t round = 0; round < (quick() ? 4u : 40u); ++round) {
      const double far = std::pow(10, random.uniform(-3, 6));
      std::vector<Values> parts(1 + random.below(16), Values(3 * channels, 0.0));
      for (Values &part : parts) {
        for (size_t c = 0; c < channels; ++c) {
          const double count = random.below(5) == 0 ? 0 : std::floor(std::exp2(random.uniform(0, 40)));
          part[c] = count;
          // What is said of an empty part has no say.
          part[channels + c] = count == 0 ? std::nan("") : far * random.uniform(-1, 1);
          part[2 * channels + c] = count == 0 ? std::nan("") : count * random.uniform(0, 2);
        }
      }
      for (const Variant &variant : variants()) {
        halogen_context *context = context_of(variant);
        check_joined(shared, merged(context, shared, parts), parts);
        check_joined(shared, merged_in_groups(context, shared, parts, &random), parts);
      }
    }
  }
}
