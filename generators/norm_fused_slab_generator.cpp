// Normalisation by the input's own statistics while a slab is in the cache; lanes run along i, across the channels j = i / S of
// slab t, and `per_set` neighbouring channels, width = per_set * S, are a
// statistic set q.
//   mean_hi, mean_lo, var (q, t, b): statistics of x(q*width .. q*width + width - 1, :, t, b)
//   y(i, r, t, b) = act((x - mean) / sqrt(var + eps) * weight(j, t) + bias(j, t) + residual)     act, residual: with an epilogue
// See algorithms/slab_statistics.h and algorithms/normalize.h for the formulas.
#include "algorithms/expanded.h"
#include "algorithms/normalize.h"
#include "algorithms/precision.h"
#include "algorithms/slab_statistics.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/slab_schedule.h"

using namespace Halide;

class NormFusedSlab : public halogen::Kernel<NormFusedSlab> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"}, residual{"residual"};    // i, r, t, b
  Input<Buffer<void, 2>> weight{"weight"}, bias{"bias"};  // j, t
  Input<bool> has_weight{"has_weight"}, has_bias{"has_bias"}, has_residual{"has_residual"}, epilogue{"epilogue"};
  Input<double> eps{"eps"}, slope{"slope"};
  Input<int> S{"S"}, per_set{"per_set"}, block_r{"block_r"};
  Output<Func> statistic{"statistic", 3};  // q, t, b
  Output<Buffer<void, 4>> y{"y"};          // i, r, t, b; may be x itself, or residual

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    const Type storage = precision.storage, compute = precision.compute;
    x.set_type(storage);
    residual.set_type(storage);
    y.set_type(storage);
    weight.set_type(compute);
    bias.set_type(compute);
    statistic.set_type({compute, compute, compute});
  }

  void generate() {
    machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    doubles = halogen::machine_of(get_target(), Float(64)).vector;
    Func data("data");
    data(i, r, t, b) = precision.decode(x(i, r, t, b));
    const Expr width = per_set * S;
    const halogen::SlabShape shape{width, x.dim(1).extent(), x.dim(1).extent(), block_r};
    slabs = halogen::slab_statistics(data, shape, doubles);
    const FuncRef own = slabs.moments(q, 0, t, b);
    set(q, t, b) = halogen::statistic(precision.compute, own[0], own[1], halogen::slab_count(shape, 0));
    statistic(q, t, b) = set(q, t, b);
    const auto of_channel = [&](const Expr &j, const Expr &of_set) {
      const FuncRef st = set(of_set, expanded.t, expanded.b);
      const halogen::Affine a = halogen::affine(st[1], halogen::reciprocal_deviation(st[2], eps), has_weight,
                                                weight(j, expanded.t), has_bias, bias(j, expanded.t));
      return std::vector<Expr>{st[0], precision.operand(a.scale), precision.operand(a.shift)};
    };
    halogen::expand(&expanded, of_channel, x.dim(0).extent() / S, S, per_set);
    const FuncRef of = expanded.all(i, t, b);
    const Expr plain = halogen::normalize(data(i, r, t, b), of[0], of[1], of[2]);
    const Expr finished = halogen::finish(plain, has_residual, precision.decode(residual(i, r, t, b)),
                                          precision.operand(cast(precision.compute, slope)));
    y(i, r, t, b) = precision.encode_result(select(epilogue, finished, plain));
  }

  void schedule() {
    branch_on(epilogue);
    halogen::start_at_zero(x);
    halogen::same_shape(y, x);
    halogen::same_shape(residual, x);
    for (OutputImageParam vector : {OutputImageParam(weight), OutputImageParam(bias)}) {
      halogen::channel_vector(vector, get_target());
    }
    branch_on(has_weight);
    branch_on(has_bias);
    const OutputImageParam first = Func(statistic).output_buffers()[0];
    first.dim(0).set_bounds(0, x.dim(0).extent() / S / per_set);
    first.dim(1).set_bounds(0, x.dim(2).extent());
    first.dim(2).set_bounds(0, x.dim(3).extent());

    // A task is a slab: about half an L2 of data over all rows, and sums that stay in L1.
    Func out = y, out_statistic = statistic;
    out.parallel(b).parallel(t).never_partition(t, b);
    halogen::schedule_rows_at_once(out, i, r, x.dim(1).extent(), machine);
    out_statistic.parallel(b).parallel(t).never_partition_all();
    out_statistic.compute_with(out, t);
    set.compute_at(out, t).vectorize(q, machine.vector, TailStrategy::GuardWithIf).never_partition_all();
    halogen::schedule_slab_statistics(slabs, out, t, machine, doubles, per_set * S);
    halogen::schedule_expanded(expanded, out, t, S, per_set, machine);
  }

 private:
  Var i{"i"}, r{"r"}, t{"t"}, b{"b"}, q{"q"};
  int doubles = 1;
  halogen::Precision precision;
  halogen::Machine machine;
  halogen::SlabStatistics slabs;
  halogen::Expanded expanded;
  Func set{"set"};
};

HALIDE_REGISTER_GENERATOR(NormFusedSlab, norm_fused_slab)
