// quickstart.cpp: PyTorch's BatchNorm2d on the twelve numbers 0.1, 0.2, ... 1.2; quickstart.c in C++.
//
//   c++ -std=c++17 quickstart.cpp $(pkg-config --cflags --libs halogen) -o quickstart_cpp && ./quickstart_cpp
//
// With -fno-exceptions the same calls return their errors.
#include <halogen/halogen.hpp>

#include <cmath>
#include <cstdio>

namespace {

/** Prints y; whether it is what the frameworks' documents print. */
bool as_documented(const std::string &name, const std::vector<float> &y) {
  const float expected[4] = {-1.341104f, -0.447035f, 0.447035f, 1.341104f};
  bool right = true;
  std::printf("%s\n", name.c_str());
  for (size_t i = 0; i < y.size(); ++i) {
    right = right && std::abs(y[i] - expected[i % 4]) < 1e-6f;
    std::printf("%11.6f%s", static_cast<double>(y[i]), i % 4 == 3 ? "\n" : "");
  }
  return right;
}

#if defined(__cpp_exceptions)

bool batch_norm(const halogen::Tensor &x, std::vector<float> &y) {
  const halogen::Context context = halogen::Context::create().value();
  const auto params = halogen::params<halogen_torch_batch_norm_params>(halogen_torch_batch_norm_params_init, 3).value();
  halogen::Module layer = halogen::Module::create(context, halogen_torch_batch_norm2d_create, params).value();
  layer.forward(x, halogen::Tensor(y.data(), layer.output_shape(x).value())).check();
  return as_documented(layer.repr(), y);
}

int run(const halogen::Tensor &x, std::vector<float> &y) try {
  return batch_norm(x, y) ? 0 : 1;
} catch (const halogen::Exception &error) {
  std::fprintf(stderr, "quickstart: %s: %s\n", halogen_status_name(error.status()), error.what());
  return 1;
}

#else

int failed(const halogen::Error &error) {
  std::fprintf(stderr, "quickstart: %s: %s\n", halogen_status_name(error.status()), error.message());
  return 1;
}

int run(const halogen::Tensor &x, std::vector<float> &y) {
  auto context = halogen::Context::create();
  if (!context) return failed(context.error());
  auto params = halogen::params<halogen_torch_batch_norm_params>(halogen_torch_batch_norm_params_init, 3);
  if (!params) return failed(params.error());
  auto layer = halogen::Module::create(*context, halogen_torch_batch_norm2d_create, *params);
  if (!layer) return failed(layer.error());
  if (halogen::Error error = layer->forward(x, halogen::Tensor(y.data(), x.shape()))) return failed(error);
  return as_documented(layer->repr(), y) ? 0 : 1;
}

#endif

}  // namespace

int main() {
  std::vector<float> in(12), out(12);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i + 1) / 10.0f;
  return run(halogen::Tensor(in.data(), {1, 3, 2, 2}), out);
}
