// halogen_norm_forward() and halogen_norm_query(): layout, residual, activation, saved statistics, and vectors of 16-bit data.
#include <doctest/doctest.h>

#include <limits>

#include "support/norm_misuse.h"

using namespace halogen_tests;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double inf_value = std::numeric_limits<double>::infinity();

/** Every tensor that a call with its own statistics can have. */
NormProblem with_everything() {
  NormProblem problem = affine_with_running();
  problem.residual = true;
  problem.activation = HALOGEN_ACTIVATION_LEAKY_RELU;
  problem.negative_slope = 0.1;
  problem.saved = true;
  return problem;
}

void refused_of_all(const std::string &what, halogen_status status, const std::vector<std::string> &words,
                    const Spoil &spoil, By by = By::both) {
  refused(what, status, words, spoil, by, with_everything());
}

const std::pair<std::string, TensorView NormCall::*> saved[] = {{"saved_mean", &NormCall::saved_mean},
                                                                {"saved_rstd", &NormCall::saved_rstd}};

}  // namespace

TEST_SUITE("errors") {
  TEST_CASE("norm: a call with everything is valid") {
    accepted(
        "everything", [](NormCall &) {}, with_everything());
    accepted(
        "slope 0", [](NormCall &c) { c.args.negative_slope = 0; }, with_everything());
    accepted(
        "negative slope", [](NormCall &c) { c.args.negative_slope = -2; }, with_everything());
    accepted(
        "output is residual", [](NormCall &c) { c.output.dl.data = c.residual.dl.data; }, with_everything());
    accepted(
        "residual is input: both are only read", [](NormCall &c) { c.residual.dl.data = c.input.dl.data; },
        with_everything());
    accepted(
        "broadcast residual",
        [](NormCall &c) {
          c.residual.set_strides({0, 0, 5, 1});
        },
        with_everything());
  }

  TEST_CASE("norm: layout, activation and slope") {
    for (const int value : {2, -1}) {
      refused_of_all("layout", HALOGEN_ERROR_ARGUMENT, {"layout", std::to_string(value)},
                     [=](NormCall &c) { set_raw(c.args.layout, value); });
    }
    for (const int value : {3, -1}) {
      refused_of_all("activation", HALOGEN_ERROR_ARGUMENT, {"activation", std::to_string(value)},
                     [=](NormCall &c) { set_raw(c.args.activation, value); });
    }
    for (const double slope : {nan_value, inf_value, -inf_value}) {
      refused_of_all("slope", HALOGEN_ERROR_ARGUMENT, {"negative_slope", "finite"},
                     [=](NormCall &c) { c.args.negative_slope = slope; });
    }
    for (const halogen_activation activation : {HALOGEN_ACTIVATION_NONE, HALOGEN_ACTIVATION_RELU}) {
      refused_of_all("a slope that has no effect", HALOGEN_ERROR_ARGUMENT, {"negative_slope", "0.1"},
                     [=](NormCall &c) { c.args.activation = activation; });
    }
    // The same memory under another name of its dimensions has 5 channels.
    refused_of_all("vectors of the other layout's channels", HALOGEN_ERROR_SHAPE, {"weight", "5", "6"},
                   [](NormCall &c) { c.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST; });
  }

  TEST_CASE("norm: residual") {
    refused_of_all("no shape", HALOGEN_ERROR_NULL_POINTER, {"residual"},
                   [](NormCall &c) { c.residual.dl.shape = nullptr; });
    refused_of_all(
        "no data", HALOGEN_ERROR_NULL_POINTER, {"residual"}, [](NormCall &c) { c.residual.dl.data = nullptr; },
        By::forward);
    refused_of_all("rank", HALOGEN_ERROR_RANK, {"residual", "4", "3"}, [](NormCall &c) {
      c.residual.set_shape({2, 6, 20});
    });
    refused_of_all("shape", HALOGEN_ERROR_SHAPE, {"residual", "(2, 6, 5, 4)"}, [](NormCall &c) {
      c.residual.set_shape({2, 6, 5, 4});
    });
    refused_of_all("dtype", HALOGEN_ERROR_DTYPE, {"residual", "float32", "float64"},
                   [](NormCall &c) { c.residual.dl.dtype = float64; });
    refused_of_all("no dtype of ours", HALOGEN_ERROR_DTYPE, {"residual", "int64"},
                   [](NormCall &c) { c.residual.dl.dtype = int64_type; });
    refused_of_all("device", HALOGEN_ERROR_DEVICE, {"residual"}, [](NormCall &c) {
      c.residual.dl.device = {kDLMetal, 0};
    });
    refused_of_all("strides", HALOGEN_ERROR_LAYOUT, {"residual", "-1"}, [](NormCall &c) {
      c.residual.set_strides({120, 20, 5, -1});
    });
    refused_of_all(
        "output is the residual shifted", HALOGEN_ERROR_OVERLAP, {"output", "residual"},
        [](NormCall &c) { c.residual.dl.data = floats(c.output) + 1; }, By::forward);
    refused_of_all(
        "output is the residual with other strides", HALOGEN_ERROR_OVERLAP, {"output", "residual"},
        [](NormCall &c) {
          c.residual.dl.data = c.output.dl.data;
          c.residual.set_strides({120, 1, 30, 6});
        },
        By::forward);
    refused_of_all(
        "running_mean in the residual", HALOGEN_ERROR_OVERLAP, {"running_mean", "residual"},
        [](NormCall &c) { c.running_mean.dl.data = floats(c.residual) + 3; }, By::forward);
  }

  TEST_CASE("norm: saved statistics") {
    refused_of_all("saved_mean alone", HALOGEN_ERROR_ARGUMENT, {"saved_rstd", "saved_mean"},
                   [](NormCall &c) { c.args.saved_rstd = nullptr; });
    refused_of_all("saved_rstd alone", HALOGEN_ERROR_ARGUMENT, {"saved_rstd", "saved_mean"},
                   [](NormCall &c) { c.args.saved_mean = nullptr; });
    refused(
        "of given ones", HALOGEN_ERROR_ARGUMENT, {"saved_mean", "given"},
        [](NormCall &c) {
          c.args.saved_mean = &c.running_mean.dl;
          c.args.saved_rstd = &c.running_var.dl;
        },
        By::both, with_given());
    NormProblem instance = with_everything();
    instance.scope = HALOGEN_NORM_SCOPE_INSTANCE;
    for (const auto &[name, member] : saved) {
      const auto tensor = member;
      refused_of_all(name + " has no shape", HALOGEN_ERROR_NULL_POINTER, {name},
                     [=](NormCall &c) { (c.*tensor).dl.shape = nullptr; });
      refused_of_all(
          name + " has no data", HALOGEN_ERROR_NULL_POINTER, {name},
          [=](NormCall &c) { (c.*tensor).dl.data = nullptr; }, By::forward);
      refused_of_all(name + " of rank 2", HALOGEN_ERROR_RANK, {name, "1", "2"}, [=](NormCall &c) {
        (c.*tensor).set_shape({1, 6});
      });
      refused_of_all(name + " of 5", HALOGEN_ERROR_SHAPE, {name, "6", "5"},
                     [=](NormCall &c) { (c.*tensor).set_shape({5}); });
      refused_of_all(name + " of float64", HALOGEN_ERROR_DTYPE, {name, "float32", "float64"},
                     [=](NormCall &c) { (c.*tensor).dl.dtype = float64; });
      refused_of_all(name + " with stride 2", HALOGEN_ERROR_LAYOUT, {name, "2"},
                     [=](NormCall &c) { (c.*tensor).set_strides({2}); });
      refused_of_all(name + " elsewhere", HALOGEN_ERROR_DEVICE, {name}, [=](NormCall &c) {
        (c.*tensor).dl.device = {kDLMetal, 0};
      });
      for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{{12}, {6, 2}, {2, 5}}) {
        refused(
            name + " of another shape than (N, C)", HALOGEN_ERROR_SHAPE, {name, "(2, 6)"},
            [=](NormCall &c) { (c.*tensor).set_shape(shape); }, By::both, instance);
      }
      for (TensorView NormCall::*other : {&NormCall::output, &NormCall::input, &NormCall::residual, &NormCall::weight,
                                          &NormCall::bias, &NormCall::running_mean, &NormCall::running_var}) {
        refused_of_all(
            name + " over another", HALOGEN_ERROR_OVERLAP, {name},
            [=](NormCall &c) { (c.*tensor).dl.data = (c.*other).dl.data; }, By::forward);
      }
    }
    refused_of_all(
        "both at one place", HALOGEN_ERROR_OVERLAP, {"saved_mean", "saved_rstd"},
        [](NormCall &c) { c.saved_rstd.dl.data = c.saved_mean.dl.data; }, By::forward);
  }

  TEST_CASE("norm: vectors of 16-bit data have its type or float32") {
    for (const DLDataType dtype : {float16, bfloat16}) {
      if (variants_of(dtype).empty()) return;
      NormProblem problem = with_everything();
      problem.dtype = dtype;
      const DLDataType other = same(dtype, float16) ? bfloat16 : float16;
      for (TensorView NormCall::*tensor :
           {&NormCall::weight, &NormCall::bias, &NormCall::running_mean, &NormCall::running_var}) {
        for (const DLDataType wrong : {float64, other, int64_type}) {
          refused(
              "a vector of another type", HALOGEN_ERROR_DTYPE, {"float32", " or "},
              [=](NormCall &c) { (c.*tensor).dl.dtype = wrong; }, By::both, problem);
        }
      }
      refused(
          "running statistics of two types", HALOGEN_ERROR_DTYPE, {"running_var", "running_mean"},
          [](NormCall &c) { c.running_mean.dl.dtype = float32; }, By::both, problem);
      refused(
          "saved in 16 bits", HALOGEN_ERROR_DTYPE, {"saved_mean", "float32"},
          [=](NormCall &c) { c.saved_mean.dl.dtype = dtype; }, By::both, problem);
    }
  }

  TEST_CASE("norm: 16-bit data at a level without kernels for it") {
    for (const Variant &variant : variants()) {
      if (takes(variant, float16)) continue;
      NormProblem problem = affine_with_running();
      problem.dtype = float16;
      ValidMemory valid(problem);
      NormCall call(problem, valid.memory());
      check_refused("float16", HALOGEN_ERROR_UNSUPPORTED, {variant.name}, valid.watched(),
                    [&](halogen_error *error) { return halogen_norm_forward(context_of(variant), &call.args, error); });
    }
  }
}
