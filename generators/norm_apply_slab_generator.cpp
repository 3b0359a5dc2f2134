// y(i, r, t, b) = act((x - mean) / sqrt(var + eps) * weight + bias + residual) with given statistics; lanes run along i, across the
// channels j = i / S of slab t. Statistics: (q, t, b), of `per_set` neighbouring channels each; weight, bias: (j, t). act and
// residual: with an epilogue.
#include "algorithms/expanded.h"
#include "algorithms/normalize.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/slab_schedule.h"

using namespace Halide;

class NormApplySlab : public halogen::Kernel<NormApplySlab> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  GeneratorParam<bool> rows_at_once{"rows_at_once", true};
  Input<Buffer<void, 4>> x{"x"}, residual{"residual"};                        // i, r, t, b
  Input<Buffer<void, 3>> mean_hi{"mean_hi"}, mean_lo{"mean_lo"}, var{"var"};  // q, t, b
  Input<Buffer<void, 2>> weight{"weight"}, bias{"bias"};                      // j, t
  Input<bool> has_lo{"has_lo"}, has_weight{"has_weight"}, has_bias{"has_bias"}, has_residual{"has_residual"};
  Input<bool> epilogue{"epilogue"};
  Input<double> eps{"eps"}, slope{"slope"};
  Input<int> S{"S"}, per_set{"per_set"};
  Input<int> grain{"grain"};       // rows in a task
  Output<Buffer<void, 4>> y{"y"};  // i, r, t, b; may be x itself, or residual

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&x, &residual}) data->set_type(precision.storage);
    for (auto *statistic : {&mean_hi, &mean_lo, &var}) statistic->set_type(precision.compute);
    for (auto *vector : {&weight, &bias}) vector->set_type(precision.compute);
    y.set_type(precision.storage);
  }

  void generate() {
    const Var &et = expanded.t, &eb = expanded.b;
    const Expr zero = cast(precision.compute, 0);
    const auto of_channel = [&](const Expr &j, const Expr &set) {
      const halogen::Affine a = halogen::affine(select(has_lo, mean_lo(set, et, eb), zero),
                                                halogen::reciprocal_deviation(var(set, et, eb), eps), has_weight,
                                                weight(j, et), has_bias, bias(j, et));
      return std::vector<Expr>{precision.operand(mean_hi(set, et, eb)), precision.operand(a.scale),
                               precision.operand(a.shift)};
    };
    halogen::expand(&expanded, of_channel, x.dim(0).extent() / S, S, per_set, !get_target().has_gpu_feature());
    const FuncRef of = expanded.all(i, t, b);
    const Expr plain = halogen::normalize(precision.decode(x(i, r, t, b)), of[0], of[1], of[2]);
    const Expr finished = halogen::finish(plain, has_residual, precision.decode(residual(i, r, t, b)),
                                          precision.operand(cast(precision.compute, slope)));
    y(i, r, t, b) = precision.encode_result(select(epilogue, finished, plain));
  }

  void schedule() {
    const halogen::Machine machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    branch_on(epilogue);
    halogen::start_at_zero(x);
    halogen::same_shape(y, x);
    halogen::same_shape(residual, x);
    for (OutputImageParam vector : {OutputImageParam(mean_hi), OutputImageParam(mean_lo), OutputImageParam(var),
                                    OutputImageParam(weight), OutputImageParam(bias)}) {
      halogen::channel_vector(vector, get_target());
    }
    if (!machine.gpu) {
      for (const Expr &flag : {Expr(has_lo), Expr(has_weight), Expr(has_bias)}) branch_on(flag);
    }
    const Var task = halogen::schedule_slab_rows(y, {i, r, t, b}, grain, rows_at_once, machine);
    halogen::schedule_expanded(expanded, y, task, S, per_set, machine);
  }

 private:
  Var i{"i"}, r{"r"}, t{"t"}, b{"b"};
  halogen::Precision precision;
  halogen::Expanded expanded;
};

HALIDE_REGISTER_GENERATOR(NormApplySlab, norm_apply_slab)
