// Gradients have the same bits for any number of threads: every path in several tasks.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_gradient_call.h"
#include "support/norm_gradient_kernels.h"
#include "support/norm_run.h"
#include "support/random.h"

using namespace halogen_tests;

namespace {

/** A caller's parallel loop, one task after the other, that knows how many tasks its loops had. */
class TaskCounter {
 public:
  explicit TaskCounter(const Variant &variant) {
    options_.isa = variant.isa;
    options_.num_threads = 2;
    options_.parallel_for = run;
    options_.parallel_user = this;
    context_ = std::make_unique<Context>(options_);
  }
  halogen_context *context() const { return context_->get(); }
  void clear() { most_ = 0; }
  /** Of the loop with the most tasks. */
  int32_t most() const { return most_; }

 private:
  static int run(void *user, int32_t count, halogen_task task, void *closure) {
    TaskCounter *self = static_cast<TaskCounter *>(user);
    self->most_ = std::max(self->most_, count);
    for (int32_t i = 0; i < count; ++i) {
      const int code = task(closure, i);
      if (code != 0) return code;
    }
    return 0;
  }

  halogen_context_options options_ = HALOGEN_CONTEXT_OPTIONS_INIT;
  int32_t most_ = 0;
  std::unique_ptr<Context> context_;
};

/** Contexts of a variant that differ in their threads. */
struct Pools {
  explicit Pools(const Variant &variant) : counter(variant) {
    for (const int32_t threads : {1, 2, 3, 7}) {
      // Threads come and go slowly under an emulator.
      if (quick() && threads > 3) continue;
      halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
      options.isa = variant.isa;
      options.num_threads = threads;
      contexts.push_back(std::make_unique<Context>(options));
    }
  }
  std::vector<std::unique_ptr<Context>> contexts;
  TaskCounter counter;
};

Pools &pools_of(const Variant &variant) {
  static std::map<halogen_isa, Pools> all;
  return all.try_emplace(variant.isa, variant).first->second;
}

/** One of each width under an emulator. */
std::vector<DLDataType> dtypes() {
  return quick() ? std::vector<DLDataType>{float32, bfloat16}
                 : std::vector<DLDataType>{float32, float64, float16, bfloat16};
}

/** Numbers that repeat every few thousand: whole megabytes are soon made of them. */
Values repeated(const NormProblem &problem, uint64_t stream, double mean) {
  Random random(stream);
  Values some(4093), values(static_cast<size_t>(element_count(problem.shape)));
  for (double &value : some) value = rounded(random.uniform(mean - 1, mean + 1.2), problem.dtype);
  for (size_t i = 0; i < values.size(); ++i) values[i] = some[i % some.size()];
  return values;
}

GradientData data_of(const NormProblem &problem, uint64_t stream) {
  // Vectors are by the channels and sets of a problem with as many, and few values.
  NormProblem small = problem;
  small.shape = {problem.n(), problem.c()};
  GradientData data(small, stream);
  data.forward.input = repeated(problem, stream + 1, 0.25);
  data.grad_output = repeated(problem, stream + 2, 0);
  data.output = repeated(problem, stream + 3, 0);
  return data;
}

/** One call with every pool; `least` tasks are what it must be to show anything. */
void check_pools(GradientCall &call, const NormProblem &problem, const GradientWish &wish, const Variant &variant,
                 halogen_norm_path path, int32_t least) {
  INFO(variant.name, " path ", path_name(path), " ", describe(problem));
  call.args.path = path;
  Pools &pools = pools_of(variant);
  pools.counter.clear();
  call.spoil();
  REQUIRE_MESSAGE(call.run(pools.counter.context()) == HALOGEN_OK, call.error.message);
  CHECK_MESSAGE(pools.counter.most() >= least, pools.counter.most(), " tasks, ", call.ran.kernels);
  const std::vector<unsigned char> expected = call.written();
  for (const std::unique_ptr<Context> &context : pools.contexts) {
    call.spoil();
    REQUIRE_MESSAGE(call.run(context->get()) == HALOGEN_OK, call.error.message);
    GradientResult ran;
    ran.ran = call.ran;
    ran.query = call.query;
    CHECK(unexpected_kernels(problem, wish, path, ran) == "");
    const bool same = call.written() == expected;
    CHECK(same);
  }
}

void check_all(const NormProblem &problem, uint64_t stream, const std::vector<halogen_norm_path> &paths,
               const GradientWish &wish = {}) {
  const GradientData data = data_of(problem, stream);
  GradientCall call(problem, data, wish);
  for (const Variant &variant : variants_of(problem.dtype)) {
    for (const halogen_norm_path path : paths) {
      if (!backward_path_applies(problem, path, wish)) continue;
      check_pools(call, problem, wish, variant, path, 4);
    }
  }
}

/** A task of rows has up to 512 KiB of x and its gradient: more than four of them. */
std::vector<int64_t> rows_shape(DLDataType dtype) {
  const int64_t bytes = static_cast<int64_t>(bytes_of(dtype));
  return {5, 192 / bytes, 1100};
}

struct Scopes {
  bool of_batch, of_samples;
};

void check_slabs(DLDataType dtype, const std::vector<int64_t> &shape, Place place, Scopes scopes, uint64_t *turn) {
  for (NormProblem problem : each_scope(shape)) {
    *turn += 5;
    const bool of_samples = !problem.given && problem.scope != HALOGEN_NORM_SCOPE_BATCH;
    if (of_samples ? !scopes.of_samples : !scopes.of_batch) continue;
    if (quick() && problem.given) continue;
    problem.dtype = dtype;
    problem.put_all(place);
    problem.saved = *turn % 3 != 1;
    check_all(problem, 1000 + *turn, {HALOGEN_NORM_PATH_SLAB, HALOGEN_NORM_PATH_SPLIT});
  }
}

}  // namespace

