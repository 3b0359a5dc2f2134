// Misused calls of halogen_norm_backward() and its query: each thing that can be wrong is refused by its own status, with nothing
// touched.
#include <doctest/doctest.h>

#include <limits>

#include "support/misuse.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** A valid call with every tensor: scope batch, statistics saved, leaky relu. */
struct ValidCall {
  ValidCall() {
    for (auto *memory : {&input, &grad_output, &output, &grad_input, &grad_residual}) memory->assign(240 + 64, 1.5f);
    for (auto *memory : {&weight, &mean, &spread, &grad_weight, &grad_bias}) memory->assign(6 + 16, 0.5f);
    const std::vector<int64_t> shape{2, 6, 4, 5};
    x = TensorView(input.data(), shape);
    dy = TensorView(grad_output.data(), shape);
    y = TensorView(output.data(), shape);
    dx = TensorView(grad_input.data(), shape);
    dr = TensorView(grad_residual.data(), shape);
    w = TensorView(weight.data(), {6});
    m = TensorView(mean.data(), {6});
    s = TensorView(spread.data(), {6});
    dw = TensorView(grad_weight.data(), {6});
    db = TensorView(grad_bias.data(), {6});
    args.scope = HALOGEN_NORM_SCOPE_BATCH;
    args.input = &x.dl;
    args.grad_output = &dy.dl;
    args.weight = &w.dl;
    args.saved_mean = &m.dl;
    args.saved_rstd = &s.dl;
    args.activation = HALOGEN_ACTIVATION_LEAKY_RELU;
    args.negative_slope = 0.1;
    args.output = &y.dl;
    args.grad_input = &dx.dl;
    args.grad_residual = &dr.dl;
    args.grad_weight = &dw.dl;
    args.grad_bias = &db.dl;
    args.eps = 1e-5;
  }
  ValidCall(const ValidCall &) = delete;
  ValidCall &operator=(const ValidCall &) = delete;

  std::vector<Watched> watched() {
    std::vector<Watched> all;
    for (auto *memory : {&grad_input, &grad_residual, &grad_weight, &grad_bias, &input, &grad_output}) {
      all.push_back({"a tensor", memory->data(), memory->size() * sizeof(float)});
    }
    return all;
  }

  std::vector<float> input, grad_output, output, grad_input, grad_residual, weight, mean, spread, grad_weight,
      grad_bias;
  TensorView x, dy, y, dx, dr, w, m, s, dw, db;
  halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
};

using Change = std::function<void(ValidCall &)>;

void refused(const std::string &what, halogen_status status, const std::vector<std::string> &words, const Change &spoil,
             bool by_query = true) {
  ValidCall call;
  spoil(call);
  halogen_context *context = context_of(variants()[0]);
  check_refused("backward: " + what, status, words, call.watched(),
                [&](halogen_error *error) { return halogen_norm_backward(context, &call.args, error); });
  if (!by_query) return;
  check_refused("query: " + what, status, words, call.watched(), [&](halogen_error *error) {
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    return halogen_norm_backward_query(context, &call.args, &info, error);
  });
}

void accepted(const std::string &what, const Change &change) {
  ValidCall call;
  change(call);
  halogen_error error = HALOGEN_ERROR_INIT;
  const halogen_status status = halogen_norm_backward(context_of(variants()[0]), &call.args, &error);
  CHECK_MESSAGE(status == HALOGEN_OK, what, ": ", error.message);
}

const std::vector<std::pair<std::string, TensorView ValidCall::*>> data_tensors{{"input", &ValidCall::x},
                                                                                {"grad_output", &ValidCall::dy},
                                                                                {"output", &ValidCall::y},
                                                                                {"grad_input", &ValidCall::dx},
                                                                                {"grad_residual", &ValidCall::dr}};
const std::vector<std::pair<std::string, TensorView ValidCall::*>> vectors{{"weight", &ValidCall::w},
                                                                           {"saved_mean", &ValidCall::m},
                                                                           {"saved_rstd", &ValidCall::s},
                                                                           {"grad_weight", &ValidCall::dw},
                                                                           {"grad_bias", &ValidCall::db}};

}  // namespace

