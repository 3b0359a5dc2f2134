// The whole backward pass while a slab is in the cache; lanes run along i, across the channels j = i / S of slab t. A set is a
// channel, over all r.
//   s1, s2 (j, t, b): sum(dy), sum(dy (x - mean_hi)) over x(j*S .. j*S + S - 1, :, t, b), f64
//   dx(i, r, t, b) = a dy + b (x - mean_hi) + c
// Means and spreads (var, or rstd if is_rstd): (j, t, b); weight: (j, t). See algorithms/gradients.h.
#include "algorithms/expanded.h"
#include "algorithms/gradients.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/slab_schedule.h"

using namespace Halide;

class NormBackwardSlab : public halogen::Kernel<NormBackwardSlab> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"}, dy{"dy"}, y{"y"};                                  // i, r, t, b
  Input<Buffer<void, 3>> mean_hi{"mean_hi"}, mean_lo{"mean_lo"}, spread{"spread"};  // j, t, b
  Input<Buffer<void, 2>> weight{"weight"};                                          // j, t
  Input<bool> has_lo{"has_lo"}, is_rstd{"is_rstd"}, has_weight{"has_weight"};
  Input<bool> masked{"masked"};  // dy is of an activation's result, y
  Input<double> negative_slope{"negative_slope"};
  Input<bool> own{"own"};  // the statistics are the input's
  Input<double> eps{"eps"};
  Input<int> S{"S"}, block_r{"block_r"};
  Output<Func> sums{"sums", {Float(64), Float(64)}, 3};  // j, t, b
  Output<Buffer<void, 4>> dx{"dx"};                      // i, r, t, b; may be x or dy itself

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&x, &dy, &y}) data->set_type(precision.storage);
    for (auto *vector : {&mean_hi, &mean_lo, &spread}) vector->set_type(precision.compute);
    weight.set_type(precision.compute);
    dx.set_type(precision.storage);
  }

  void generate() {
    const halogen::OutputGradient gradient{precision, dy, y, masked, negative_slope};
    doubles = halogen::machine_of(get_target(), Float(64)).vector;
    const Type compute = precision.compute;
    const Expr slab = x.dim(0).extent() / S, rows = x.dim(1).extent();
    const auto mean_of = [&](const Expr &channel, const Expr &) {
      return std::vector<Expr>{precision.operand(mean_hi(channel, mean.t, mean.b))};
    };
    halogen::expand(&mean, mean_of, slab, S, 1);
    totals = halogen::slab_sums(vars, {S, rows, rows, block_r}, compute, doubles, [&](const Expr &at) {
      const Expr g = gradient(vars.i, at, vars.t, vars.b);
      const Expr value = precision.decode(x(vars.i, at, vars.t, vars.b));
      return Tuple(g, g * strict_float(value - mean.all(vars.i, vars.t, vars.b)));
    });
    total(j, t, b) = Tuple(totals.first.total(j, 0, t, b), totals.second.total(j, 0, t, b));
    sums(j, t, b) = Tuple(total(j, t, b)[0], total(j, t, b)[1]);

    const Var &et = vectors.t, &eb = vectors.b;
    const auto vectors_of = [&](const Expr &channel, const Expr &) {
      const Expr w = cast<double>(select(has_weight, weight(channel, et), cast(compute, 1)));
      const Expr rstd = halogen::rstd_of(spread(channel, et, eb), is_rstd, eps);
      const FuncRef sum = total(channel, et, eb);
      const Tuple corrected =
          halogen::correction(own, w * sum[0], w * sum[1], select(has_lo, mean_lo(channel, et, eb), cast(compute, 0)),
                              rstd, cast<double>(S) * cast<double>(rows));
      const auto operand = [&](const Expr &value) { return precision.operand(cast(compute, value)); };
      return std::vector<Expr>{operand(w * rstd), operand(corrected[0]), operand(corrected[1])};
    };
    halogen::expand(&vectors, vectors_of, slab, S, 1);
    const FuncRef of = vectors.all(i, t, b);
    dx(i, r, t, b) =
        precision.encode_result(halogen::input_gradient(get_target(), own, of[0], gradient(i, r, t, b), of[1],
                                                        precision.decode(x(i, r, t, b)), mean.all(i, t, b), of[2]));
  }

  void schedule() {
    const halogen::Machine machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    halogen::start_at_zero(x);
    halogen::same_shape(dy, x);
    halogen::same_shape(y, x);
    branch_on(masked);
    halogen::same_shape(dx, x);
    for (OutputImageParam vector :
         {OutputImageParam(mean_hi), OutputImageParam(mean_lo), OutputImageParam(spread), OutputImageParam(weight)}) {
      halogen::channel_vector(vector, get_target());
    }
    branch_on(has_lo);
    branch_on(has_weight);
    const OutputImageParam first = Func(sums).output_buffers()[0];
    first.dim(0).set_bounds(0, x.dim(0).extent() / S);
    first.dim(1).set_bounds(0, x.dim(2).extent());
    first.dim(2).set_bounds(0, x.dim(3).extent());

    Func out = dx, out_sums = sums;
    out.parallel(b).parallel(t).never_partition(t, b);
    halogen::schedule_rows_at_once(out, i, r, x.dim(1).extent(), machine);
    out_sums.parallel(b).parallel(t).never_partition_all();
    out_sums.compute_with(out, t);
    total.compute_at(out, t).vectorize(j, doubles, TailStrategy::GuardWithIf).never_partition_all();
    halogen::schedule_slab_sums(totals, vars, out, t, machine, doubles, S);
    halogen::schedule_expanded(mean, out, t, S, 1, machine);
    halogen::schedule_expanded(vectors, out, t, S, 1, machine);
  }

 private:
  Var i{"i"}, r{"r"}, j{"j"}, t{"t"}, b{"b"};
  int doubles = 1;
  halogen::SlabVars vars;
  halogen::Precision precision;
  halogen::Expanded mean, vectors;
  halogen::SlabSums totals;
  Func total{"total_of_set"};
};

HALIDE_REGISTER_GENERATOR(NormBackwardSlab, norm_backward_slab)