TEST_SUITE("norm_backward_threads") {
  TEST_CASE("norm: rows, gradients have the same bits for any number of threads") {
    uint64_t turn = 0;
    for (const DLDataType dtype : dtypes()) {
      for (NormProblem problem : each_scope(rows_shape(dtype))) {
        if (quick() && problem.given) continue;
        problem.dtype = dtype;
        problem.float_vectors = problem.half() && turn % 2 == 0;
        problem.saved = turn % 3 == 0;
        if (turn % 4 == 1) problem.activation = HALOGEN_ACTIVATION_RELU;
        check_all(problem, 900 + turn, {HALOGEN_NORM_PATH_ROW, HALOGEN_NORM_PATH_SPLIT});
        turn += 5;
      }
    }
  }

  TEST_CASE("norm: slabs, gradients have the same bits for any number of threads") {
    // A slab is 2048 values wide at most, of data with statistics of each sample a sample. More than 128 rows are several blocks.
    constexpr Scopes every = {true, true}, of_samples = {false, true}, of_batch = {true, false};
    uint64_t turn = 0;
    for (const DLDataType dtype : dtypes()) {
      check_slabs(dtype, {9, 9000}, Place::first, every, &turn);
      check_slabs(dtype, {5, 1700, 5}, Place::first, every, &turn);
      check_slabs(dtype, {2, 9000, 8}, Place::last, of_batch, &turn);
      check_slabs(dtype, {5, 2300, 8}, Place::last, of_samples, &turn);
      check_slabs(dtype, {5, 48, 200}, Place::last, of_samples, &turn);
      // Half an L2 of up to 2 MiB has a quarter of these channels.
      if (!quick())
        check_slabs(dtype, {4, 8800 / static_cast<int64_t>(bytes_of(dtype)), 60}, Place::last, of_batch, &turn);
    }
  }

  TEST_CASE("norm: rows as sets, gradients have the same bits for any number of threads") {
    for (const DLDataType dtype : dtypes()) {
      NormProblem problem;
      problem.shape = {300, 160};
      problem.scope = HALOGEN_NORM_SCOPE_GROUP;
      problem.num_groups = 2;
      problem.dtype = dtype;
      REQUIRE(backward_rows_are_sets(problem));
      check_all(problem, 1100, {HALOGEN_NORM_PATH_AUTO, HALOGEN_NORM_PATH_ROW, HALOGEN_NORM_PATH_SPLIT});
      problem.activation = HALOGEN_ACTIVATION_LEAKY_RELU;
      problem.negative_slope = 0.25;
      problem.saved = true;
      GradientWish wish;
      wish.residual = true;
      check_all(problem, 1101, {HALOGEN_NORM_PATH_ROW}, wish);
    }
  }

  TEST_CASE("norm: subsets of the gradients have the same bits for any number of threads") {
    uint64_t turn = 0;
    for (const DLDataType dtype : dtypes()) {
      for (NormProblem problem : each_scope(rows_shape(dtype))) {
        if (quick() && turn > 0) continue;
        problem.dtype = dtype;
        GradientWish parameters;
        parameters.input = false;
        check_all(problem, 1200 + turn, {HALOGEN_NORM_PATH_SPLIT}, parameters);
        GradientWish input;
        input.weight = input.bias = false;
        input.residual = true;
        check_all(problem, 1201 + turn, {HALOGEN_NORM_PATH_AUTO}, input);
        turn += 2;
      }
    }
  }
}
