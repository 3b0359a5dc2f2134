// splitmix.h: inputs that are not stored but made by a formula, which the case's metadata state in words.
#pragma once

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "numbers.h"

namespace replay {

/// Whether the case's input is made by the one formula that is known here: value[i] = ((z >> 40) * 2^-23 - 1) with z the
/// splitmix64 of i + 1 from `input_seed`.
inline bool is_splitmix(const Safetensors &file) {
  const std::string note = file.meta("note");
  for (const char *part : {"((z >> 40) * 2^-23 - 1)", "(i+1)*0x9E3779B97F4A7C15 + seed",
                           "(z ^ z>>30)*0xBF58476D1CE4E5B9", "(z ^ z>>27)*0x94D049BB133111EB", "z ^= z>>31"}) {
    if (note.find(part) == std::string::npos) return false;
  }
  return file.meta("stored") == "sampled" && !file.meta("input_seed").empty() && !file.meta("input_shape").empty();
}

/// The values of that formula from the seed in the metadata entry `seed_key`, in the input's shape.
inline Array splitmix_values(const Safetensors &file, const char *seed_key) {
  constexpr size_t kMaxValues = size_t{1} << 30;  // a hostile file must not exhaust the memory
  std::vector<int64_t> shape;
  size_t count = 1;
  const Json extents = JsonParser(file.meta("input_shape")).parse();
  for (const Json &extent : extents.as_array()) {
    shape.push_back(extent.as_integer());
    if (shape.back() < 1 || static_cast<size_t>(shape.back()) > kMaxValues / count) {
      throw std::runtime_error("metadata \"input_shape\" is not the shape of a tensor of at most 2^30 values");
    }
    count *= static_cast<size_t>(shape.back());
  }
  const auto seed = static_cast<uint64_t>(JsonParser(file.meta(seed_key)).parse().as_integer());
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    uint64_t z = (uint64_t{i} + 1) * 0x9E3779B97F4A7C15u + seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    values[i] = static_cast<float>(static_cast<double>(z >> 40) * 0x1p-23 - 1.0);
  }
  return Array(number_type("F32"), std::move(shape), false, values.data());
}

}  // namespace replay
