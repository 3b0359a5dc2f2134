// Misused calls of halogen/moments.h, and of the fields of halogen/ops.h that it speaks of.
#include <halogen/moments.h>

#include <doctest/doctest.h>

#include "support/misuse.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** Valid calls of both functions, and of a part's forward and backward pass. */
struct ValidCalls {
  ValidCalls()
      : data(240, 1.5f),
        gradient(240, 1.0f),
        result(240, -1.0f),
        statistics(18, 2.0),
        gathered(36, 2.0),
        sum(12, 0.5),
        running(6, 1.0f),
        x(data.data(), {2, 6, 4, 5}),
        dy(gradient.data(), {2, 6, 4, 5}),
        y(result.data(), {2, 6, 4, 5}),
        moments(statistics.data(), {3, 6}, float64),
        parts(gathered.data(), {2, 3, 6}, float64),
        sums(sum.data(), {2, 6}, float64),
        vector(running.data(), {6}) {
    of.input = &x.dl;
    of.moments = &moments.dl;
    merge.parts = &parts.dl;
    merge.moments = &moments.dl;
    forward.scope = HALOGEN_NORM_SCOPE_BATCH;
    forward.input = &x.dl;
    forward.output = &y.dl;
    forward.moments = &moments.dl;
    forward.eps = 1e-5;
    backward.scope = HALOGEN_NORM_SCOPE_BATCH;
    backward.input = &x.dl;
    backward.grad_output = &dy.dl;
    backward.grad_input = &y.dl;
    backward.moments = &moments.dl;
    backward.sums = &sums.dl;
    backward.eps = 1e-5;
  }
  ValidCalls(const ValidCalls &) = delete;
  ValidCalls &operator=(const ValidCalls &) = delete;

  std::vector<Watched> watched() {
    return {{"result", result.data(), result.size() * sizeof(float)},
            {"moments", statistics.data(), statistics.size() * sizeof(double)},
            {"parts", gathered.data(), gathered.size() * sizeof(double)},
            {"sums", sum.data(), sum.size() * sizeof(double)},
            {"vector", running.data(), running.size() * sizeof(float)}};
  }

  std::vector<float> data, gradient, result;
  std::vector<double> statistics, gathered, sum;
  std::vector<float> running;
  TensorView x, dy, y, moments, parts, sums, vector;
  halogen_norm_moments_args of = HALOGEN_NORM_MOMENTS_ARGS_INIT;
  halogen_norm_merge_moments_args merge = HALOGEN_NORM_MERGE_MOMENTS_ARGS_INIT;
  halogen_norm_args forward = HALOGEN_NORM_ARGS_INIT;
  halogen_norm_backward_args backward = HALOGEN_NORM_BACKWARD_ARGS_INIT;
};

using Change = std::function<void(ValidCalls &)>;
using Run = halogen_status (*)(halogen_context *, ValidCalls &, halogen_error *);

halogen_status moments_of(halogen_context *context, ValidCalls &c, halogen_error *error) {
  return halogen_norm_moments(context, &c.of, error);
}
halogen_status merge(halogen_context *context, ValidCalls &c, halogen_error *error) {
  return halogen_norm_merge_moments(context, &c.merge, error);
}
halogen_status forward(halogen_context *context, ValidCalls &c, halogen_error *error) {
  return halogen_norm_forward(context, &c.forward, error);
}
halogen_status backward(halogen_context *context, ValidCalls &c, halogen_error *error) {
  return halogen_norm_backward(context, &c.backward, error);
}

void refused(Run run, const std::string &what, halogen_status status, const std::vector<std::string> &words,
             const Change &spoil) {
  ValidCalls calls;
  spoil(calls);
  check_refused(what, status, words, calls.watched(),
                [&](halogen_error *error) { return run(context_of(variants()[0]), calls, error); });
}

