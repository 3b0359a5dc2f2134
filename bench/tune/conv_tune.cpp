// halogen_tune_conv [--isa LEVEL] [--present] [--rounds N] [FILE]: searches the register tiles of the transposed convolution and writes the
// winners, with the figures that say so, to FILE (generators/tuned/conv_transpose1d.h). Other entries are kept.
//
// Without --isa for the best level that this CPU has; one whose only kernels are of bfloat16's pairs, with the level below it, whose others
// it takes. --present measures the present tiles alone; N: 25.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <stdexcept>

#include "../../runtime/conv_tiles.h"
#include "conv_file.h"
#include "conv_shapes.h"

using namespace halogen_tune;
using Halide::Target;
using halogen::ConvTuned;

namespace {

struct Options {
  std::string isa, path;
  bool present = false;
  int rounds = 25;
};

Options options(int argc, char **argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--present") {
      o.present = true;
    } else if (argument == "--isa" && i + 1 < argc) {
      o.isa = argv[++i];
    } else if (argument == "--rounds" && i + 1 < argc && std::atoi(argv[i + 1]) > 0) {
      o.rounds = std::atoi(argv[++i]);
    } else if (argument[0] != '-' && o.path.empty()) {
      o.path = argument;
    } else {
      throw std::runtime_error("usage: halogen_tune_conv [--isa LEVEL] [--present] [--rounds N] [FILE]");
    }
  }
  return o;
}

struct Level {
  std::string name;
  Target target;

  bool has_pairs() const { return target.features_any_of({Target::AVX512_SapphireRapids, Target::AVX512_Zen4}); }
  int vector_bytes() const { return target.natural_vector_size<float>() * 4; }
  int registers() const { return target.arch == Target::ARM || target.has_feature(Target::AVX512) ? 32 : 16; }
};

/// The library's levels, best first: what the build was told.
std::vector<Level> levels() {
  std::vector<Level> all;
  std::istringstream words(HALOGEN_TUNE_LEVELS);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    all.push_back({word.substr(0, equals), Target(word.substr(equals + 1))});
  }
  return all;
}

bool runs_here(const Target &target) {
  const Target host = Halide::get_host_target();
  bool has_all = target.arch == host.arch && target.bits == host.bits;
  for (int i = 0; i < Target::FeatureEnd; ++i) {
    const auto feature = static_cast<Target::Feature>(i);
    has_all = has_all && (host.has_feature(feature) || !target.has_feature(feature));
  }
  return has_all;
}

bool same_vectors(const ConvTuned &a, const ConvTuned &b) {
  return a.vector_bytes == b.vector_bytes && a.registers == b.registers;
}

/// A kernel's tiles: the names of its generator's parameters, and where they are kept.
struct Kernel {
  Search search;
  std::vector<std::pair<const char *, int ConvTuned::*>> tiles;
  std::vector<std::vector<int>> candidates;
};

/// A tile and a slice are searched one after the other, each with the other one as it is.
std::vector<std::vector<int>> by_slices(std::vector<std::vector<int>> tiles, const std::vector<int> &tile, int slice) {
  for (std::vector<int> &each : tiles) each.push_back(slice);
  for (const int other : {128, 256, 512}) {
    tiles.push_back(tile);
    tiles.back().push_back(other);
  }
  return tiles;
}