TEST_SUITE("errors") {
  TEST_CASE("backward: NULL, struct_size") {
    halogen_context *context = context_of(variants()[0]);
    ValidCall call;
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    check_refused("context", HALOGEN_ERROR_NULL_POINTER, {"context"}, {},
                  [&](halogen_error *error) { return halogen_norm_backward(nullptr, &call.args, error); });
    check_refused("args", HALOGEN_ERROR_NULL_POINTER, {"args"}, {},
                  [&](halogen_error *error) { return halogen_norm_backward(context, nullptr, error); });
    check_refused("query's context", HALOGEN_ERROR_NULL_POINTER, {"context"}, {},
                  [&](halogen_error *error) { return halogen_norm_backward_query(nullptr, &call.args, &info, error); });
    check_refused("query's args", HALOGEN_ERROR_NULL_POINTER, {"args"}, {},
                  [&](halogen_error *error) { return halogen_norm_backward_query(context, nullptr, &info, error); });
    check_refused("query's info", HALOGEN_ERROR_NULL_POINTER, {"info"}, {}, [&](halogen_error *error) {
      return halogen_norm_backward_query(context, &call.args, nullptr, error);
    });
    refused("input", HALOGEN_ERROR_NULL_POINTER, {"input"}, [](ValidCall &c) { c.args.input = nullptr; });
    refused("grad_output", HALOGEN_ERROR_NULL_POINTER, {"grad_output"},
            [](ValidCall &c) { c.args.grad_output = nullptr; });
    refused("output with an activation", HALOGEN_ERROR_NULL_POINTER, {"output"},
            [](ValidCall &c) { c.args.output = nullptr; });
    refused("struct_size", HALOGEN_ERROR_STRUCT_SIZE, {"struct_size"}, [](ValidCall &c) { c.args.struct_size = 3; });
    info.struct_size = 1;
    call.args.ran = &info;
    check_refused("ran", HALOGEN_ERROR_STRUCT_SIZE, {"struct_size"}, call.watched(),
                  [&](halogen_error *error) { return halogen_norm_backward(context, &call.args, error); });
    for (const auto &[name, member] : data_tensors) {
      const auto tensor = member;
      refused(
          name + " without data", HALOGEN_ERROR_NULL_POINTER, {name},
          [=](ValidCall &c) { (c.*tensor).dl.data = nullptr; }, false);
    }
  }

  TEST_CASE("backward: scalars, enums, pairs") {
    refused("scope", HALOGEN_ERROR_ARGUMENT, {"scope"}, [](ValidCall &c) { set_raw(c.args.scope, 7); });
    refused("path", HALOGEN_ERROR_ARGUMENT, {"path"}, [](ValidCall &c) { set_raw(c.args.path, 9); });
    refused("layout", HALOGEN_ERROR_ARGUMENT, {"layout"}, [](ValidCall &c) { set_raw(c.args.layout, 2); });
    refused("activation", HALOGEN_ERROR_ARGUMENT, {"activation"}, [](ValidCall &c) { set_raw(c.args.activation, 3); });
    refused("num_groups", HALOGEN_ERROR_ARGUMENT, {"num_groups"}, [](ValidCall &c) { c.args.num_groups = 2; });
    for (const double eps : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
      refused("eps", HALOGEN_ERROR_ARGUMENT, {"eps"}, [=](ValidCall &c) { c.args.eps = eps; });
    }
    for (const double slope : {-0.1, std::numeric_limits<double>::infinity()}) {
      refused("negative_slope", HALOGEN_ERROR_ARGUMENT, {"negative_slope"},
              [=](ValidCall &c) { c.args.negative_slope = slope; });
    }
    refused("a slope without leaky relu", HALOGEN_ERROR_ARGUMENT, {"negative_slope"},
            [](ValidCall &c) { c.args.activation = HALOGEN_ACTIVATION_RELU; });
    refused("saved_mean alone", HALOGEN_ERROR_ARGUMENT, {"saved_mean", "saved_rstd"},
            [](ValidCall &c) { c.args.saved_rstd = nullptr; });
    refused("var alone", HALOGEN_ERROR_ARGUMENT, {"mean", "var"}, [](ValidCall &c) {
      c.args.saved_mean = c.args.saved_rstd = nullptr;
      c.args.var = &c.s.dl;
    });
    refused("given and saved statistics", HALOGEN_ERROR_ARGUMENT, {"saved_mean"}, [](ValidCall &c) {
      c.args.mean = &c.m.dl;
      c.args.var = &c.s.dl;
    });
    refused("row path with groups", HALOGEN_ERROR_UNSUPPORTED, {"groups"}, [](ValidCall &c) {
      c.args.scope = HALOGEN_NORM_SCOPE_GROUP;
      c.args.num_groups = 3;
      c.args.saved_mean = c.args.saved_rstd = nullptr;
      c.args.path = HALOGEN_NORM_PATH_ROW;
    });
  }

  TEST_CASE("backward: shapes, types, devices, strides") {
    for (size_t i = 1; i < data_tensors.size(); ++i) {
      const auto [name, member] = data_tensors[i];
      const auto tensor = member;
      refused(name + " of another rank", HALOGEN_ERROR_RANK, {name}, [=](ValidCall &c) {
        (c.*tensor).set_shape({2, 6, 20});
      });
      refused(name + " of another shape", HALOGEN_ERROR_SHAPE, {name, "(2, 6, 5, 4)"}, [=](ValidCall &c) {
        (c.*tensor).set_shape({2, 6, 5, 4});
      });
      refused(name + " of float16", HALOGEN_ERROR_DTYPE, {name, "float16"},
              [=](ValidCall &c) { (c.*tensor).dl.dtype = float16; });
      refused(name + " elsewhere", HALOGEN_ERROR_DEVICE, {name}, [=](ValidCall &c) {
        (c.*tensor).dl.device = {kDLCUDA, 0};
      });
    }
    for (const auto &[name, member] : vectors) {
      const auto tensor = member;
      refused(name + " of 5 values", HALOGEN_ERROR_SHAPE, {name, "6", "5"},
              [=](ValidCall &c) { (c.*tensor).set_shape({5}); });
      refused(name + " of float64", HALOGEN_ERROR_DTYPE, {name, "float64"},
              [=](ValidCall &c) { (c.*tensor).dl.dtype = float64; });
      refused(name + " strided", HALOGEN_ERROR_LAYOUT, {name}, [=](ValidCall &c) { (c.*tensor).set_strides({2}); });
    }
    refused("saved statistics of instances", HALOGEN_ERROR_SHAPE, {"saved_mean", "(2, 6)"},
            [](ValidCall &c) { c.args.scope = HALOGEN_NORM_SCOPE_INSTANCE; });
    refused("grad_input that shares elements", HALOGEN_ERROR_OVERLAP, {"grad_input"}, [](ValidCall &c) {
      c.dx.set_strides({120, 20, 5, 0});
    });
  }

  TEST_CASE("backward: what is written overlaps nothing, but for what it may be") {
    for (const auto &[name, member] : data_tensors) {
      const auto other = member;
      if (other != &ValidCall::dx) {
        refused("grad_input one element into " + name, HALOGEN_ERROR_OVERLAP, {"grad_input"},
                [=](ValidCall &c) { c.dx.dl.data = static_cast<float *>((c.*other).dl.data) + 1; });
      }
    }
    refused("grad_input is output", HALOGEN_ERROR_OVERLAP, {"grad_input", "output"},
            [](ValidCall &c) { c.dx.dl.data = c.y.dl.data; });
    refused("grad_residual is input", HALOGEN_ERROR_OVERLAP, {"grad_residual", "input"},
            [](ValidCall &c) { c.dr.dl.data = c.x.dl.data; });
    refused("grad_residual is grad_input", HALOGEN_ERROR_OVERLAP, {"grad_"},
            [](ValidCall &c) { c.dr.dl.data = c.dx.dl.data; });
    refused(
        "grad_weight is grad_bias", HALOGEN_ERROR_OVERLAP, {"grad_"}, [](ValidCall &c) { c.dw.dl.data = c.db.dl.data; },
        false);
    refused(
        "grad_weight is weight", HALOGEN_ERROR_OVERLAP, {"weight"}, [](ValidCall &c) { c.dw.dl.data = c.w.dl.data; },
        false);
    refused(
        "grad_bias in input", HALOGEN_ERROR_OVERLAP, {"grad_bias"}, [](ValidCall &c) { c.db.dl.data = c.x.dl.data; },
        false);
    accepted("grad_input is input", [](ValidCall &c) { c.dx.dl.data = c.x.dl.data; });
    accepted("grad_input is grad_output", [](ValidCall &c) { c.dx.dl.data = c.dy.dl.data; });
    accepted("grad_residual is grad_output", [](ValidCall &c) { c.dr.dl.data = c.dy.dl.data; });
    accepted("nothing is asked for", [](ValidCall &c) {
      c.args.grad_input = c.args.grad_residual = c.args.grad_weight = c.args.grad_bias = nullptr;
    });
  }
}
