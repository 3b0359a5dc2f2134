#include "settings.h"

#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace halogen_bench {
namespace {

template <typename Value, size_t N>
Value by_name(const std::string &option, const std::string &name, const std::pair<const char *, Value> (&table)[N]) {
  std::string known;
  for (const auto &[text, value] : table) {
    if (name == text) return value;
    known += std::string(known.empty() ? "" : ", ") + text;
  }
  throw std::runtime_error(option + " is one of: " + known + "; not '" + name + "'");
}

double positive_number(const std::string &option, const std::string &text) {
  char *end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(value > 0))
    throw std::runtime_error(option + " needs a positive number");
  return value;
}

std::vector<int> thread_counts(const std::string &text) {
  std::vector<int> counts;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    const double value = positive_number("--threads", word);
    if (value > 256 || value != static_cast<int>(value)) throw std::runtime_error("--threads: whole numbers up to 256");
    counts.push_back(static_cast<int>(value));
  }
  if (counts.empty()) throw std::runtime_error("--threads needs at least one number");
  return counts;
}

void apply(Settings &settings, const std::string &option, const std::string &value) {
  static const std::pair<const char *, halogen_norm_path> paths[] = {{"auto", HALOGEN_NORM_PATH_AUTO},
                                                                     {"row", HALOGEN_NORM_PATH_ROW},
                                                                     {"slab", HALOGEN_NORM_PATH_SLAB},
                                                                     {"split", HALOGEN_NORM_PATH_SPLIT}};
  static const std::pair<const char *, halogen_conv_path> conv_paths[] = {
      {"auto", HALOGEN_CONV_PATH_AUTO}, {"rows", HALOGEN_CONV_PATH_ROWS}, {"length", HALOGEN_CONV_PATH_LENGTH}};
  static const std::pair<const char *, halogen_isa> levels[] = {
      {"auto", HALOGEN_ISA_AUTO}, {"v2", HALOGEN_ISA_V2},         {"v3", HALOGEN_ISA_V3},
      {"v4", HALOGEN_ISA_V4},     {"v4_spr", HALOGEN_ISA_V4_SPR}, {"v4_zen4", HALOGEN_ISA_V4_ZEN4},
      {"neon", HALOGEN_ISA_NEON}};
  if (option == "--filter") {
    settings.filter = value;
  } else if (option == "--threads") {
    settings.threads = thread_counts(value);
  } else if (option == "--min-time") {
    settings.min_time = positive_number(option, value);
  } else if (option == "--path") {
    settings.path = by_name(option, value, paths);
  } else if (option == "--conv-path") {
    settings.conv_path = by_name(option, value, conv_paths);
  } else if (option == "--isa") {
    settings.isa = by_name(option, value, levels);
  } else if (option == "--out") {
    settings.out = value;
  } else {
    throw std::runtime_error("unknown option " + option);
  }
}

}  // namespace

Settings parse_settings(int argc, char **argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    std::string option = argv[i];
    if (option == "--help" || option == "-h") {
      settings.help = true;
      continue;
    }
    if (option == "--all") {
      settings.every_line = true;
      continue;
    }
    std::string value;
    if (const size_t equals = option.find('='); equals != std::string::npos) {
      value = option.substr(equals + 1);
      option.resize(equals);
    } else if (i + 1 < argc) {
      value = argv[++i];
    } else {
      throw std::runtime_error(option + " is unknown, or needs a value");
    }
    apply(settings, option, value);
  }
  return settings;
}

const char *settings_help() {
  return R"(usage: halogen_bench [options]
  --filter REGEX    lines to measure, out of all; names look like norm/resnet50_bn/conv1/train/f32/first/threads:2,
                    with train, eval, instance, group, layer or backward; f32, f64, f16 or bf16; first or last
  --all             every line: backward, all dtypes and channel-last, too (half an hour); default: forward, f32, channel-first
  --threads LIST    thread counts, 1,2 by default
  --min-time S      seconds that the kernel alone runs per line, 0.2 by default
  --path NAME       force a path of halogen_norm_forward and halogen_norm_backward: row, slab or split
  --isa NAME        force a level: v2, v3, v4, v4_spr, v4_zen4 or neon (as HALOGEN_ISA does)
  --conv-path NAME  force a path of halogen_conv_transpose1d_forward: rows or length
  --out DIR         write bench.txt and bench.json there

GB/s counts one read and one write of the tensor; backward, two reads (input, grad_output) and one write. copy is y = a*x over
the same buffers, as many bytes, with the same number of threads, measured alternately with the kernel; %copy and %bound are
ratios of medians, (min) is the ratio of the minima. passes 2: what one mean is taken over (in whole cache lines; backward, in
both inputs) does not fit in the second-level cache, the bound is at the copy's rate two reads and one write; backward, four
and one. memcpy is the C library's.

strided: the input's last two axes are swapped in memory, so that it is worked on in a copy; gather is a plain copy by tiles, dense the
call on a dense input, and % both of them by the call's time.
)";
}

}  // namespace halogen_bench