/** What is wrong with a tensor (3, C) or (2, C) of float64 is so wherever it is. */
void refused_tensor(Run run, const std::string &name, TensorView ValidCalls::*tensor) {
  refused(run, name + " of float32", HALOGEN_ERROR_DTYPE, {name, "float64", "float32"},
          [=](ValidCalls &c) { (c.*tensor).dl.dtype = float32; });
  refused(run, name + " of other channels", HALOGEN_ERROR_SHAPE, {name}, [=](ValidCalls &c) {
    (c.*tensor).set_shape({(c.*tensor).shape()[0], 5});
  });
  refused(run, name + " of other rows", HALOGEN_ERROR_SHAPE, {name}, [=](ValidCalls &c) {
    (c.*tensor).set_shape({1, 6});
  });
  refused(run, name + " with gaps", HALOGEN_ERROR_LAYOUT, {name}, [=](ValidCalls &c) {
    (c.*tensor).set_strides({1, 3});
  });
  refused(run, name + " without data", HALOGEN_ERROR_NULL_POINTER, {name},
          [=](ValidCalls &c) { (c.*tensor).dl.data = nullptr; });
  refused(run, name + " elsewhere", HALOGEN_ERROR_DEVICE, {name}, [=](ValidCalls &c) {
    (c.*tensor).dl.device = {kDLCUDA, 0};
  });
}

}  // namespace

