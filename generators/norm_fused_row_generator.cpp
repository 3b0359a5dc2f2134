// Normalisation by the input's own statistics while a statistic set is in the cache; lanes run along s.
//   mean_hi, mean_lo, var (g, b): statistics of x(:, :, g, b)
//   y(s, r, g, b) = act((x - mean) / sqrt(var + eps) * weight + bias + residual)     weight, bias: (r, g), g wraps around;
//                                                                                    act, residual: with an epilogue
// each: parameters belong to single values of a row (layer norm): weight, bias: (s, g), one r.
// See algorithms/statistics.h and algorithms/normalize.h for the formulas.
#include "algorithms/normalize.h"
#include "algorithms/precision.h"
#include "algorithms/statistics.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/lane_schedule.h"
#include "schedules/statistics_schedule.h"

using namespace Halide;

class NormFusedRow : public halogen::Kernel<NormFusedRow> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  GeneratorParam<bool> each{"each", false};
  GeneratorParam<bool> rows_at_once{"rows_at_once", true};
  Input<Buffer<void, 4>> x{"x"}, residual{"residual"};    // s, r, g, b
  Input<Buffer<void, 2>> weight{"weight"}, bias{"bias"};  // r, g; or s, g
  Input<bool> has_weight{"has_weight"}, has_bias{"has_bias"}, has_residual{"has_residual"}, epilogue{"epilogue"};
  Input<double> eps{"eps"}, slope{"slope"};
  Input<bool> in_place{"in_place"};  // y is x or residual itself; otherwise it has no memory in common with them
  Input<int> block_s{"block_s"}, block_r{"block_r"};
  Input<int> grain{"grain"};               // g's in a task
  Output<Func> statistic{"statistic", 2};  // g, b
  Output<Buffer<void, 4>> y{"y"};          // s, r, g, b

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
    const halogen::BlockShape shape{x.dim(0).extent(), x.dim(1).extent(), block_s, block_r};
    Func data("data");
    data(s, r, g, b) = precision.decode(x(s, r, g, b));
    blocks = halogen::block_statistics(data, shape, machine.lanes);
    auto block = [&](int i) {
      return [this, i](const Expr &ks, const Expr &kr, const Expr &g, const Expr &b) {
        return blocks.block(ks, kr, g, b)[i];
      };
    };
    merged = halogen::merge_blocks(block(0), block(1), shape, precision.compute);
    const FuncRef own = merged.statistic(g, b);
    const Expr gw = g % weight.dim(1).extent();
    const Expr one = cast(precision.compute, 1), zero = cast(precision.compute, 0), none = Internal::const_false();
    rstd(g, b) = halogen::reciprocal_deviation(own[2], eps);
    const halogen::Affine a =
        each ? halogen::affine(own[1], rstd(g, b), none, one, none, zero)
             : halogen::affine(own[1], rstd(g, b), has_weight, weight(r, gw), has_bias, bias(r, gw));
    affine(r, g, b) = Tuple(precision.operand(a.scale), precision.operand(a.shift));

    // The last task may be smaller than the others; bounds inference needs to be told.
    const Expr in_task = min(g, x.dim(2).extent() - 1);
    const FuncRef st = merged.statistic(in_task, b);
    statistic(g, b) = Tuple(st[0], st[1], st[2]);
    // Where rows share parameters, the vectors have one row: nothing is computed twice.
    const FuncRef of_row = affine(each ? Expr(0) : min(r, weight.dim(0).extent() - 1), in_task, b);
    const Expr normal = halogen::normalize(data(s, r, g, b), st[0], of_row[0], of_row[1]);
    const Expr plain =
        each ? select(has_weight, weight(s, gw), one) * normal + select(has_bias, bias(s, gw), zero) : normal;
    const Expr finished = halogen::finish(plain, has_residual, precision.decode(residual(s, r, g, b)),
                                          precision.operand(cast(precision.compute, slope)));
    const Expr result = select(epilogue, finished, plain);
    // The mean is of decoded values, weight and bias of single values are as they were given.
    y(s, r, g, b) = each ? precision.encode(result) : precision.encode_result(result);
  }

  void schedule() {
    branch_on(epilogue);
    halogen::start_at_zero(x);
    halogen::same_shape(y, x);
    halogen::same_shape(residual, x);
    if (each) {
      branch_on(has_weight);
      branch_on(has_bias);
      halogen::start_at_zero(weight);
      halogen::start_at_zero(bias);
    } else {
      halogen::any_strides(weight);
      halogen::any_strides(bias);
    }
    const OutputImageParam first = Func(statistic).output_buffers()[0];
    first.dim(0).set_bounds(0, x.dim(2).extent());
    first.dim(1).set_bounds(0, x.dim(3).extent());

    const Var some = halogen::schedule_sets(y, statistic, {s, r, g, b}, x, in_place, grain, rows_at_once, machine);
    for (Func f : {affine, rstd, merged.statistic, merged.mean, merged.sum, merged.m2, blocks.block}) {
      f.compute_at(y, some).never_partition_all();
    }
    for (Func f : {merged.statistic, merged.mean, merged.sum, merged.m2}) {
      f.bound_storage(merged.g, halogen::kSetsAtOnce);
    }
    rstd.bound_storage(g, halogen::kSetsAtOnce);
    blocks.block.bound_storage(blocks.vars.g, halogen::kSetsAtOnce);
    halogen::bound_sets(blocks, halogen::kSetsAtOnce);
    const int doubles = get_target().natural_vector_size<double>();
    for (Stage f : {Stage(merged.sum.update()), Stage(merged.m2.update())}) {
      f.reorder(merged.g, merged.blocks.x, merged.blocks.y, merged.b)
          .vectorize(merged.g, doubles, TailStrategy::GuardWithIf);
    }
    for (Func f : {merged.sum, merged.m2, merged.mean, merged.statistic}) {
      f.vectorize(merged.g, doubles, TailStrategy::GuardWithIf);
    }
    rstd.vectorize(g, doubles, TailStrategy::GuardWithIf);
    halogen::schedule_block_statistics(blocks, machine);
    blocks.block.vectorize(blocks.vars.g, doubles, TailStrategy::GuardWithIf);
  }

 private:
  Var s{"s"}, r{"r"}, g{"g"}, b{"b"};
  halogen::Precision precision;
  halogen::Machine machine;
  halogen::BlockStatistics blocks;
  halogen::MergedStatistics merged;
  Func rstd{"rstd"}, affine{"affine"};
};

HALIDE_REGISTER_GENERATOR(NormFusedRow, norm_fused_row)
