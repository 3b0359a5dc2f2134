// options.h: the command line of replay.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace replay {

struct Options {
  std::vector<std::string> paths;
  std::string filter;     // only cases whose name has this in it
  std::string framework;  // only this framework's cases
  int32_t threads = 0;
  bool verbose = false;
  bool quiet = false;
  bool help = false;

  bool wants_name(const std::string &name) const { return name.find(filter) != std::string::npos; }
  bool wants_framework(const std::string &of) const { return framework.empty() || framework == of; }

  /// False, with a message printed, when the command line makes no sense.
  bool parse(int argc, char **argv) {
    for (int i = 1; i < argc; ++i) {
      std::string word = argv[i];
      const char *value = nullptr;  // of --option=value, or the next word
      if (const size_t equals = word.find('='); word[0] == '-' && equals != std::string::npos) {
        word.resize(equals);
        value = argv[i] + equals + 1;
      }
      if (word == "--help" || word == "-h") {
        help = true;
      } else if (word == "--verbose" || word == "-v") {
        verbose = true;
      } else if (word == "--quiet" || word == "-q") {
        quiet = true;
      } else if (word == "--filter" || word == "--framework" || word == "--threads") {
        if (value == nullptr && i + 1 < argc) value = argv[++i];
        if (value == nullptr) return complain(word + " needs a value");
        if (word == "--filter") filter = value;
        if (word == "--framework") framework = value;
        if (word == "--threads" && !parse_threads(value)) return complain("--threads needs a number from 1 to 1024");
      } else if (word[0] == '-') {
        return complain("unknown option " + word);
      } else {
        paths.push_back(word);
      }
    }
    if (help) {
      print_help(stdout);
    } else if (paths.empty()) {
      return complain("name at least one .safetensors file, errors.json, or a folder with such files");
    }
    return true;
  }

 private:
  bool parse_threads(const char *text) {
    char *end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (end == text || *end != '\0' || n < 1 || n > 1024) return false;
    threads = static_cast<int32_t>(n);
    return true;
  }

  static bool complain(const std::string &what) {
    std::fprintf(stderr, "replay: %s\n", what.c_str());
    print_help(stderr);
    return false;
  }

  static void print_help(std::FILE *out) {
    std::fputs(
        "usage: replay [options] PATH...\n"
        "Runs recorded cases (.safetensors files, an errors.json, or folders of them) through Halogen's modules.\n"
        "\n"
        "  --filter TEXT     only cases whose name contains TEXT\n"
        "  --framework NAME  only cases recorded from NAME (torch, ...)\n"
        "  --threads N       threads per call (default: all CPUs)\n"
        "  -v, --verbose     one more line per tensor\n"
        "  -q, --quiet       failures only; skipped cases summed up by reason\n"
        "  -h, --help        this text\n"
        "\n"
        "Per case: worst absolute difference from the framework's result; worst difference from float64 in multiples "
        "of\n"
        "the tolerance (4e-7 of the terms summed; 1 is the limit); fastest of five calls; the kernels that ran.\n"
        "HALOGEN_ISA=v2|v3|v4|v4_spr|v4_zen4 forces an instruction set. Exit status: 0 no failure, 1 some, 2 wrong "
        "usage.\n",
        out);
  }
};

}  // namespace replay
