#include "distribution.h"

#include "normal.h"
#include "number.h"

namespace halogen {
namespace {

/// In (0, 1), from 64 random bits: the middle of one of 2^52 intervals, exact.
double uniform_of(uint32_t low, uint32_t high) {
  const uint64_t bits = low | static_cast<uint64_t>(high) << 32;
  return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
}

double at(const Distribution &d, double u) {
  switch (d.kind) {
    case Distribution::constant:
      return d.offset;
    case Distribution::uniform:
      return d.offset + d.scale * u;
    case Distribution::normal:
      return d.offset + d.scale * normal_quantile(u);
    case Distribution::truncated_normal:
      break;
  }
  double t = normal_quantile(d.below + u * (d.above - d.below));
  // The last place of a probability must not carry a number over its bound.
  if (!(t >= d.a)) t = d.a;
  if (!(t <= d.b)) t = d.b;
  return d.offset + d.scale * (d.mirrored ? -t : t);
}

}  // namespace

Distribution Distribution::truncated(double mean, double sigma, double a, double b) {
  // Far above the mean 1 - p has no digits left; below it p has them all.
  const bool mirrored = a > 0;
  const double low = mirrored ? -b : a, high = mirrored ? -a : b;
  return {truncated_normal, mean, sigma, low, high, normal_probability(low), normal_probability(high), mirrored};
}

void draw(const Distribution &distribution, const Seed &seed, int64_t first, int64_t last, const DLDataType &dtype,
          void *data) {
  const int64_t size = dtype.bits / 8;
  PhiloxBlock block = {};
  for (int64_t i = first; i < last; ++i) {
    const bool odd = (i & 1) != 0;
    if ((!odd || i == first) && distribution.kind != Distribution::constant) {
      block = seed.block(static_cast<uint64_t>(i) / 2);
    }
    const double u = odd ? uniform_of(block.word[2], block.word[3]) : uniform_of(block.word[0], block.word[1]);
    store_number(at(distribution, u), dtype, static_cast<char *>(data) + i * size);
  }
}

}  // namespace halogen
