#include "print.h"

#include <algorithm>
#include <cstdio>
#include <ostream>

namespace migrate {
namespace {

/** "momentum=0.1", "padding=1, output_padding=0", "" where that side has no such parameter. */
std::string assignment(const std::string &names, const std::string &values) {
  std::string text;
  size_t name = 0, value = 0;
  while (name < names.size()) {
    const size_t name_end = std::min(names.find(", ", name), names.size());
    // A pair's own comma is inside brackets.
    size_t value_end = values[value] == '[' ? values.find(']', value) + 1 : values.find(", ", value);
    value_end = names.find(", ") == std::string::npos ? values.size() : std::min(value_end, values.size());
    text += (text.empty() ? "" : ", ") + names.substr(name, name_end - name) + "=" +
            values.substr(value, value_end - value);
    name = name_end + 2;
    value = std::min(value_end + 2, values.size());
  }
  return text;
}

}  // namespace

Line line_of(const halogen_difference &d) {
  return {kind_name(d.kind), assignment(d.from_name, d.from_value), assignment(d.to_name, d.to_value),
          d.reason != nullptr ? d.reason : ""};
}

const char *kind_name(halogen_difference_kind kind) {
  switch (kind) {
    case HALOGEN_DIFFERENCE_EQUAL:
      return "equal";
    case HALOGEN_DIFFERENCE_CONVERTED:
      return "converted";
    case HALOGEN_DIFFERENCE_DEFAULT:
      return "default differs";
    case HALOGEN_DIFFERENCE_CANNOT:
      return "cannot be expressed";
  }
  return "";
}

void print_text(std::ostream &out, const Conversion &conversion) {
  out << conversion.from.call() << "\n" << conversion.to.call() << "\n\n";
  std::vector<Line> lines{{"", conversion.from.class_name(), conversion.to.class_name(), ""}};
  for (const halogen_difference &d : conversion.differences) lines.push_back(line_of(d));
  std::array<size_t, 3> widths{};
  for (const Line &line : lines) {
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const Line &line : lines) {
    std::string text;
    for (size_t i = 0; i < widths.size(); ++i) text += line[i] + std::string(widths[i] - line[i].size() + 2, ' ');
    text += line[3];
    out << text.substr(0, text.find_last_not_of(' ') + 1) << "\n";
  }
  if (conversion.cannot != 0)
    out << "\n" << conversion.cannot << " cannot be expressed: the nearest there is stands above.\n";
}

std::string json_string(const std::string &text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) {
      quoted += c;
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      quoted += escape;
    }
  }
  return quoted + "\"";
}

void print_json(std::ostream &out, const Conversion &conversion) {
  const auto module = [&](const Params &params) {
    std::string text = "{\"module\": " + json_string(params.class_name()) + ", \"params\": {", separator;
    for (const std::string &name : params.names()) {
      text += separator + json_string(name) + ": " + json_string(params.text(name));
      separator = ", ";
    }
    return text + "}}";
  };
  out << "{\"from\": " << module(conversion.from) << ",\n \"to\": " << module(conversion.to)
      << ",\n \"cannot\": " << conversion.cannot << ",\n \"differences\": [";
  const char *separator = "\n";
  for (const halogen_difference &d : conversion.differences) {
    const auto side = [](const char *name, const char *value) {
      return name[0] == '\0' ? std::string("null")
                             : "{\"name\": " + json_string(name) + ", \"value\": " + json_string(value) + "}";
    };
    out << separator << "  {\"kind\": " << json_string(kind_name(d.kind))
        << ", \"from\": " << side(d.from_name, d.from_value) << ", \"to\": " << side(d.to_name, d.to_value)
        << ", \"reason\": " << (d.reason != nullptr ? json_string(d.reason) : "null") << "}";
    separator = ",\n";
  }
  out << "\n ]}\n";
}

}  // namespace migrate
