#include "conv_shapes.h"

#include <algorithm>
#include <cstring>

#include "../../runtime/conv_tiles.h"

namespace halogen_tune {

using Halide::Callable;
using Halide::Runtime::Buffer;

namespace {

constexpr int kBlock = halogen::kConvBlockBytes / 4;

int round_up(int a, int b) { return (a + b - 1) / b * b; }

/// Layers of vocoders: input channels, rows, taps, positions; large weights with few positions, and the other way round.
struct Layer {
  const char *name;
  int channels, rows, taps, positions;
};
constexpr Layer kLayers[] = {{"512x64_L86", 512, 64, 2, 86},
                             {"256x256_L256", 256, 256, 2, 256},
                             {"128x128_L1024", 128, 128, 2, 1024},
                             {"64x64_L2048", 64, 64, 2, 2048}};

/// Small values, exact in bfloat16, too.
Buffer<float> filled(const std::vector<int> &extents) {
  Buffer<float> buffer(extents);
  int i = 0;
  for (float *p = buffer.data(); p != buffer.data() + buffer.number_of_elements(); ++p)
    *p = static_cast<float>(++i % 7 - 3) / 8;
  return buffer;
}

Buffer<uint16_t> filled_bfloat16(const std::vector<int> &extents) {
  const Buffer<float> values = filled(extents);
  Buffer<uint16_t> buffer(extents);
  for (size_t i = 0; i < buffer.number_of_elements(); ++i) {
    uint32_t bits;
    std::memcpy(&bits, values.data() + i, sizeof bits);
    buffer.data()[i] = static_cast<uint16_t>(bits >> 16);
  }
  return buffer;
}

double flops_of(const Layer &l) { return 2.0 * l.channels * l.rows * l.taps * l.positions; }

Buffer<int32_t> table_of(int taps, int stride) {
  Buffer<int32_t> at(taps);
  for (int m = 0; m < taps; ++m) at(m) = m * stride;
  return at;
}

}  // namespace

/// y(p, c, u, kb, cb), lanes along rows.
std::vector<Shape> rows_shapes(const Params &params) {
  std::vector<Shape> shapes;
  for (const Layer &l : kLayers) {
    const int positions = round_up(l.positions, value_of(params, "positions"));
    auto x = filled({positions + l.taps - 1, l.channels}), w = filled({kBlock, l.taps, l.channels, 1, l.rows / kBlock});
    auto y = filled({1, kBlock, positions, 1, l.rows / kBlock});
    shapes.push_back({l.name, flops_of(l), [=](const Callable &kernel) mutable { return kernel(x, w, 1, 1, y); }});
  }
  return shapes;
}

/// The same of words, of two input channels each.
std::vector<Shape> pairs_shapes(const Params &params) {
  std::vector<Shape> shapes;
  for (const Layer &l : kLayers) {
    const int positions = round_up(l.positions, value_of(params, "positions")), pairs = l.channels / 2;
    auto x = filled_bfloat16({2, positions + l.taps - 1, pairs});
    auto w = filled_bfloat16({2, kBlock, l.taps, pairs, 1, l.rows / kBlock});
    auto y = filled({1, kBlock, positions, 1, l.rows / kBlock});
    shapes.push_back({l.name, flops_of(l), [=](const Callable &kernel) mutable { return kernel(x, w, 1, 1, y); }});
  }
  return shapes;
}

/// y(p, c, u, g, cb) of a stride of two, whose phases are neighbours in memory.
std::vector<Shape> length_shapes(const Params &params, int lanes) {
  std::vector<Shape> shapes;
  for (const Layer &l : {kLayers[1], kLayers[2], kLayers[3], Layer{"32x32_L4096", 32, 32, 2, 4096}}) {
    const int positions = round_up(l.positions, value_of(params, "vectors") * lanes), blocks = l.rows / kBlock;
    auto x = filled({positions + l.taps - 1, l.channels, 1}), w = filled({kBlock, l.taps, l.channels, 1, blocks});
    auto y = filled({2, positions, kBlock / 2, 1, blocks});
    y.transpose(1, 2);
    shapes.push_back({l.name, flops_of(l), [=](const Callable &kernel) mutable { return kernel(x, w, 1, y); }});
  }
  return shapes;
}

/// Groups of one output channel, strides of one (one row) and two: depthwise, long and short; and where all channels become one.
std::vector<Shape> length_few_shapes(const Params &params, int lanes, int rows) {
  struct Groups {
    const char *name;
    int groups, channels, taps, positions;
  };
  std::vector<Shape> shapes;
  for (const Groups &l : {Groups{"64x1_k7_L200", 64, 1, 7, 200}, Groups{"64x1_k2_L500", 64, 1, 2, 500},
                          Groups{"16x1_k7_L2048", 16, 1, 7, 2048}, Groups{"1x32_k2_L1024", 1, 32, 2, 1024}}) {
    const int positions = round_up(l.positions, value_of(params, "vectors") * lanes);
    auto x = filled({positions + l.taps - 1, l.channels, l.groups});
    auto w = filled({kBlock, l.taps, l.channels, l.groups, 1}), y = filled({rows, positions, 1, l.groups, 1});
    y.transpose(1, 2);
    const double flops = 2.0 * l.groups * l.channels * rows * l.taps * l.positions;
    shapes.push_back({l.name, flops, [=](const Callable &kernel) mutable { return kernel(x, w, 1, y); }});
  }
  return shapes;
}

/// y(u, n, c, g): rows of the weights are input channels, steps are rows and taps. Whole layers, each channel's weights as far from the
/// next one's as they are there: the rows of a tile meet in few sets of L1.
std::vector<Shape> gradient_shapes(const Params &params, int lanes) {
  constexpr Layer layers[] = {{"512x4096_L86", 512, 2048, 2, 86},
                              {"256x2048_L256", 256, 1024, 2, 256},
                              {"128x256_L1024", 128, 128, 2, 1024},
                              {"64x128_L2048", 64, 64, 2, 2048}};
  std::vector<Shape> shapes;
  const int tile = value_of(params, "vectors") * lanes;
  for (const Layer &l : layers) {
    const int strip = round_up(std::min(l.positions, 256), tile), units = (l.positions + 255) / 256;
    const int row = (round_up(strip + 1, kBlock) / kBlock | 1) * kBlock, steps = l.rows * l.taps;
    auto x = filled({row * steps, units, 1}), w = filled({steps, l.channels, 1});
    auto y = filled({strip, units, round_up(l.channels, value_of(params, "rows")), 1});
    auto at = table_of(steps, row);
    shapes.push_back({l.name, flops_of(l), [=](const Callable &kernel) mutable { return kernel(x, w, at, y); }});
  }
  return shapes;
}

/// y(lane, m, b, g).
std::vector<Shape> weight_shapes(const Params &params) {
  std::vector<Shape> shapes;
  for (const Layer &l : kLayers) {
    const int strip = std::min(l.positions, 256), units = l.positions / strip, taps = std::min(l.rows * l.taps, 384);
    const int row = (round_up(strip + 1, kBlock) / kBlock | 1) * kBlock, blocks = l.channels / kBlock;
    auto x = filled({kBlock, strip, units, blocks, 1}), dy = filled({row * taps, units, 1});
    auto y = filled({kBlock, round_up(taps, value_of(params, "taps")), blocks, 1});
    auto at = table_of(taps, row);
    const double flops = 2.0 * l.channels * taps * strip * units;
    shapes.push_back({l.name, flops, [=](const Callable &kernel) mutable { return kernel(x, dy, at, y, false, y); }});
  }
  return shapes;
}

/// y(m, c, g): groups of few input channels; and columns, one and four, along many taps.
std::vector<Shape> weight_length_shapes(const Params &params) {
  struct Groups {
    const char *name;
    int channels, taps, groups, strip, units;
  };
  std::vector<Shape> shapes;
  for (const Groups &l : {Groups{"64x1_k7_L256", 1, 7, 64, 256, 1}, Groups{"8x128_L2048", 8, 128, 1, 256, 8},
                          Groups{"512x1_of_2048", 512, 1, 1, 2048, 1}, Groups{"512x4_of_2048", 512, 4, 1, 2048, 1}}) {
    const int row = (round_up(l.strip + 1, kBlock) / kBlock | 1) * kBlock;
    auto x = filled({l.strip, l.channels, l.units, l.groups}), dy = filled({row * l.taps, l.units, l.groups});
    auto y = filled({round_up(l.taps, value_of(params, "taps")), l.channels, l.groups});
    auto at = table_of(l.taps, row);
    const double flops = 2.0 * l.channels * l.taps * l.strip * l.units * l.groups;
    shapes.push_back({l.name, flops, [=](const Callable &kernel) mutable { return kernel(x, dy, at, y, false, y); }});
  }
  return shapes;
}

}  // namespace halogen_tune
