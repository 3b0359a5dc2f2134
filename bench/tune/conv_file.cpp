#include "conv_file.h"

#include <ctime>
#include <fstream>
#include <stdexcept>

#include "../machine.h"
#include "tune.h"

namespace halogen_tune {

using halogen::ConvTuned;

namespace {

std::string date() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

/// The model, and its microarchitecture where Halide knows it: several share a name.
std::string cpu() {
  const std::string target = Halide::get_host_target().to_string(), tune = "-tune_";
  const size_t begin = target.find(tune);
  if (begin == std::string::npos) return halogen_bench::cpu_model();
  const size_t name = begin + tune.size();
  return halogen_bench::cpu_model() + " (" + target.substr(name, target.find('-', name) - name) + ")";
}

/// The file's paragraphs of comment between its first one and the code, but for those of a level on a CPU.
std::string other_evidence(const std::string &path, const std::string &of_cpu, const std::string &of_level) {
  std::ifstream file(path);
  std::string kept, paragraph;
  bool first = true;
  const auto end = [&] {
    const bool replaced = paragraph.rfind(of_cpu, 0) == 0 && paragraph.find(of_level) < paragraph.find('\n');
    if (!first && !replaced) kept += paragraph + "//\n";
    first = false;
    paragraph.clear();
  };
  for (std::string line; std::getline(file, line) && line.rfind("//", 0) == 0;) {
    if (line != "//") {
      paragraph += line + "\n";
    } else {
      end();
    }
  }
  end();
  return kept;
}

}  // namespace

void write_conv(const std::string &path, const std::vector<ConvTuned> &table, const std::string &level,
                int vector_bytes, int rounds, const std::vector<std::string> &evidence) {
  const std::string of_cpu = "// " + cpu() + ", ", of_level = ", " + level + " (",
                    kept = other_evidence(path, of_cpu, of_level);
  std::ofstream file(path);
  file << "// Tiles by the level's vectors, and the figures that say so: ./dev tune --op conv_transpose1d writes them. "
          "Others follow\n// runtime/conv_tiles.h's rule. Shapes: bench/tune/conv_shapes.cpp. Next: the best of the "
          "others.\n//\n"
       << kept << of_cpu << date() << of_level << "vectors of " << vector_bytes << " bytes), one thread, the best of "
       << kPasses << " passes, the shortest of " << rounds << " times each, GFLOP/s:\n";
  for (const std::string &line : evidence) file << "//   " << line << "\n";
  file << "#pragma once\n\nnamespace halogen {\n\nstruct ConvTuned {\n  int vector_bytes, registers;\n"
          "  int rows_positions, rows_slice;\n  int pairs_positions, pairs_slice;\n"
          "  int length_rows, length_vectors, length1_vectors, length2_vectors;\n"
          "  int gradient_rows, gradient_vectors, gradient_slice;\n  int weight_taps, weight_slice;\n"
          "  int weight_length_taps, weight_length_vectors;\n};\n\nconstexpr ConvTuned kConvTuned[] = {\n";
  for (const ConvTuned &tuned : table) {
    file << "    {" << tuned.vector_bytes << ", " << tuned.registers;
    for (int ConvTuned::*const tile : halogen::kConvTiles) file << ", " << tuned.*tile;
    file << "},\n";
  }
  file << "};\n\n}  // namespace halogen\n";
  if (!file) throw std::runtime_error("could not write " + path);
}

}  // namespace halogen_tune
