#include "check.h"

#include <halogen/init.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <ostream>

#include "module.h"

namespace migrate {
namespace {

bool contains(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

/** (N, C, L), (N, C, H, W), (N, C, D, H, W); MegEngine's transposed convolution works along the axis that its kernel has. */
std::vector<int64_t> input_shape(const Params &params) {
  const std::string name = params.class_name();
  if (contains(name, "LayerNorm")) return {4, 6, 1};
  const char *key = contains(name, "Transpose")                                       ? "in_channels"
                    : contains(name, "GroupNorm") || contains(name, "e.InstanceNorm") ? "num_channels"
                                                                                      : "num_features";
  const int64_t channels = std::stoll(params.text(key));
  if (contains(name, "ConvTranspose2d")) {
    const bool height = params.text("kernel_size").rfind("[1,", 0) != 0 || params.text("stride").rfind("[1,", 0) != 0;
    return height ? std::vector<int64_t>{4, channels, 16, 1} : std::vector<int64_t>{4, channels, 1, 16};
  }
  if (contains(name, "1d")) return {4, channels, 16};
  if (contains(name, "3d")) return {4, channels, 3, 4, 5};
  return {4, channels, 6, 5};
}

void fill(halogen_context *context, halogen_initializer_kind kind, double low, double high, uint64_t seed,
          uint64_t stream, const DLTensor &tensor) {
  halogen_initializer how = HALOGEN_INITIALIZER_INIT;
  how.kind = kind;
  how.low = low;
  how.high = high;
  how.sigma = 1;
  check([&](halogen_error *error) { return halogen_initialize(context, &how, seed, stream, &tensor, error); });
}

std::vector<float> forward(const Module &module, std::vector<int64_t> shape, bool training, uint64_t seed) {
  check([&](halogen_error *error) { return halogen_module_set_training(module.get(), training, error); });
  DLTensor x{}, y{};
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  std::vector<float> input(static_cast<size_t>(count));
  x.data = input.data();
  x.device = y.device = {kDLCPU, 0};
  x.dtype = y.dtype = {kDLFloat, 32, 1};
  x.ndim = static_cast<int>(shape.size());
  x.shape = shape.data();
  fill(module.context(), HALOGEN_INITIALIZER_NORMAL, 0, 0, seed, 100, x);
  int64_t extents[8] = {};
  check(
      [&](halogen_error *error) { return halogen_module_output(module.get(), &x, extents, &y.ndim, nullptr, error); });
  y.shape = extents;
  std::vector<float> output(static_cast<size_t>(elements_of(y)));
  y.data = output.data();
  check([&](halogen_error *error) { return halogen_module_forward(module.get(), &x, &y, nullptr, nullptr, error); });
  return output;
}

/** The largest difference, infinite for other lengths. */
double difference(const std::vector<float> &a, const std::vector<float> &b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    // A NaN on one side only is a difference, too.
    if (std::isnan(a[i]) != std::isnan(b[i])) return std::numeric_limits<double>::infinity();
    if (d > largest) largest = d;
  }
  return largest;
}

}  // namespace

void set_sizes(Params &params) {
  const auto names = params.names();
  const auto set = [&](const char *name, const char *text) {
    if (std::find(names.begin(), names.end(), name) != names.end()) params.set(name, text);
  };
  for (const char *name : {"num_features", "num_channels", "in_channels", "out_channels"}) set(name, "4");
  set("num_groups", "2");
  set("kernel_size", contains(params.class_name(), "ConvTranspose2d") ? "[1, 4]" : "4");
}

bool compare_modules(std::ostream &out, const Conversion &conversion, uint64_t seed) {
  if (conversion.from.text("dtype") != "float32" || conversion.to.text("dtype") != "float32") {
    throw Complaint("check compares float32 modules");
  }
  const Module from(conversion.from), to(conversion.to);
  uint64_t stream = 0;
  for (const std::string &key : from.keys()) {
    // Right for variances, too.
    if (key != "num_batches_tracked") {
      fill(from.context(), HALOGEN_INITIALIZER_UNIFORM, 0.5, 1.5, seed, stream++, from.state(key));
    }
  }
  convert_state(from, to);
  const std::vector<int64_t> from_shape = input_shape(conversion.from), to_shape = input_shape(conversion.to);
  bool same = true;
  out << std::setprecision(3);
  const char *const steps[] = {"evaluation", "training", "evaluation afterwards"};
  for (int step = 0; step < 3; ++step) {
    const std::vector<float> a = forward(from, from_shape, step == 1, seed), b = forward(to, to_shape, step == 1, seed);
    const double largest = difference(a, b);
    double scale = 1;
    for (const float v : a) scale = std::max(scale, std::abs(static_cast<double>(v)));
    out << steps[step] << ": ";
    if (a.size() == b.size()) {
      out << "largest difference " << largest << " of numbers up to " << scale << "\n";
    } else {
      out << a.size() << " numbers on one side, " << b.size() << " on the other\n";
    }
    same = same && largest <= 1e-5 * scale;
  }
  return same;
}

}  // namespace migrate
