// halogen/moments.h: moments, sums and what is made of them have the same bits for any number of threads, in several tasks.
#include <halogen/moments.h>

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "support/callbacks.h"
#include "support/coverage.h"
#include "support/env.h"
#include "support/norm_form.h"
#include "support/norm_storage.h"
#include "support/random.h"
#include "support/tensor.h"
#include "support/variants.h"

using namespace halogen_tests;

namespace {

using Bytes = std::vector<unsigned char>;

/** A part of a batch, and all that is computed of it. */
class Part {
 public:
  Part(const NormProblem &problem, uint64_t stream)
      : problem_(problem),
        x_(NormForms(problem).input, numbers(stream)),
        dy_(NormForms(problem).input, numbers(stream + 1)),
        y_(x_),
        dx_(x_),
        channels_(static_cast<size_t>(problem.c())),
        vector_(NormForms(problem).vector, Values(channels_, 0.5)),
        running_(vector_),
        running_var_(vector_),
        dweight_(vector_),
        dbias_(vector_),
        saved_(NormForms(problem).saved, Values(channels_, 0.0)),
        saved_rstd_(saved_) {}

  /** Every call of a part, in the order of training; the bytes of all that they have written. `ran` is told which kernels. */
  Bytes run(halogen_context *context, std::vector<std::string> *ran) {
    ran_ = ran;
    for (StoredTensor *tensor : {&y_, &dx_, &dweight_, &dbias_, &saved_, &saved_rstd_}) {
      std::memset(tensor->data(), 0xa5, tensor->size());
    }
    for (StoredTensor *tensor : {&running_, &running_var_}) {
      std::memcpy(tensor->data(), vector_.data(), vector_.size());
    }
    Values part(3 * channels_, std::nan("")), sums(2 * channels_, std::nan(""));
    moments(context, &part);
    Values parts(part);
    // A second part of other numbers.
    for (size_t i = 0; i < part.size(); ++i) parts.push_back(i / channels_ == 1 ? part[i] + 0.125 : part[i]);
    Values all = merged(context, parts);
    forward(context, &all);
    backward(context, &all, &sums, false);
    Values total(sums);
    for (double &sum : total) sum *= 2;
    backward(context, &all, &total, true);
    Bytes bytes;
    const auto add = [&](const void *from, size_t size) {
      const unsigned char *first = static_cast<const unsigned char *>(from);
      bytes.insert(bytes.end(), first, first + size);
    };
    for (const Values *values : {&part, &all, &sums}) add(values->data(), values->size() * sizeof(double));
    for (StoredTensor *tensor : {&y_, &running_, &running_var_, &saved_, &saved_rstd_, &dx_, &dweight_, &dbias_}) {
      add(tensor->data(), tensor->size());
    }
    return bytes;
  }

 private:
  Values numbers(uint64_t stream) const {
    Random random(stream);
    Values some(4093), values(static_cast<size_t>(element_count(problem_.shape)));
    for (double &value : some) value = rounded(random.uniform(-1, 1.2), problem_.dtype);
    for (size_t i = 0; i < values.size(); ++i) values[i] = some[i % some.size()];
    return values;
  }

  static TensorView view(StoredTensor &tensor) {
    TensorView all(tensor.data(), tensor.form().shape, tensor.form().dtype);
    if (!tensor.form().dense()) all.set_strides(tensor.form().strides);
    return all;
  }
  TensorView rows(Values *values, int64_t count) const {
    return TensorView(values->data(), {count, problem_.c()}, float64);
  }

  template <class Args, class Call>
  void must(Args *args, const Call &call) {
    halogen_kernel_info ran = HALOGEN_KERNEL_INFO_INIT;
    halogen_error error = HALOGEN_ERROR_INIT;
    args->ran = &ran;
    REQUIRE_MESSAGE(call(args, &error) == HALOGEN_OK, describe(problem_), ": ", error.message);
    record_ran(ran);
    ran_->push_back(ran.kernels);
  }

  void moments(halogen_context *context, Values *to) {
    TensorView x = view(x_), result = rows(to, 3);
    halogen_norm_moments_args args = HALOGEN_NORM_MOMENTS_ARGS_INIT;
    args.input = &x.dl;
    args.moments = &result.dl;
    must(&args, [&](auto *a, halogen_error *error) { return halogen_norm_moments(context, a, error); });
  }

