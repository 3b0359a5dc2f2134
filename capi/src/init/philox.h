// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, doi:10.1145/2063384.2063405.
#pragma once

#include <cstdint>

namespace halogen {

struct PhiloxBlock {
  uint32_t word[4];
};

/// The block of a counter and a key, low words first.
inline PhiloxBlock philox4x32_10(PhiloxBlock x, uint32_t key0, uint32_t key1) {
  // The multipliers, and the Weyl sequence of the key: the golden ratio and sqrt(3) - 1.
  constexpr uint64_t kMultiply0 = 0xd2511f53, kMultiply1 = 0xcd9e8d57;
  constexpr uint32_t kWeyl0 = 0x9e3779b9, kWeyl1 = 0xbb67ae85;
  for (int round = 0; round < 10; ++round, key0 += kWeyl0, key1 += kWeyl1) {
    const uint64_t a = kMultiply0 * x.word[0], b = kMultiply1 * x.word[2];
    x = {{static_cast<uint32_t>(b >> 32) ^ x.word[1] ^ key0, static_cast<uint32_t>(b),
          static_cast<uint32_t>(a >> 32) ^ x.word[3] ^ key1, static_cast<uint32_t>(a)}};
  }
  return x;
}

/// Where an initialiser's numbers come from.
struct Seed {
  uint64_t seed, stream;

  /// Block `index` of the stream: two numbers of 64 bits.
  PhiloxBlock block(uint64_t index) const {
    const PhiloxBlock counter = {{static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
                                  static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)}};
    return philox4x32_10(counter, static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
  }
};

}  // namespace halogen
