// halogen/init.h: every way to misuse it.
#include <doctest/doctest.h>

#include <limits>

#include "support/initialized.h"
#include "support/misuse.h"
#include "support/variants.h"

using namespace halogen_tests;

namespace {

halogen_context *context() { return context_of(variants()[0]); }

/** Filling a float32 tensor of 2 x 3 must be refused after `spoil`. */
void refused(const std::string &what, halogen_initializer_kind kind, halogen_status status,
             const std::vector<std::string> &words,
             const std::function<void(halogen_initializer &, TensorView &)> &spoil) {
  float memory[6] = {1, 2, 3, 4, 5, 6};
  TensorView view(memory, {2, 3});
  halogen_initializer initializer = initializer_of(kind);
  spoil(initializer, view);
  check_refused(what, status, words, {{"tensor", memory, sizeof memory}}, [&](halogen_error *error) {
    return halogen_initialize(context(), &initializer, 1, 2, &view.dl, error);
  });
}

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_SUITE_BEGIN("init");

TEST_CASE("init: pointers and struct sizes") {
  float memory[6] = {};
  const TensorView view(memory, {2, 3});
  const halogen_initializer one = initializer_of(HALOGEN_INITIALIZER_ONE);
  check_refused("no context", HALOGEN_ERROR_NULL_POINTER, {"context"}, {},
                [&](halogen_error *error) { return halogen_initialize(nullptr, &one, 0, 0, &view.dl, error); });
  check_refused("no initializer", HALOGEN_ERROR_NULL_POINTER, {"initializer"}, {},
                [&](halogen_error *error) { return halogen_initialize(context(), nullptr, 0, 0, &view.dl, error); });
  check_refused("no tensor", HALOGEN_ERROR_NULL_POINTER, {"tensor"}, {},
                [&](halogen_error *error) { return halogen_initialize(context(), &one, 0, 0, nullptr, error); });
  refused("struct_size", HALOGEN_INITIALIZER_ONE, HALOGEN_ERROR_STRUCT_SIZE, {"initializer", "3"},
          [](halogen_initializer &i, TensorView &) { i.struct_size = 3; });
  halogen_initializer made;
  check_refused("init of nothing", HALOGEN_ERROR_NULL_POINTER, {"initializer"}, {}, [&](halogen_error *error) {
    return halogen_initializer_init(nullptr, sizeof made, HALOGEN_INITIALIZER_ONE, error);
  });
  check_refused("init of 3 bytes", HALOGEN_ERROR_STRUCT_SIZE, {"struct_size", "3"}, {}, [&](halogen_error *error) {
    return halogen_initializer_init(&made, 3, HALOGEN_INITIALIZER_ONE, error);
  });
  for (const int32_t kind : {-1, 10}) {
    check_refused("init of no kind", HALOGEN_ERROR_ARGUMENT, {"kind", std::to_string(kind)}, {},
                  [&](halogen_error *error) {
                    halogen_initializer_kind raw;
                    set_raw(raw, kind);
                    return halogen_initializer_init(&made, sizeof made, raw, error);
                  });
  }
}

TEST_CASE("init: numbers that make no distribution") {
  const auto argument = [](halogen_initializer_kind kind, const char *word,
                           const std::function<void(halogen_initializer &)> &spoil) {
    refused(word, kind, HALOGEN_ERROR_ARGUMENT, {word}, [&](halogen_initializer &i, TensorView &) { spoil(i); });
  };
  for (const int32_t kind : {-1, 10}) {
    argument(HALOGEN_INITIALIZER_ONE, "kind", [=](halogen_initializer &i) { set_raw(i.kind, kind); });
  }
  for (const double bad : {infinity, -infinity, nan}) {
    argument(HALOGEN_INITIALIZER_UNIFORM, "low", [=](halogen_initializer &i) { i.low = bad; });
    argument(HALOGEN_INITIALIZER_UNIFORM, "high", [=](halogen_initializer &i) { i.high = bad; });
    argument(HALOGEN_INITIALIZER_NORMAL, "mean", [=](halogen_initializer &i) { i.mean = bad; });
    argument(HALOGEN_INITIALIZER_NORMAL, "sigma", [=](halogen_initializer &i) { i.sigma = bad; });
    argument(HALOGEN_INITIALIZER_TRUNCATED_NORMAL, "mean", [=](halogen_initializer &i) { i.mean = bad; });
    argument(HALOGEN_INITIALIZER_TRUNCATED_NORMAL, "sigma", [=](halogen_initializer &i) { i.sigma = bad; });
    argument(HALOGEN_INITIALIZER_TRUNCATED_NORMAL, "a", [=](halogen_initializer &i) { i.a = bad; });
    argument(HALOGEN_INITIALIZER_TRUNCATED_NORMAL, "b", [=](halogen_initializer &i) { i.b = bad; });
    argument(HALOGEN_INITIALIZER_HE_NORMAL, "negative_slope", [=](halogen_initializer &i) { i.negative_slope = bad; });
    argument(HALOGEN_INITIALIZER_XAVIER_UNIFORM, "gain", [=](halogen_initializer &i) { i.gain = bad; });
  }
  argument(HALOGEN_INITIALIZER_NORMAL, "sigma", [](halogen_initializer &i) { i.sigma = -1; });
  argument(HALOGEN_INITIALIZER_UNIFORM, "interval", [](halogen_initializer &i) { i.low = 1; });
  argument(HALOGEN_INITIALIZER_UNIFORM, "interval", [](halogen_initializer &i) { i.low = -(i.high = 1e308); });
  argument(HALOGEN_INITIALIZER_TRUNCATED_NORMAL, "interval", [](halogen_initializer &i) { i.a = 3; });
  argument(HALOGEN_INITIALIZER_TRUNCATED_NORMAL, "probability", [](halogen_initializer &i) { i.a = i.b; });
  argument(HALOGEN_INITIALIZER_TRUNCATED_NORMAL, "probability", [](halogen_initializer &i) {
    i.a = 40;
    i.b = 50;
  });
  for (const halogen_initializer_kind kind : {HALOGEN_INITIALIZER_HE_UNIFORM, HALOGEN_INITIALIZER_HE_NORMAL}) {
    argument(kind, "fan", [](halogen_initializer &i) { set_raw(i.fan, 2); });
    argument(kind, "nonlinearity", [](halogen_initializer &i) { set_raw(i.nonlinearity, 5); });
  }
}

TEST_CASE("init: tensors that cannot be filled") {
  const auto normal = [](const char *what, halogen_status status, const std::vector<std::string> &words,
                         const std::function<void(TensorView &)> &spoil) {
    refused(what, HALOGEN_INITIALIZER_NORMAL, status, words,
            [&](halogen_initializer &, TensorView &view) { spoil(view); });
  };
  normal("no data", HALOGEN_ERROR_NULL_POINTER, {"tensor"}, [](TensorView &v) { v.dl.data = nullptr; });
  normal("integers", HALOGEN_ERROR_DTYPE, {"tensor", "int64"}, [](TensorView &v) { v.dl.dtype = int64_type; });
  normal("gaps", HALOGEN_ERROR_LAYOUT, {"tensor", "contiguous"}, [](TensorView &v) { v.set_strides({1, 2}); });
  normal("a GPU's", HALOGEN_ERROR_DEVICE, {"tensor", "CPU"}, [](TensorView &v) { v.dl.device.device_type = kDLCUDA; });
  normal("negative", HALOGEN_ERROR_SHAPE, {"tensor", "-3"}, [](TensorView &v) { v.set_shape({-3}); });
  for (const halogen_initializer_kind kind :
       {HALOGEN_INITIALIZER_HE_UNIFORM, HALOGEN_INITIALIZER_HE_NORMAL, HALOGEN_INITIALIZER_XAVIER_UNIFORM}) {
    for (const auto &shape : {std::vector<int64_t>{}, std::vector<int64_t>{6}}) {
      refused("no fans", kind, HALOGEN_ERROR_RANK, {"'fan_in' and 'fan_out' can not be computed for tensor with fewer"},
              [&](halogen_initializer &, TensorView &view) { view.set_shape(shape); });
    }
  }
}

TEST_CASE("init: a given tensor of another kind") {
  float own[6] = {};
  const auto given = [&](const char *what, halogen_status status, const std::vector<std::string> &words,
                         const std::function<void(TensorView &)> &spoil) {
    TensorView from(own, {2, 3});
    spoil(from);
    refused(what, HALOGEN_INITIALIZER_TENSOR, status, words,
            [&](halogen_initializer &i, TensorView &) { i.tensor = &from.dl; });
  };
  refused("none", HALOGEN_INITIALIZER_TENSOR, HALOGEN_ERROR_NULL_POINTER, {"initializer.tensor"},
          [](halogen_initializer &, TensorView &) {});
  refused("itself", HALOGEN_INITIALIZER_TENSOR, HALOGEN_ERROR_OVERLAP, {"initializer.tensor"},
          [](halogen_initializer &i, TensorView &view) { i.tensor = &view.dl; });
  given("shape", HALOGEN_ERROR_SHAPE, {"(2, 3)", "(3, 2)"}, [](TensorView &v) { v.set_shape({3, 2}); });
  given("rank", HALOGEN_ERROR_SHAPE, {"(2, 3)", "(6)"}, [](TensorView &v) { v.set_shape({6}); });
  given("dtype", HALOGEN_ERROR_DTYPE, {"float32", "float16"}, [](TensorView &v) { v.dl.dtype = float16; });
  given("device", HALOGEN_ERROR_DEVICE, {"CPU"}, [](TensorView &v) { v.dl.device.device_type = kDLCUDA; });
  given("strides", HALOGEN_ERROR_LAYOUT, {"contiguous"}, [](TensorView &v) { v.set_strides({1, 2}); });
}

TEST_SUITE_END();