  Values merged(halogen_context *context, Values parts) {
    Values all(3 * channels_, std::nan(""));
    TensorView from(parts.data(), {2, 3, problem_.c()}, float64), to = rows(&all, 3);
    halogen_norm_merge_moments_args args = HALOGEN_NORM_MERGE_MOMENTS_ARGS_INIT;
    args.parts = &from.dl;
    args.moments = &to.dl;
    must(&args, [&](auto *a, halogen_error *error) { return halogen_norm_merge_moments(context, a, error); });
    return all;
  }

  void forward(halogen_context *context, Values *moments) {
    TensorView x = view(x_), y = view(y_), w = view(vector_), all = rows(moments, 3), mean = view(running_),
               var = view(running_var_), saved = view(saved_), rstd = view(saved_rstd_);
    halogen_norm_args args = HALOGEN_NORM_ARGS_INIT;
    args.scope = HALOGEN_NORM_SCOPE_BATCH;
    args.input = &x.dl;
    args.output = &y.dl;
    args.weight = args.bias = &w.dl;
    args.running_mean = &mean.dl;
    args.running_var = &var.dl;
    args.running_weight = 0.25;
    args.saved_mean = &saved.dl;
    args.saved_rstd = &rstd.dl;
    args.moments = &all.dl;
    args.eps = problem_.eps;
    must(&args, [&](auto *a, halogen_error *error) { return halogen_norm_forward(context, a, error); });
  }

  /** With the whole batch's sums, or those of the part are written. */
  void backward(halogen_context *context, Values *moments, Values *sums, bool whole) {
    TensorView x = view(x_), dy = view(dy_), dx = view(dx_), w = view(vector_), dw = view(dweight_), db = view(dbias_),
               all = rows(moments, 3), pairs = rows(sums, 2);
    halogen_norm_backward_args args = HALOGEN_NORM_BACKWARD_ARGS_INIT;
    args.scope = HALOGEN_NORM_SCOPE_BATCH;
    args.input = &x.dl;
    args.grad_output = &dy.dl;
    args.weight = &w.dl;
    args.moments = &all.dl;
    args.eps = problem_.eps;
    if (whole) {
      args.sums = &pairs.dl;
      args.grad_input = &dx.dl;
      args.grad_weight = &dw.dl;
      args.grad_bias = &db.dl;
    } else {
      args.part_sums = &pairs.dl;
    }
    must(&args, [&](auto *a, halogen_error *error) { return halogen_norm_backward(context, a, error); });
  }

  NormProblem problem_;
  StoredTensor x_, dy_, y_, dx_;
  size_t channels_;
  StoredTensor vector_, running_, running_var_, dweight_, dbias_, saved_, saved_rstd_;
  std::vector<std::string> *ran_ = nullptr;
};

}  // namespace

TEST_SUITE("norm_backward_threads") {
  TEST_CASE("norm: moments, sums and gradients of parts have the same bits for any number of threads") {
    for (const DLDataType dtype : {float32, float64, float16, bfloat16}) {
      if (quick() && !same(dtype, float32) && !same(dtype, bfloat16)) continue;
      for (const Place place : {Place::first, Place::last}) {
        NormProblem problem;
        // Blocks are of a task's 128 KiB: twenty of them, of which a channel has several.
        problem.shape = {5, 192 / static_cast<int64_t>(bytes_of(dtype)), place == Place::first ? 1100 : 1101};
        problem.dtype = dtype;
        problem.put_all(place);
        Part part(problem, 800);
        for (const Variant &variant : variants_of(dtype)) {
          halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
          options.isa = variant.isa;
          options.num_threads = 2;
          CallerLoop loop(LoopKind::backwards);
          loop.install(options);
          std::vector<std::string> meant, ran;
          const Bytes expected = part.run(Context(options).get(), &meant);
          // Five calls read the tensor or write it.
          CHECK(loop.tasks() >= 4 * 5);
          options.parallel_for = nullptr;
          options.parallel_user = nullptr;
          for (const int32_t threads : {1, 2, 3, 7}) {
            if (quick() && threads > 3) continue;
            options.num_threads = threads;
            ran.clear();
            INFO(variant.name, " ", describe(problem), ", threads ", threads);
            const bool same = part.run(Context(options).get(), &ran) == expected;
            CHECK(same);
            CHECK(ran == meant);
          }
        }
      }
    }
  }
}
