// y(s, r, g, b) = act((x - mean) / sqrt(var + eps) * weight + bias + residual) with given statistics; lanes run along s.
// mean, var: (g, b); weight, bias: (r, g). Vectors of one row or one b serve all of them. act, residual: with an epilogue.
#include "algorithms/normalize.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/machine.h"
#include "schedules/rows_schedule.h"

using namespace Halide;

class NormApplyRow : public halogen::Kernel<NormApplyRow> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"}, residual{"residual"};                        // s, r, g, b
  Input<Buffer<void, 2>> mean_hi{"mean_hi"}, mean_lo{"mean_lo"}, var{"var"};  // g, b
  Input<Buffer<void, 2>> weight{"weight"}, bias{"bias"};                      // r, g
  Input<bool> has_lo{"has_lo"}, has_weight{"has_weight"}, has_bias{"has_bias"}, has_residual{"has_residual"};
  Input<bool> epilogue{"epilogue"};
  Input<double> eps{"eps"}, slope{"slope"};
  Input<bool> in_place{"in_place"};  // y is x or residual itself; otherwise it has no memory in common with them
  Input<int> grain_g{"grain_g"}, grain_b{"grain_b"};  // of a task
  Output<Buffer<void, 4>> y{"y"};                     // s, r, g, b

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&x, &residual}) data->set_type(precision.storage);
    for (auto *vector : {&mean_hi, &mean_lo, &var, &weight, &bias}) vector->set_type(precision.compute);
    y.set_type(precision.storage);
  }

  void generate() {
    const Expr lo = select(has_lo, mean_lo(g, b), cast(precision.compute, 0));
    const halogen::Affine a = halogen::affine(lo, halogen::reciprocal_deviation(var(g, b), eps), has_weight,
                                              weight(r, g), has_bias, bias(r, g));
    affine(r, g, b) = Tuple(precision.operand(a.scale), precision.operand(a.shift));
    const Expr bs = min(b, mean_hi.dim(1).extent() - 1);
    const FuncRef of_row = affine(min(r, weight.dim(0).extent() - 1), g, bs);
    const Expr plain =
        halogen::normalize(precision.decode(x(s, r, g, b)), precision.operand(mean_hi(g, bs)), of_row[0], of_row[1]);
    const Expr finished = halogen::finish(plain, has_residual, precision.decode(residual(s, r, g, b)),
                                          precision.operand(cast(precision.compute, slope)));
    y(s, r, g, b) = precision.encode_result(select(epilogue, finished, plain));
  }

  void schedule() {
    const halogen::Machine machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    branch_on(epilogue);
    halogen::start_at_zero(x);
    halogen::same_shape(y, x);
    halogen::same_shape(residual, x);
    for (OutputImageParam vector : {OutputImageParam(mean_hi), OutputImageParam(mean_lo), OutputImageParam(var),
                                    OutputImageParam(weight), OutputImageParam(bias)}) {
      halogen::any_strides(vector);
    }
    halogen::schedule_rows(y, {s, r, g, b}, x, in_place, grain_g, grain_b, machine);
    if (machine.gpu) {
      // Computed by every thread: cheaper than sharing it.
      affine.compute_at(y, halogen::gpu_thread());
    } else {
      affine.compute_root().never_partition_all().vectorize(g, machine.vector, TailStrategy::GuardWithIf);
    }
  }

 private:
  Var s{"s"}, r{"r"}, g{"g"}, b{"b"};
  halogen::Precision precision;
  Func affine{"affine"};
};

HALIDE_REGISTER_GENERATOR(NormApplyRow, norm_apply_row)
