#include "tune.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>

namespace halogen_tune {

using namespace Halide;

int value_of(const Params &params, const std::string &name) {
  for (const auto &[key, value] : params) {
    if (key == name) return value;
  }
  throw std::runtime_error("no parameter " + name);
}

Winner search(const std::string &generator, const std::vector<Params> &candidates, const Params &current,
              const std::function<std::vector<Shape>(const Params &)> &shapes, int rounds) {
  struct Entry {
    Params params;
    Callable kernel;
    std::vector<Shape> shapes;
    std::vector<double> seconds;
  };
  std::vector<Entry> entries;
  const GeneratorContext context(get_host_target());
  for (const Params &params : candidates) {
    std::map<std::string, std::string> texts{{"dtype", "f32"}};
    for (const auto &[key, value] : params) texts[key] = std::to_string(value);
    Entry entry{params, create_callable_from_generator(context, generator, texts), shapes(params), {}};
    entry.seconds.assign(entry.shapes.size(), std::numeric_limits<double>::infinity());
    entries.push_back(std::move(entry));
  }
  // In turns, and the shortest time: what else the machine does passes over all of them alike.
  for (int round = 0; round < rounds; ++round) {
    for (Entry &entry : entries) {
      for (size_t i = 0; i < entry.shapes.size(); ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const int code = entry.shapes[i].run(entry.kernel);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        if (code != 0) throw std::runtime_error(generator + " returned " + std::to_string(code));
        if (round > 0) entry.seconds[i] = std::min(entry.seconds[i], took.count());
      }
    }
  }
  Winner best;
  double most = 0;
  for (const Entry &entry : entries) {
    std::string line = generator;
    double product = 1;
    for (const auto &[key, value] : entry.params) line += " " + key + " " + std::to_string(value);
    line += ":";
    for (size_t i = 0; i < entry.shapes.size(); ++i) {
      const double rate = entry.shapes[i].flops / entry.seconds[i] / 1e9;
      product *= rate;
      char text[96];
      std::snprintf(text, sizeof text, " %s %.1f", entry.shapes[i].name.c_str(), rate);
      line += text;
    }
    const double mean = std::pow(product, 1.0 / static_cast<double>(entry.shapes.size()));
    char text[48];
    std::snprintf(text, sizeof text, "; mean %.1f GFLOP/s", mean);
    line += text;
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    constexpr double kBetter = 1.05;
    const double rank = entry.params == current ? kBetter * mean : mean;
    if (rank > most) {
      most = rank;
      best = {entry.params, line};
    }
  }
  return best;
}

}  // namespace halogen_tune
