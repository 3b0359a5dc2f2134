#include <algorithm>

#include "conv_gpu_gradient.h"
#include "integers.h"

namespace halogen {
namespace {

constexpr int64_t kTile = 32;          // the least side of a tile
constexpr int64_t kChannels = 16;      // what a tile takes at once
constexpr int64_t kBlocks = 1024;      // thread blocks that keep a GPU busy
constexpr int64_t kLeastTerms = 256;   // of a part: fewer would be mostly adding up
constexpr int64_t kMostTerms = 16384;  // of a part: more would be one long chain
constexpr int64_t kMostElements = int64_t{1} << 24;

/// Parts of sums over N samples of L positions; there are `elements` sums, which take `tiles` thread blocks.
ConvGpuParts parts_of(int64_t N, int64_t L, int64_t elements, int64_t tiles) {
  const int64_t terms = N * L, busy = std::min(ceil_div(kBlocks, tiles), ceil_div(terms, kLeastTerms));
  const int64_t wanted = std::clamp<int64_t>(std::max(busy, ceil_div(terms, kMostTerms)), 1,
                                             std::max<int64_t>(1, kMostElements / elements));
  ConvGpuParts parts = {};
  parts.elements = elements;
  if (wanted <= N) {
    parts.samples = ceil_div(N, wanted);
    parts.strip = round_up(L, kChannels);
  } else {
    parts.samples = 1;
    parts.strip = round_up(ceil_div(L, ceil_div(wanted, N)), kChannels);
  }
  parts.strips = ceil_div(L, parts.strip);
  parts.groups = ceil_div(N, parts.samples);
  return parts;
}

int64_t reach(const ConvStrides &s, int64_t N, int64_t C, int64_t L) { return (N - 1) * s.n + s.span(C, L); }

}  // namespace

int64_t ConvGpuGradientPlan::workspace(const ConvGradientProblem &p) const {
  const int64_t of_weight = p.wants_weight ? weight.elements * weight.count() : 0;
  const int64_t of_bias = p.wants_bias ? bias.elements * bias.count() : 0;
  return std::max(of_weight, of_bias) * dtype_bytes(compute_dtype(p.shape.dtype));
}

bool conv_gpu_gradient_plan(const ConvGradientProblem &p, const ConvGradientTensors &tensors,
                            ConvGpuGradientPlan *plan) {
  const ConvWeightShape &w = p.shape;
  *plan = {};
  const int64_t taps = w.group_out() * w.K;
  plan->reason = "a sample's length, its crop, and L * stride + K * dilation are below 2^29";
  constexpr int64_t kLongest = kMaxElements / 4;
  if (p.L_out > kLongest || p.L > kLongest || p.pad_left > kLongest || p.pad_left < -kLongest ||
      p.L * w.stride + w.K * w.dilation > kLongest) {
    return false;
  }
  plan->reason = "tensors reach over less than 2^31 elements";
  const int64_t inputs = std::max(reach(p.input, p.N, w.C_in, p.L), reach(p.grad_input, p.N, w.C_in, p.L));
  const int64_t outputs = std::max(reach(p.grad_output, p.N, w.C_out, p.L_out), reach(p.output, p.N, w.C_out, p.L_out));
  if (std::max(inputs, outputs) > kMaxElements ||
      std::max(tensors.weight.reach(w), tensors.grad_weight.reach(w)) > kMaxElements) {
    return false;
  }
  const int64_t row_tiles = ceil_div(w.group_in(), kTile);
  if (ceil_div(p.L, kTile) > kMaxElements / w.groups / row_tiles / p.N) return false;
  plan->weight = parts_of(p.N, p.L, w.C_in * taps, ceil_div(taps, kTile) * row_tiles * w.groups);
  plan->bias = parts_of(p.N, p.L_out, w.C_out, ceil_div(w.C_out, kTile));
  plan->reason = "GPU: tiles of rows by positions";
  return true;
}

}  // namespace halogen
