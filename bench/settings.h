// settings.h: the command line of halogen_bench.
#pragma once

#include <halogen/conv.h>
#include <halogen/ops.h>

#include <string>
#include <vector>

namespace halogen_bench {

struct Settings {
  std::string filter;  // regular expression over names such as norm/resnet50_bn/conv1/train/f32/first/threads:2
  bool every_line = false;
  std::vector<int> threads = {1, 2};
  double min_time = 0.2;  // seconds that the kernel alone runs per line
  halogen_norm_path path = HALOGEN_NORM_PATH_AUTO;
  halogen_conv_path conv_path = HALOGEN_CONV_PATH_AUTO;
  halogen_isa isa = HALOGEN_ISA_AUTO;
  std::string out;  // folder for bench.json and bench.txt; "": none
  bool help = false;

  /// Whether all lines are there to choose from: more than one wants to wait for, so only if asked for.
  bool all() const { return every_line || !filter.empty(); }
};

/// Throws std::runtime_error with a message for the user.
Settings parse_settings(int argc, char **argv);

const char *settings_help();

}  // namespace halogen_bench
