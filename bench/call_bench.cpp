#include "call_bench.h"

#include <benchmark/benchmark.h>
#include <halogen/torch.h>

#include <functional>
#include <string>

#include "halogen_objects.h"
#include "register.h"
#include "samples.h"
#include "tensors.h"

namespace halogen_bench {
namespace {

struct Shape {
  int64_t n, c, h, w;
};

void run(benchmark::State &state, const Shape &shape, const std::string &kernels, const std::function<void()> &call) {
  constexpr int kRepetitions = 1000;
  Samples times;
  for (auto _ : state) {
    const double seconds = time_block(kRepetitions, call);
    times.add(seconds);
    state.SetIterationTime(seconds * kRepetitions);
  }
  state.counters["threads"] = 1;
  state.counters["median_s"] = times.median();
  state.counters["min_s"] = times.min();
  state.counters["bytes"] = static_cast<double>(shape.n * shape.c * shape.h * shape.w) * sizeof(float);
  state.SetLabel(kernels);
}

void call_operator(benchmark::State &state, const Shape &shape, halogen_norm_scope scope, const Settings &settings) {
  const Context context = make_context(1, settings.isa);
  const OwnedTensor x({shape.n, shape.c, shape.h, shape.w}, -1.0f, 1.0f / 512);
  const OwnedTensor y({shape.n, shape.c, shape.h, shape.w}, 0, 0);
  const OwnedTensor weight({shape.c}, 0.5f, 1.0f / 1024), bias({shape.c}, -0.5f, 1.0f / 1024);
  halogen_kernel_info ran = {};
  ran.struct_size = sizeof ran;
  halogen_norm_args args = {};
  args.struct_size = sizeof args;
  args.scope = scope;
  args.input = x.dl();
  args.output = y.dl();
  args.weight = weight.dl();
  args.bias = bias.dl();
  args.eps = 1e-5;
  args.path = settings.path;
  halogen_error error = HALOGEN_ERROR_INIT;
  check(halogen_norm_query(context.get(), &args, &ran, &error), error);
  run(state, shape, ran.kernels, [&] { check(halogen_norm_forward(context.get(), &args, &error), error); });
}

void call_module(benchmark::State &state, const Shape &shape, bool training, const Settings &settings) {
  const Context context = make_context(1, settings.isa);
  const OwnedTensor x({shape.n, shape.c, shape.h, shape.w}, -1.0f, 1.0f / 512);
  const OwnedTensor y({shape.n, shape.c, shape.h, shape.w}, 0, 0);
  halogen_error error = HALOGEN_ERROR_INIT;
  halogen_torch_batch_norm_params params;
  check(halogen_torch_batch_norm_params_init(&params, sizeof params, shape.c, &error), error);
  halogen_module *made = nullptr;
  check(halogen_torch_batch_norm2d_create(context.get(), &params, &made, &error), error);
  const Module module(made);
  check(halogen_module_set_training(module.get(), training ? 1 : 0, &error), error);
  halogen_kernel_info ran = {};
  ran.struct_size = sizeof ran;
  check(halogen_module_query(module.get(), x.dl(), y.dl(), &ran, &error), error);
  run(state, shape, ran.kernels,
      [&] { check(halogen_module_forward(module.get(), x.dl(), y.dl(), nullptr, nullptr, &error), error); });
}

}  // namespace

void register_call_benchmarks(const Settings &settings) {
  const Shape shapes[] = {{1, 1, 1, 2}, {1, 4, 4, 4}, {1, 4, 16, 16}};
  for (const Shape &shape : shapes) {
    const std::string text = std::to_string(shape.n) + "x" + std::to_string(shape.c) + "x" + std::to_string(shape.h) +
                             "x" + std::to_string(shape.w);
    for (halogen_norm_scope scope : {HALOGEN_NORM_SCOPE_INSTANCE, HALOGEN_NORM_SCOPE_BATCH}) {
      const char *scope_name = scope == HALOGEN_NORM_SCOPE_INSTANCE ? "instance/" : "batch/";
      register_benchmark("call/halogen_norm_forward/" + (scope_name + text), settings.min_time,
                         [=](benchmark::State &state) { call_operator(state, shape, scope, settings); });
    }
    for (bool training : {false, true}) {
      register_benchmark("call/BatchNorm2d/" + ((training ? "train/" : "eval/") + text), settings.min_time,
                         [=](benchmark::State &state) { call_module(state, shape, training, settings); });
    }
  }
}

}  // namespace halogen_bench
