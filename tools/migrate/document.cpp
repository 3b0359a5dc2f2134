#include "document.h"

#include <algorithm>
#include <ostream>
#include <set>

#include "print.h"

namespace migrate {
namespace {

/** What is tried of every class that has the parameters: the defaults, then what users change. */
const std::vector<std::vector<std::string>> kVariations{
    {},
    {"momentum=None"},
    {"affine=True"},
    {"affine=False"},
    {"affine=True", "bias=False"},
    {"track_running_stats=True"},
    {"track_running_stats=False"},
    {"use_batch_statistics=True"},
    {"use_batch_statistics=False"},
    {"freeze=True"},
    {"version=2.0"},
    {"data_format=NHWC"},
    {"gamma_init=zeros"},
    {"dtype=float64"},
    {"dtype=float16"},
    {"dtype=bfloat16"},
    // Transposed convolutions.
    {"kernel_size=4", "stride=2", "padding=1", "pad_mode=pad"},
    {"kernel_size=4", "stride=2", "padding=1"},
    {"kernel_size=[1, 4]", "stride=[1, 2]", "padding=[0, 1]"},
    {"kernel_size=5", "stride=2", "padding=2", "output_padding=1"},
    {"kernel_size=[5, 1]", "stride=[2, 1]", "padding=[2, 0]", "output_padding=[1, 0]"},
    {"kernel_size=[1, 5]", "stride=[1, 2]", "padding=[0, 2]", "output_padding=[0, 1]"},
    {"kernel_size=3", "stride=2", "dilation=4", "output_padding=3"},
    {"kernel_size=5", "stride=2", "pad_mode=same"},
    {"kernel_size=5", "stride=3", "pad_mode=same"},
    {"kernel_size=2", "stride=4", "pad_mode=same"},
    {"kernel_size=2", "stride=4", "pad_mode=valid"},
    {"bias=False"},
    {"has_bias=False"},
    {"padding_mode=reflect"},
};

std::string code(const std::string &text) { return text.empty() ? text : "`" + text + "`"; }

/** Whether the class' modules take the dtype: torch's take all. */
bool takes(halogen_module_class module_class, const std::string &dtype) {
  for (halogen_module_class other : corresponding(module_class)) {
    Params torch(other);
    if (torch.class_name().rfind("torch", 0) != 0) continue;
    torch.set(dtype);
    return Conversion(torch, module_class).cannot == 0;
  }
  return true;
}

/** Whether a class has all parameters of a variation, with values that it takes. */
bool try_set(Params &params, const std::vector<std::string> &variation) {
  const std::vector<std::string> names = params.names();
  const auto sets = [&](const char *name) {
    return std::any_of(variation.begin(), variation.end(), [&](const std::string &a) { return a.rfind(name, 0) == 0; });
  };
  // MindSpore has padding with pad_mode="pad" only.
  const bool has_modes = std::find(names.begin(), names.end(), "pad_mode") != names.end();
  if (has_modes && sets("padding=") && !sets("pad_mode=")) return false;
  if (sets("dtype=") && !takes(params.module_class(), variation.front())) return false;
  for (const std::string &assignment : variation) {
    const std::string name = assignment.substr(0, assignment.find('='));
    if (std::find(names.begin(), names.end(), name) == names.end()) return false;
    try {
      params.set(assignment);
    } catch (const Complaint &) {
      return false;
    }
  }
  return true;
}

/** kernel_size, stride or dilation. */
bool is_size(const std::string &assignment) {
  return assignment.rfind("kernel_size=", 0) == 0 || assignment.rfind("stride=", 0) == 0 ||
         assignment.rfind("dilation=", 0) == 0;
}

/** The table's lines: each once, but for those that say only that nothing changes. */
std::vector<std::string> lines_of(halogen_module_class from, halogen_module_class to) {
  std::vector<std::string> lines;
  std::set<std::string> seen;
  for (const auto &variation : kVariations) {
    Params params(from);
    if (!try_set(params, variation)) continue;
    const Conversion conversion(params, to);
    for (const halogen_difference &d : conversion.differences) {
      if (d.kind == HALOGEN_DIFFERENCE_EQUAL) continue;
      const Line line = line_of(d);
      if (is_size(line[1]) && !variation.empty()) continue;
      // What a padding comes to depends on the layer.
      std::string layer;
      for (const std::string &assignment : variation) {
        if (is_size(assignment)) layer += (layer.empty() ? "" : ", ") + assignment;
      }
      const bool padding = line[1].rfind("pad", 0) == 0 && !layer.empty();
      const std::string text = "| " + line[0] + " | " + code(line[1]) + (padding ? " of " + code(layer) : "") + " | " +
                               code(line[2]) + " | " + line[3] + " |";
      if (seen.insert(text).second) lines.push_back(text);
    }
  }
  return lines;
}

/** torch.nn.BatchNorm2d's is "torch.nn.BatchNorm". */
std::string stem(const std::string &name) {
  const size_t size = name.size();
  const bool has_rank = size > 2 && name[size - 1] == 'd' && name[size - 2] >= '1' && name[size - 2] <= '3';
  return has_rank ? name.substr(0, size - 2) : name;
}

/** Pairs with the same lines. */
struct Table {
  std::string from, to;
  std::vector<std::string> from_names, to_names, lines;
};

/** "torch.nn.BatchNorm1d, 2d, 3d" */
std::string heading(const std::vector<std::string> &names) {
  std::string text = names.front();
  for (size_t i = 1; i < names.size(); ++i) {
    if (names[i] != names[0]) text += ", " + names[i].substr(names[i].size() - 2);
  }
  return text;
}

}  // namespace

void print_document(std::ostream &out) {
  std::vector<Table> tables;
  for (const halogen_module_class from : all_classes()) {
    for (const halogen_module_class to : corresponding(from)) {
      const std::string from_name = halogen_module_class_name(from), to_name = halogen_module_class_name(to);
      const std::vector<std::string> lines = lines_of(from, to);
      const auto same = std::find_if(tables.begin(), tables.end(), [&](const Table &table) {
        return table.from == stem(from_name) && table.to == stem(to_name) && table.lines == lines;
      });
      Table &table = same != tables.end() ? *same : tables.emplace_back();
      table.from = stem(from_name);
      table.to = stem(to_name);
      table.from_names.push_back(from_name);
      table.to_names.push_back(to_name);
      table.lines = lines;
    }
  }
  for (const Table &table : tables) {
    out << "\n### " << heading(table.from_names) << " → " << heading(table.to_names)
        << "\n\n| | from | to | |\n|---|---|---|---|\n";
    for (const std::string &line : table.lines) out << line << "\n";
  }
}

}  // namespace migrate
