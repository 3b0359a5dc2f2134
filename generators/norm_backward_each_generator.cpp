// The whole backward pass where parameters belong to single values of a row (layer norm); lanes run along s. A set is a row.
//   dx(s, g, b) = a w(s, g) dy + c1 (x - mean_hi) + c0
//   columns (s, g, k): of the rows b of chunk k, {sum(dy), sum(dy (x - mean) rstd)}, f64: what the parameters' gradients add up
// a, c1, c0: algorithms/gradients.h, with w dy in the place of a weight times its channel's sums. dx is neither x nor dy.
#include "algorithms/gradients.h"
#include "algorithms/lane_sums.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/lane_schedule.h"

using namespace Halide;

class NormBackwardEach : public halogen::Kernel<NormBackwardEach> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 3>> x{"x"}, dy{"dy"}, y{"y"};                                  // s, g, b
  Input<Buffer<void, 2>> mean_hi{"mean_hi"}, mean_lo{"mean_lo"}, spread{"spread"};  // g, b
  Input<Buffer<void, 2>> weight{"weight"};                                          // s, g
  Input<bool> has_lo{"has_lo"}, is_rstd{"is_rstd"}, has_weight{"has_weight"};
  Input<bool> masked{"masked"};  // dy is of an activation's result, y
  Input<double> negative_slope{"negative_slope"};
  Input<bool> has_columns{"has_columns"};  // else they are 0
  Input<double> eps{"eps"};
  Input<int> block_s{"block_s"};                               // at least a sixteenth of a row
  Input<int> grain{"grain"};                                   // rows of a chunk, at most kRows
  Output<Func> columns{"columns", {Float(64), Float(64)}, 3};  // s, g, k
  Output<Buffer<void, 3>> dx{"dx"};                            // s, g, b

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&x, &dy, &y}) data->set_type(precision.storage);
    dx.set_type(precision.storage);
    for (auto *vector : {&mean_hi, &mean_lo, &spread, &weight}) vector->set_type(precision.compute);
  }

  void generate() {
    const halogen::OutputGradient gradient{precision, dy, y, masked, negative_slope};
    machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    const Type compute = precision.compute;
    const Expr S = x.dim(0).extent();  // 32 or more
    const halogen::BlockShape shape{S, 1, block_s, 1};
    const auto value = [&](const Expr &i, const Expr &set, const Expr &row) {
      return strict_float(precision.decode(x(i, set, row)) - mean_hi(set, row));
    };
    const auto weighted = [&](const Expr &i, const Expr &set, const Expr &row) {
      return gradient(i, set, row) * select(has_weight, weight(i, set), cast(compute, 1));
    };
    lanes = halogen::lane_sums(vars, halogen::whole_block(shape, shape.length_s(vars.ks), 1), machine.lanes, compute,
                               [&](const Expr &at, const Expr &) {
                                 const Expr i = unsafe_promise_clamped(vars.ks * block_s + at, 0, S - 1);
                                 const Expr dw = weighted(i, vars.g, vars.b);
                                 return Tuple(dw, dw * value(i, vars.g, vars.b));
                               });
    block(vars.ks, vars.kr, vars.g, vars.b) = lanes.total(vars.ks, vars.kr, vars.g, vars.b);
    const RDom blocks(0, shape.blocks_s(), "blocks");
    const FuncRef of_block = block(blocks, 0, g, b);
    total(g, b) = Tuple(cast<double>(0), cast<double>(0));
    total(g, b) = Tuple(total(g, b)[0] + of_block[0], total(g, b)[1] + of_block[1]);
    const Expr lo = select(has_lo, mean_lo(g, b), cast(compute, 0));
    const Expr rstd = halogen::rstd_of(spread(g, b), is_rstd, eps);
    const Tuple corrected =
        halogen::correction(Internal::const_true(), total(g, b)[0], total(g, b)[1], lo, rstd, cast<double>(S));
    coefficients(g, b) = Tuple(cast(compute, rstd), cast(compute, corrected[0]), cast(compute, corrected[1]));
    const FuncRef of = coefficients(g, min(b, x.dim(2).extent() - 1));
    dx(s, g, b) = precision.encode(of[0] * weighted(s, g, b) + (of[1] * value(s, g, b) + of[2]));

    // What is normalised again: (x - mean_hi) * rstd - mean_lo * rstd.
    scale(g, b) = Tuple(cast(compute, rstd), cast(compute, -rstd * cast<double>(lo)));
    RDom r(0, grain, "r");
    r.where(has_columns && k * grain + r < x.dim(2).extent());
    const Expr row = unsafe_promise_clamped(k * grain + r, 0, x.dim(2).extent() - 1);
    const Expr of_row = gradient(s, g, row);
    tile(s, g, k) = Tuple(cast(compute, 0), cast(compute, 0));
    tile(s, g, k) = Tuple(tile(s, g, k)[0] + of_row,
                          tile(s, g, k)[1] + of_row * (value(s, g, row) * scale(g, row)[0] + scale(g, row)[1]));
    chunk_row = r;
    columns(s, g, k) = Tuple(cast<double>(tile(s, g, k)[0]), cast<double>(tile(s, g, k)[1]));
  }

  void schedule() {
    // What a task and a row keep has a fixed size, and needs no heap.
    constexpr int kRows = 64, kBlocks = 16;
    branch_on(has_weight);
    halogen::start_at_zero(x);
    halogen::same_shape(dy, x);
    halogen::same_shape(y, x);
    branch_on(masked);
    halogen::same_shape(dx, x);
    for (OutputImageParam vector : {OutputImageParam(mean_hi), OutputImageParam(mean_lo), OutputImageParam(spread)}) {
      halogen::any_strides(vector);
    }
    halogen::start_at_zero(weight);
    const OutputImageParam first = Func(columns).output_buffers()[0];
    const std::vector<Expr> extents{x.dim(0).extent(), x.dim(1).extent(), (x.dim(2).extent() + grain - 1) / grain};
    for (int d = 0; d < 3; d++) first.dim(d).set_bounds(0, extents[static_cast<size_t>(d)]);

    // A task is a chunk: about half an L2 of data, sums and dx row by row, then the columns from the cache.
    Func out = dx, of_columns = columns;
    out.split(b, k, inner, grain, TailStrategy::GuardWithIf).reorder(s, inner, g, k);
    out.parallel(k).parallel(g).never_partition(inner, g, k);
    out.vectorize(s, machine.vector, TailStrategy::ShiftInwards);
    // Both sums of four vectors stay in registers over all rows; a row has at least 32 values.
    const int width = std::min(4 * machine.vector, 32);
    of_columns.split(s, outer, s, width, TailStrategy::ShiftInwards).parallel(k).parallel(g);
    of_columns.vectorize(s, machine.vector).unroll(s).never_partition(outer, g, k);
    of_columns.compute_with(out, g);
    tile.compute_at(of_columns, outer).vectorize(s, machine.vector).unroll(s);
    tile.update().reorder(s, chunk_row).vectorize(s, machine.vector).unroll(s).never_partition_all();
    scale.compute_at(out, g).bound_storage(g, 1).bound_storage(b, kRows).never_partition_all();
    coefficients.compute_at(out, inner);
    total.compute_at(out, inner).update().unscheduled();
    block.compute_at(out, inner)
        .bound_storage(vars.ks, kBlocks)
        .reorder(vars.g, vars.ks, vars.kr, vars.b)
        .never_partition_all();
    halogen::schedule_lane_sums(lanes, block, vars, machine);
  }

 private:
  Var s{"s"}, g{"g"}, b{"b"}, k{"k"}, inner{"inner"}, outer{"outer"};
  halogen::Precision precision;
  halogen::Machine machine;
  halogen::BlockVars vars;
  halogen::LaneSums lanes;
  RVar chunk_row;
  Func block{"block"}, total{"total_of_set"}, coefficients{"coefficients"}, scale{"scale"}, tile{"tile"};
};

HALIDE_REGISTER_GENERATOR(NormBackwardEach, norm_backward_each)