TEST_SUITE("errors") {
  TEST_CASE("moments: valid calls are valid") {
    for (const Run run : {moments_of, merge, forward, backward}) {
      ValidCalls calls;
      halogen_error error = HALOGEN_ERROR_INIT;
      CHECK_MESSAGE(run(context_of(variants()[0]), calls, &error) == HALOGEN_OK, error.message);
    }
  }

  TEST_CASE("moments: NULL, struct_size") {
    halogen_context *context = context_of(variants()[0]);
    ValidCalls calls;
    const auto watched = calls.watched();
    check_refused("context", HALOGEN_ERROR_NULL_POINTER, {"context"}, watched,
                  [&](halogen_error *error) { return halogen_norm_moments(nullptr, &calls.of, error); });
    check_refused("args", HALOGEN_ERROR_NULL_POINTER, {"args"}, watched,
                  [&](halogen_error *error) { return halogen_norm_moments(context, nullptr, error); });
    check_refused("merge's context", HALOGEN_ERROR_NULL_POINTER, {"context"}, watched,
                  [&](halogen_error *error) { return halogen_norm_merge_moments(nullptr, &calls.merge, error); });
    check_refused("merge's args", HALOGEN_ERROR_NULL_POINTER, {"args"}, watched,
                  [&](halogen_error *error) { return halogen_norm_merge_moments(context, nullptr, error); });
    static halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    info.struct_size = 1;
    refused(moments_of, "struct_size", HALOGEN_ERROR_STRUCT_SIZE, {"struct_size"},
            [](ValidCalls &c) { c.of.struct_size = 3; });
    refused(merge, "struct_size", HALOGEN_ERROR_STRUCT_SIZE, {"struct_size"},
            [](ValidCalls &c) { c.merge.struct_size = 3; });
    refused(moments_of, "ran", HALOGEN_ERROR_STRUCT_SIZE, {"struct_size"}, [](ValidCalls &c) { c.of.ran = &info; });
    refused(merge, "ran", HALOGEN_ERROR_STRUCT_SIZE, {"struct_size"}, [](ValidCalls &c) { c.merge.ran = &info; });
    refused(moments_of, "input", HALOGEN_ERROR_NULL_POINTER, {"input"}, [](ValidCalls &c) { c.of.input = nullptr; });
    refused(moments_of, "moments", HALOGEN_ERROR_NULL_POINTER, {"moments"},
            [](ValidCalls &c) { c.of.moments = nullptr; });
    refused(merge, "parts", HALOGEN_ERROR_NULL_POINTER, {"parts"}, [](ValidCalls &c) { c.merge.parts = nullptr; });
    refused(merge, "moments", HALOGEN_ERROR_NULL_POINTER, {"moments"},
            [](ValidCalls &c) { c.merge.moments = nullptr; });
    refused(moments_of, "layout", HALOGEN_ERROR_ARGUMENT, {"layout"}, [](ValidCalls &c) { set_raw(c.of.layout, 2); });
  }

  TEST_CASE("moments: tensors") {
    for (const Run run : {moments_of, merge, forward, backward}) refused_tensor(run, "moments", &ValidCalls::moments);
    refused_tensor(backward, "sums", &ValidCalls::sums);
    refused(merge, "parts of another rank", HALOGEN_ERROR_SHAPE, {"parts", "(parts, 3, C)"}, [](ValidCalls &c) {
      c.parts.set_shape({6, 6});
    });
    refused(merge, "parts of two rows", HALOGEN_ERROR_SHAPE, {"parts", "(parts, 3, C)"}, [](ValidCalls &c) {
      c.parts.set_shape({3, 2, 6});
    });
    refused(merge, "parts of float32", HALOGEN_ERROR_DTYPE, {"parts", "float64"},
            [](ValidCalls &c) { c.parts.dl.dtype = float32; });
    refused(merge, "parts that are the result", HALOGEN_ERROR_OVERLAP, {"moments", "parts"},
            [](ValidCalls &c) { c.moments.dl.data = c.gathered.data(); });
    refused(moments_of, "moments over the input", HALOGEN_ERROR_OVERLAP, {"moments", "input"},
            [](ValidCalls &c) { c.moments.dl.data = c.data.data(); });
    refused(forward, "moments under the output", HALOGEN_ERROR_OVERLAP, {"output", "moments"},
            [](ValidCalls &c) { c.moments.dl.data = c.result.data(); });
    refused(backward, "part_sums over moments", HALOGEN_ERROR_OVERLAP, {"part_sums", "moments"}, [](ValidCalls &c) {
      c.backward.grad_input = c.backward.sums = nullptr;
      c.backward.part_sums = &c.sums.dl;
      c.sums.dl.data = c.statistics.data();
    });
  }

  TEST_CASE("moments: beside what they exclude, without what they need") {
    for (const halogen_norm_scope scope : {HALOGEN_NORM_SCOPE_INSTANCE, HALOGEN_NORM_SCOPE_GROUP}) {
      refused(forward, "scope", HALOGEN_ERROR_ARGUMENT, {"moments", "scope batch"},
              [=](ValidCalls &c) { c.forward.scope = scope; });
      refused(backward, "scope", HALOGEN_ERROR_ARGUMENT, {"moments", "scope batch"},
              [=](ValidCalls &c) { c.backward.scope = scope; });
    }
    refused(forward, "mean", HALOGEN_ERROR_ARGUMENT, {"mean", "moments"},
            [](ValidCalls &c) { c.forward.mean = c.forward.var = &c.vector.dl; });
    refused(backward, "mean", HALOGEN_ERROR_ARGUMENT, {"mean", "moments"},
            [](ValidCalls &c) { c.backward.mean = c.backward.var = &c.vector.dl; });
    refused(backward, "saved_mean", HALOGEN_ERROR_ARGUMENT, {"saved_mean", "moments"},
            [](ValidCalls &c) { c.backward.saved_mean = c.backward.saved_rstd = &c.vector.dl; });
    refused(backward, "sums without moments", HALOGEN_ERROR_NULL_POINTER, {"moments", "sums"},
            [](ValidCalls &c) { c.backward.moments = nullptr; });
    refused(backward, "part_sums without moments", HALOGEN_ERROR_NULL_POINTER, {"moments", "part_sums"},
            [](ValidCalls &c) {
              c.backward.moments = c.backward.sums = nullptr;
              c.backward.part_sums = &c.sums.dl;
            });
    refused(backward, "both sums", HALOGEN_ERROR_ARGUMENT, {"sums", "part_sums"},
            [](ValidCalls &c) { c.backward.part_sums = &c.sums.dl; });
    refused(backward, "grad_input without sums", HALOGEN_ERROR_NULL_POINTER, {"sums", "grad_input"},
            [](ValidCalls &c) { c.backward.sums = nullptr; });
  }
}
