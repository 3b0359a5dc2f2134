// halogen-migrate: from one framework's module to another's, explained, converted, checked.
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "check.h"
#include "document.h"
#include "print.h"
#include "state.h"

namespace {

const char kUsage[] =
    "usage: halogen-migrate explain FROM TO [name=value ...] [--json]\n"
    "       halogen-migrate state IN.safetensors OUT.safetensors --from FROM --to TO [name=value ...]\n"
    "       halogen-migrate check FROM TO [name=value ...] [--seed N]\n"
    "       halogen-migrate modules\n"
    "\n"
    "explain  prints how FROM's parameters are written for TO, and what differs; name=value sets one of FROM's.\n"
    "state    converts the weights of every FROM in a file: \"layer1.weight\" and its neighbours are one module. "
    "name=value\n"
    "         says what tensors do not show (groups, num_groups). What is no FROM stays as it is.\n"
    "check    runs both modules on the same random state and input and prints the largest differences.\n"
    "modules  lists the modules, each with those that it converts to.\n"
    "\n"
    "FROM and TO are modules by their Python name, for example torch.nn.BatchNorm2d, mindspore.nn.BatchNorm2d.\n"
    "Exit status: 0; 2 where something cannot be expressed, or numbers differ; 1 for an error.\n";

using Arguments = std::vector<std::string>;

/** Takes an option out of the arguments; whether it was there. */
bool take(Arguments &arguments, const std::string &option) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] != option) continue;
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

/** What is left must be `least` words and then name=value. */
void expect(const Arguments &arguments, size_t least, const char *what) {
  for (const std::string &argument : arguments) {
    if (argument.rfind("--", 0) == 0) throw migrate::Complaint("There is no option " + argument + " here.");
  }
  if (arguments.size() < least)
    throw migrate::Complaint(std::string("Expected ") + what + ". halogen-migrate --help says more.");
}

/** Takes an option and what follows it. */
std::string take_value(Arguments &arguments, const std::string &option, const std::string &otherwise) {
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != option) continue;
    const std::string value = arguments[i + 1];
    const auto at = arguments.begin() + static_cast<std::ptrdiff_t>(i);
    arguments.erase(at, at + 2);
    return value;
  }
  return otherwise;
}

void expect_correspondence(halogen_module_class from, halogen_module_class to) {
  if (halogen_module_class_corresponds(from, to)) return;
  std::string text = std::string(halogen_module_class_name(to)) + " computes something else than " +
                     halogen_module_class_name(from) + ", which converts to:";
  for (const halogen_module_class other : migrate::corresponding(from)) {
    text += std::string("\n  ") + halogen_module_class_name(other);
  }
  throw migrate::Complaint(text);
}

/** FROM and TO, which must correspond, and FROM's parameters. */
migrate::Conversion conversion_of(const Arguments &arguments, void (*prepare)(migrate::Params &params)) {
  migrate::Params from(migrate::class_named(arguments[0]));
  const halogen_module_class to = migrate::class_named(arguments[1]);
  expect_correspondence(from.module_class(), to);
  if (prepare != nullptr) prepare(from);
  for (size_t i = 2; i < arguments.size(); ++i) from.set(arguments[i]);
  return migrate::Conversion(from, to);
}

int explain(Arguments arguments) {
  const bool json = take(arguments, "--json");
  expect(arguments, 2, "two modules");
  const migrate::Conversion conversion = conversion_of(arguments, nullptr);
  json ? migrate::print_json(std::cout, conversion) : migrate::print_text(std::cout, conversion);
  return conversion.cannot != 0 ? 2 : 0;
}

int state(Arguments arguments) {
  const std::string from_name = take_value(arguments, "--from", ""), to_name = take_value(arguments, "--to", "");
  expect(arguments, 2, "two files, --from and --to");
  if (from_name.empty() || to_name.empty())
    throw migrate::Complaint("Expected --from and --to, and a module after each.");
  const halogen_module_class from = migrate::class_named(from_name), to = migrate::class_named(to_name);
  expect_correspondence(from, to);
  const Arguments settings(arguments.begin() + 2, arguments.end());
  return migrate::convert_file(arguments[0], arguments[1], from, to, settings) != 0 ? 2 : 0;
}

int check(Arguments arguments) {
  const std::string seed = take_value(arguments, "--seed", "0");
  expect(arguments, 2, "two modules");
  if (seed.empty() || seed.find_first_not_of("0123456789") != std::string::npos || seed.size() > 19) {
    throw migrate::Complaint("--seed: expected a number, got \"" + seed + "\"");
  }
  const migrate::Conversion conversion = conversion_of(arguments, migrate::set_sizes);
  std::ostringstream differences;
  const bool same = migrate::compare_modules(differences, conversion, std::stoull(seed));
  migrate::print_text(std::cout, conversion);
  std::cout << "\n" << differences.str();
  return same ? 0 : 2;
}

int modules(const Arguments &arguments) {
  expect(arguments, 0, "no more");
  for (const halogen_module_class from : migrate::all_classes()) {
    std::cout << halogen_module_class_name(from) << "\n";
    for (const halogen_module_class to : migrate::corresponding(from)) {
      std::cout << "  " << halogen_module_class_name(to) << "\n";
    }
  }
  return 0;
}

/** What docs/migrate.md is made of; for the project itself. */
int document(const Arguments &arguments) {
  expect(arguments, 0, "no more");
  migrate::print_document(std::cout);
  return 0;
}

int run(Arguments arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    std::cout << kUsage;
    return arguments.empty() ? 1 : 0;
  }
  const std::string command = arguments[0];
  arguments.erase(arguments.begin());
  if (command == "explain") return explain(std::move(arguments));
  if (command == "state") return state(std::move(arguments));
  if (command == "check") return check(std::move(arguments));
  if (command == "modules") return modules(arguments);
  if (command == "document") return document(arguments);
  throw migrate::Complaint("There is no command \"" + command + "\". halogen-migrate --help lists them.");
}

}  // namespace

int main(int argc, char **argv) {
  try {
    return run(Arguments(argv + 1, argv + argc));
  } catch (const std::exception &error) {
    std::cerr << "halogen-migrate: " << error.what() << "\n";
    return 1;
  }
}
