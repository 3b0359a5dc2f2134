// halogen_norm_forward() and halogen_norm_query(): missing pointers, scalars, enums, paths. Tensors: errors_tensors_test.cpp.
#include <doctest/doctest.h>

#include <limits>

#include "support/norm_misuse.h"

using namespace halogen_tests;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double inf_value = std::numeric_limits<double>::infinity();

}  // namespace

TEST_SUITE("errors") {
  TEST_CASE("norm: what the misuses are made from is valid") {
    accepted("affine with running", [](NormCall &) {});
    accepted(
        "given", [](NormCall &) {}, with_given());
  }

  TEST_CASE("norm: null pointers") {
    ValidMemory valid(affine_with_running());
    NormCall call(affine_with_running(), valid.memory());
    halogen_context *context = context_of(variants()[0]);
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    const auto null = [&](const char *what, const char *word,
                          const std::function<halogen_status(halogen_error *)> &run) {
      check_refused(what, HALOGEN_ERROR_NULL_POINTER, {word}, valid.watched(), run);
    };
    null("context", "context", [&](halogen_error *e) { return halogen_norm_forward(nullptr, &call.args, e); });
    null("context", "context", [&](halogen_error *e) { return halogen_norm_query(nullptr, &call.args, &info, e); });
    null("args", "args", [&](halogen_error *e) { return halogen_norm_forward(context, nullptr, e); });
    null("args", "args", [&](halogen_error *e) { return halogen_norm_query(context, nullptr, &info, e); });
    null("info", "info", [&](halogen_error *e) { return halogen_norm_query(context, &call.args, nullptr, e); });
    refused("no input", HALOGEN_ERROR_NULL_POINTER, {"input"}, [](NormCall &c) { c.args.input = nullptr; });
    refused("no output", HALOGEN_ERROR_NULL_POINTER, {"output"}, [](NormCall &c) { c.args.output = nullptr; });
    for (const auto &[name, member] : tensors()) {
      const auto tensor = member;
      refused(name + " has no shape", HALOGEN_ERROR_NULL_POINTER, {name},
              [=](NormCall &c) { (c.*tensor).dl.shape = nullptr; });
      refused(
          name + " has no data", HALOGEN_ERROR_NULL_POINTER, {name},
          [=](NormCall &c) { (c.*tensor).dl.data = nullptr; }, By::forward);
    }
    refused(
        "mean without var", HALOGEN_ERROR_ARGUMENT, {"var"}, [](NormCall &c) { c.args.var = nullptr; }, By::both,
        with_given());
    refused(
        "var without mean", HALOGEN_ERROR_ARGUMENT, {"mean"}, [](NormCall &c) { c.args.mean = nullptr; }, By::both,
        with_given());
    refused("running_mean alone", HALOGEN_ERROR_ARGUMENT, {"running_var"},
            [](NormCall &c) { c.args.running_var = nullptr; });
    refused("running_var alone", HALOGEN_ERROR_ARGUMENT, {"running_mean"},
            [](NormCall &c) { c.args.running_mean = nullptr; });
  }

  TEST_CASE("norm: scalars and enums") {
    for (const double eps : {-1e-5, -inf_value, inf_value, nan_value}) {
      refused("eps", HALOGEN_ERROR_ARGUMENT, {"eps"}, [=](NormCall &c) { c.args.eps = eps; });
    }
    for (const double weight : {-0.1, 1.1, nan_value, inf_value}) {
      refused("running_weight", HALOGEN_ERROR_ARGUMENT, {"running_weight"},
              [=](NormCall &c) { c.args.running_weight = weight; });
    }
    for (const int scope : {0, 4, -1}) {
      refused("scope", HALOGEN_ERROR_ARGUMENT, {"scope", std::to_string(scope)},
              [=](NormCall &c) { set_raw(c.args.scope, scope); });
    }
    for (const int path : {4, -1}) {
      refused("path", HALOGEN_ERROR_ARGUMENT, {"path", std::to_string(path)},
              [=](NormCall &c) { set_raw(c.args.path, path); });
    }
    NormProblem group = affine_with_running();
    group.running = Running::none;
    group.scope = HALOGEN_NORM_SCOPE_GROUP;
    for (const int groups : {0, -1, 4, 5, 7, 12}) {
      refused(
          "num_groups that does not divide C", HALOGEN_ERROR_GROUPS, {"num_groups", "6", std::to_string(groups)},
          [=](NormCall &c) { c.args.num_groups = groups; }, By::both, group);
    }
    refused("num_groups with scope batch", HALOGEN_ERROR_ARGUMENT, {"num_groups"},
            [](NormCall &c) { c.args.num_groups = 2; });
    refused("running statistics with scope group", HALOGEN_ERROR_ARGUMENT, {"running"}, [](NormCall &c) {
      c.args.scope = HALOGEN_NORM_SCOPE_GROUP;
      c.args.num_groups = 2;
    });
    refused("running statistics with given ones", HALOGEN_ERROR_ARGUMENT, {"running"}, [](NormCall &c) {
      c.args.mean = &c.mean.dl;
      c.args.var = &c.var.dl;
    });
    accepted("eps 0", [](NormCall &c) { c.args.eps = 0; });
    accepted("running_weight 0", [](NormCall &c) { c.args.running_weight = 0; });
    accepted("running_weight 1", [](NormCall &c) { c.args.running_weight = 1; });
  }

  TEST_CASE("norm: a path that does not fit says why, by query as well") {
    ValidMemory valid(affine_with_running());
    NormCall call(affine_with_running(), valid.memory(), HALOGEN_NORM_PATH_ROW);
    call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
    call.input.set_shape({2, 4, 5, 6});
    call.output.set_shape({2, 4, 5, 6});
    check_refused(
        "row with channel-last data", HALOGEN_ERROR_UNSUPPORTED, {"row", "channel-last"}, valid.watched(),
        [&](halogen_error *error) { return halogen_norm_forward(context_of(variants()[0]), &call.args, error); });
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    CHECK(halogen_norm_query(context_of(variants()[0]), &call.args, &info, nullptr) == HALOGEN_ERROR_UNSUPPORTED);
    CHECK(std::string(info.kernels).empty());
    CHECK(std::string(info.reason).size() > 10);
  }
}