std::vector<Kernel> kernels_of(const Level &level, const ConvTuned &now) {
  const int accumulators = halogen::conv_accumulators(level.vector_bytes(), level.registers());
  const int lanes = level.vector_bytes() / 4;
  const int columns = accumulators / (halogen::kConvBlockBytes / level.vector_bytes());
  std::vector<std::vector<int>> by_block;
  for (int n = std::max(1, columns / 3); n <= columns + 1; n += columns > 12 ? 4 : 1) by_block.push_back({n});
  if (level.has_pairs()) {
    return {{{"conv_pairs", "bf16", {}, {}, pairs_shapes},
             {{"positions", &ConvTuned::pairs_positions}, {"slice", &ConvTuned::pairs_slice}},
             by_slices(by_block, {now.pairs_positions}, now.pairs_slice)}};
  }
  // Rows by vectors: all accumulators, and fewer.
  std::vector<std::vector<int>> length, gradient, weight_length;
  for (const int vectors : {1, 2, 3, 4, 6}) {
    for (const int rows : {2, 4, 8}) {
      if (rows * vectors <= accumulators && 2 * rows * vectors >= accumulators) length.push_back({rows, vectors});
      if (rows * vectors <= accumulators && rows * vectors >= 4 && vectors <= 4)
        weight_length.push_back({rows, vectors});
    }
    gradient.push_back({accumulators / vectors, vectors});
    if (level.registers() >= 32) gradient.push_back({accumulators / 2 / vectors, vectors});
  }
  // Tiles of one row and of two: each is a divisor of any other that is larger.
  const std::vector<std::vector<int>> one{{accumulators}, {accumulators / 2}, {accumulators / 4}};
  const std::vector<std::vector<int>> two{{accumulators / 2}, {accumulators / 4}};
  const auto few = [&](int rows) {
    return [=](const Params &params) { return length_few_shapes(params, lanes, rows); };
  };
  return {
      {{"conv_rows", "f32", {}, {}, rows_shapes},
       {{"positions", &ConvTuned::rows_positions}, {"slice", &ConvTuned::rows_slice}},
       by_slices(by_block, {now.rows_positions}, now.rows_slice)},
      {{"conv_length", "f32", {}, {}, [=](const Params &params) { return length_shapes(params, lanes); }},
       {{"tile_rows", &ConvTuned::length_rows}, {"vectors", &ConvTuned::length_vectors}},
       length},
      {{"conv_length", "f32", {{"rows", 1}}, {}, few(1)}, {{"vectors", &ConvTuned::length1_vectors}}, one},
      {{"conv_length", "f32", {{"rows", 2}}, {}, few(2)}, {{"vectors", &ConvTuned::length2_vectors}}, two},
      {{"conv_grad_input", "f32", {}, {}, [=](const Params &params) { return gradient_shapes(params, lanes); }},
       {{"rows", &ConvTuned::gradient_rows},
        {"vectors", &ConvTuned::gradient_vectors},
        {"slice", &ConvTuned::gradient_slice}},
       by_slices(gradient, {now.gradient_rows, now.gradient_vectors}, now.gradient_slice)},
      {{"conv_grad_rows", "f32", {}, {}, weight_shapes},
       {{"taps", &ConvTuned::weight_taps}, {"slice", &ConvTuned::weight_slice}},
       by_slices(by_block, {now.weight_taps}, now.weight_slice)},
      {{"conv_grad_length", "f32", {}, {}, weight_length_shapes},
       {{"taps", &ConvTuned::weight_length_taps}, {"vectors", &ConvTuned::weight_length_vectors}},
       weight_length},
  };
}

/// Searches a level's kernels; the winners are put into `tuned`. -> their evidence.
std::vector<std::string> tune(const Level &level, const Options &options, ConvTuned &tuned) {
  std::vector<std::string> evidence;
  for (Kernel &kernel : kernels_of(level, tuned)) {
    std::vector<int> now;
    for (const auto &[name, tile] : kernel.tiles) now.push_back(tuned.*tile);
    auto &candidates = kernel.candidates;
    candidates.erase(std::remove(candidates.begin(), candidates.end(), now), candidates.end());
    candidates.insert(candidates.begin(), now);
    if (options.present) candidates.resize(1);
    for (const std::vector<int> &values : candidates) {
      Params params;
      for (size_t i = 0; i < values.size(); ++i) params.emplace_back(kernel.tiles[i].first, values[i]);
      kernel.search.candidates.push_back(params);
    }
    const Winner winner = search(kernel.search, level.target, options.rounds);
    for (const auto &[name, tile] : kernel.tiles) tuned.*tile = value_of(winner.params, name);
    evidence.push_back(winner.evidence);
  }
  for (const std::string &line : evidence) std::printf("%s, best: %s\n", level.name.c_str(), line.c_str());
  return evidence;
}

}  // namespace

int main(int argc, char **argv) {
  try {
    const Options o = options(argc, argv);
    std::vector<ConvTuned> table(std::begin(halogen::kConvTuned), std::end(halogen::kConvTuned));
    std::string here;
    bool any = false;
    for (const Level &level : levels()) {
      if (!runs_here(level.target)) continue;
      here += " " + level.name;
      if (!o.isa.empty() && level.name != o.isa) continue;
      const int bytes = level.vector_bytes(), registers = level.registers();
      ConvTuned tuned = halogen::conv_tiles(bytes, registers);
      for (const ConvTuned &entry : table) tuned = same_vectors(entry, tuned) ? entry : tuned;
      const std::vector<std::string> evidence = tune(level, o, tuned);
      const auto entry =
          std::find_if(table.begin(), table.end(), [&](const ConvTuned &each) { return same_vectors(each, tuned); });
      *(entry != table.end() ? entry : table.insert(table.end(), tuned)) = tuned;
      if (!o.path.empty()) write_conv(o.path, table, level.name, bytes, o.rounds, evidence);
      any = true;
      if (!level.has_pairs()) break;
    }
    if (!any) throw std::runtime_error("'" + o.isa + "' is none of the levels that this CPU has:" + here);
    return 0;
  } catch (const std::exception &problem) {
    std::fprintf(stderr, "halogen_tune_conv: %s\n", problem.what());
    return 1;
  }
}
