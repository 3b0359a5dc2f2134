// halogen_tune_conv [FILE]: searches the register tiles of the transposed convolution for this machine and writes the winners, with the
// figures that say so, to FILE (generators/tuned/conv_transpose1d.h). Entries for other vectors are kept.
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <sstream>

#include "../../runtime/conv_tiles.h"
#include "../machine.h"
#include "tune.h"

using namespace halogen_tune;
using Halide::Callable;
using Halide::Runtime::Buffer;
using halogen::ConvTuned;

namespace {

constexpr int kBlock = halogen::kConvBlockBytes / 4, kRounds = 25;

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

Buffer<float> filled(const std::vector<int> &extents) {
  Buffer<float> buffer(extents);
  int i = 0;
  for (float *p = buffer.data(); p != buffer.data() + buffer.number_of_elements(); ++p)
    *p = static_cast<float>(++i % 7 - 3) / 8;
  return buffer;
}

double flops_of(const Layer &l) { return 2.0 * l.channels * l.rows * l.taps * l.positions; }

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

Buffer<int32_t> table_of(int taps, int stride) {
  Buffer<int32_t> at(taps);
  for (int m = 0; m < taps; ++m) at(m) = m * stride;
  return at;
}

/// Whole layers, each channel's weights as far from the next one's as they are there: the rows of a tile meet in few sets of L1.
constexpr Layer kGradientLayers[] = {{"512x4096_L86", 512, 2048, 2, 86},
                                     {"256x2048_L256", 256, 1024, 2, 256},
                                     {"128x256_L1024", 128, 128, 2, 1024},
                                     {"64x128_L2048", 64, 64, 2, 2048}};

/// y(u, n, c, g): rows of the weights are input channels, steps are rows and taps.
std::vector<Shape> gradient_shapes(const Params &params) {
  std::vector<Shape> shapes;
  const int tile = value_of(params, "vectors") * Halide::get_host_target().natural_vector_size<float>();
  for (const Layer &l : kGradientLayers) {
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

/// Tiles of `accumulators` vectors and a little less, by slices.
std::vector<Params> by_slices(const std::vector<Params> &tiles) {
  std::vector<Params> all;
  for (const Params &tile : tiles) {
    for (const int slice : {128, 256, 512}) {
      all.push_back(tile);
      all.back().emplace_back("slice", slice);
    }
  }
  return all;
}

std::string date() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

/// What the file says of measurements on other vectors: paragraphs of comment between its first one and the code.
std::string other_evidence(const std::string &path, const std::string &of_vectors) {
  std::ifstream file(path);
  std::string kept, paragraph;
  bool first = true;
  for (std::string line; std::getline(file, line) && line.rfind("//", 0) == 0;) {
    if (line != "//") {
      paragraph += line + "\n";
      continue;
    }
    if (!first && paragraph.find(of_vectors) == std::string::npos) kept += paragraph + "//\n";
    first = false;
    paragraph.clear();
  }
  return first || paragraph.find(of_vectors) != std::string::npos ? kept : kept + paragraph + "//\n";
}

void write(const std::string &path, const ConvTuned &tuned, const std::vector<std::string> &evidence) {
  const std::string of_vectors = "vectors of " + std::to_string(tuned.vector_bytes) + " bytes",
                    kept = other_evidence(path, of_vectors);
  std::ofstream file(path);
  file << "// Tiles by the level's vectors, and the figures that say so: ./dev tune --op conv_transpose1d writes them. "
          "Others "
          "follow\n// runtime/conv_tiles.h's rule.\n//\n"
       << kept << "// " << halogen_bench::cpu_model() << ", " << date() << ", " << of_vectors
       << ", one thread, the shortest of " << kRounds << " times; input channels x rows, 2 taps, positions:\n";
  for (const std::string &line : evidence) file << "//   " << line << "\n";
  file << "#pragma once\n\nnamespace halogen {\n\nstruct ConvTuned {\n  int vector_bytes, registers;\n"
          "  int rows_positions, rows_slice;\n  int gradient_rows, gradient_vectors, gradient_slice;\n"
          "  int weight_taps, weight_slice;\n};\n\nconstexpr ConvTuned kConvTuned[] = {\n";
  const auto entry = [&](const ConvTuned &t) {
    const int all[] = {t.vector_bytes,     t.registers,      t.rows_positions, t.rows_slice,  t.gradient_rows,
                       t.gradient_vectors, t.gradient_slice, t.weight_taps,    t.weight_slice};
    file << "    {";
    for (const int &value : all) file << (&value != all ? ", " : "") << value;
    file << "},\n";
  };
  for (const ConvTuned &other : halogen::kConvTuned) {
    if (other.vector_bytes != tuned.vector_bytes || other.registers != tuned.registers) entry(other);
  }
  entry(tuned);
  file << "};\n\n}  // namespace halogen\n";
  if (!file) throw std::runtime_error("could not write " + path);
}

}  // namespace

int main(int argc, char **argv) {
  try {
    const Halide::Target host = Halide::get_host_target();
    const int vector = host.natural_vector_size<float>() * 4;
    const int registers = host.arch == Halide::Target::ARM || host.has_feature(Halide::Target::AVX512) ? 32 : 16;
    const int accumulators = halogen::conv_accumulators(vector, registers);
    std::vector<Params> rows, gradient, weight;
    const int columns = accumulators / (halogen::kConvBlockBytes / vector);
    for (int n = std::max(1, columns / 3); n <= columns + 1; n += columns > 12 ? 2 : 1) {
      rows.push_back({{"positions", n}});
      weight.push_back({{"taps", n}});
    }
    for (const int vectors : {1, 2, 3, 4}) {
      gradient.push_back({{"rows", accumulators / vectors}, {"vectors", vectors}});
      if (registers >= 32) gradient.push_back({{"rows", accumulators / 2 / vectors}, {"vectors", vectors}});
    }
    const ConvTuned now = halogen::conv_tiles(vector, registers);
    const Winner best[] = {
        search("conv_rows", by_slices(rows), {{"positions", now.rows_positions}, {"slice", now.rows_slice}},
               rows_shapes, kRounds),
        search("conv_grad_input", by_slices(gradient),
               {{"rows", now.gradient_rows}, {"vectors", now.gradient_vectors}, {"slice", now.gradient_slice}},
               gradient_shapes, kRounds),
        search("conv_grad_rows", by_slices(weight), {{"taps", now.weight_taps}, {"slice", now.weight_slice}},
               weight_shapes, kRounds)};
    const ConvTuned tuned = {vector,
                             registers,
                             value_of(best[0].params, "positions"),
                             value_of(best[0].params, "slice"),
                             value_of(best[1].params, "rows"),
                             value_of(best[1].params, "vectors"),
                             value_of(best[1].params, "slice"),
                             value_of(best[2].params, "taps"),
                             value_of(best[2].params, "slice")};
    for (const Winner &winner : best) std::printf("best: %s\n", winner.evidence.c_str());
    if (argc > 1) write(argv[1], tuned, {best[0].evidence, best[1].evidence, best[2].evidence});
    return 0;
  } catch (const std::exception &problem) {
    std::fprintf(stderr, "halogen_tune_conv: %s\n", problem.what());
    return 1;
  }
}
