#include "tune.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>

namespace halogen_tune {

using namespace Halide;

namespace {

constexpr double kBetter = 1.05;

struct Entry {
  Params params;
  Callable kernel;
  std::vector<Shape> shapes;
  std::array<std::vector<double>, kPasses> seconds;

  /// GFLOP/s of a shape, and of them all; of a pass, or the best.
  double rate(size_t shape, int pass) const { return shapes[shape].flops / seconds[pass][shape] / 1e9; }
  double rate(size_t shape) const {
    double most = 0;
    for (int pass = 0; pass < kPasses; ++pass) most = std::max(most, rate(shape, pass));
    return most;
  }
  template <typename... Pass>
  double mean(Pass... pass) const {
    double logarithms = 0;
    for (size_t i = 0; i < shapes.size(); ++i) logarithms += std::log(rate(i, pass...));
    return std::exp(logarithms / static_cast<double>(shapes.size()));
  }
};

Entry compiled(const Search &what, const Params &params, const GeneratorContext &context) {
  std::map<std::string, std::string> texts{{"dtype", what.dtype}};
  for (const Params *some : {&what.fixed, &params}) {
    for (const auto &[key, value] : *some) texts[key] = std::to_string(value);
  }
  Entry entry{params, create_callable_from_generator(context, what.generator, texts), what.shapes(params), {}};
  for (auto &pass : entry.seconds) pass.assign(entry.shapes.size(), std::numeric_limits<double>::infinity());
  return entry;
}

/// In turns, and the shortest time: what else the machine does passes over all of them alike. The second of two runs, whose operands are in
/// the caches as far as they fit: in the library the step before has just written them.
void measure(const std::string &generator, std::vector<Entry> &entries, int pass, int rounds) {
  const auto run = [&](const Entry &entry, size_t shape) {
    const auto begin = std::chrono::steady_clock::now();
    const int code = entry.shapes[shape].run(entry.kernel);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (code != 0) throw std::runtime_error(generator + " returned " + std::to_string(code));
    return took.count();
  };
  for (int round = 0; round < rounds; ++round) {
    for (Entry &entry : entries) {
      for (size_t i = 0; i < entry.shapes.size(); ++i) {
        run(entry, i);
        entry.seconds[pass][i] = std::min(entry.seconds[pass][i], run(entry, i));
      }
    }
  }
}

std::string text_of(const Params &params) {
  std::string text;
  for (const auto &[key, value] : params) text += " " + key + " " + std::to_string(value);
  return text;
}

std::string rounded(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, " %.1f", rate);
  return text;
}

std::string line_of(const Search &what, const Entry &entry) {
  std::string line = what.generator + text_of(what.fixed) + text_of(entry.params) + ":";
  for (size_t i = 0; i < entry.shapes.size(); ++i) line += " " + entry.shapes[i].name + rounded(entry.rate(i));
  return line + "; mean" + rounded(entry.mean());
}

}  // namespace

int value_of(const Params &params, const std::string &name) {
  for (const auto &[key, value] : params) {
    if (key == name) return value;
  }
  throw std::runtime_error("no parameter " + name);
}

Winner search(const Search &what, const Target &target, int rounds) {
  const GeneratorContext context(target);
  std::vector<Entry> entries;
  for (const Params &params : what.candidates) entries.push_back(compiled(what, params, context));
  for (int pass = 0; pass < kPasses; ++pass) measure(what.generator, entries, pass, rounds);

  const Entry &present = entries.front(), *best = &present, *next = nullptr;
  double most = kBetter;
  for (const Entry &entry : entries) {
    double worst = std::numeric_limits<double>::infinity();
    for (int pass = 0; pass < kPasses; ++pass) worst = std::min(worst, entry.mean(pass) / present.mean(pass));
    if (worst > most) {
      most = worst;
      best = &entry;
    }
    std::printf("%s, by the present %.3f\n", line_of(what, entry).c_str(), worst);
    std::fflush(stdout);
  }
  for (const Entry &entry : entries) {
    if (&entry != best && (next == nullptr || entry.mean() > next->mean())) next = &entry;
  }
  std::string evidence = line_of(what, *best);
  if (next != nullptr) {
    std::string tile;
    for (const auto &[key, value] : next->params) tile += (tile.empty() ? " " : "/") + std::to_string(value);
    evidence += ", next" + tile + ":" + rounded(next->mean());
  }
  return {best->params, evidence};
}

}  // namespace halogen_tune
