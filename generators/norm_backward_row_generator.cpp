// The whole backward pass while a statistic set is in the cache; lanes run along s. A set is a channel, over all r.
//   s1, s2 (g, b): sum(dy), sum(dy (x - mean_hi)) over x(:, :, g, b), f64
//   dx(s, r, g, b) = a dy + b (x - mean_hi) + c
// Means and spreads (var, or rstd if is_rstd): (g, b); weight: g, which wraps around. See algorithms/gradients.h.
#include "algorithms/gradients.h"
#include "algorithms/lane_sums.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/lane_schedule.h"

using namespace Halide;

class NormBackwardRow : public halogen::Kernel<NormBackwardRow> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"}, dy{"dy"}, y{"y"};                                  // s, r, g, b
  Input<Buffer<void, 2>> mean_hi{"mean_hi"}, mean_lo{"mean_lo"}, spread{"spread"};  // g, b
  Input<Buffer<void, 1>> weight{"weight"};                                          // g
  Input<bool> has_lo{"has_lo"}, is_rstd{"is_rstd"}, has_weight{"has_weight"};
  Input<bool> masked{"masked"};  // dy is of an activation's result, y
  Input<double> negative_slope{"negative_slope"};
  Input<bool> own{"own"};  // the statistics are the input's
  Input<double> eps{"eps"};
  Input<bool> in_place{"in_place"};  // dx is x or dy itself; otherwise it has no memory in common with them
  Input<int> block_s{"block_s"}, block_r{"block_r"};
  Input<int> grain{"grain"};                             // g's in a task
  Output<Func> sums{"sums", {Float(64), Float(64)}, 2};  // g, b
  Output<Buffer<void, 4>> dx{"dx"};                      // s, r, g, b

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&x, &dy, &y}) data->set_type(precision.storage);
    for (auto *vector : {&mean_hi, &mean_lo, &spread}) vector->set_type(precision.compute);
    weight.set_type(precision.compute);
    dx.set_type(precision.storage);
  }

  void generate() {
    const halogen::OutputGradient gradient{precision, dy, y, masked, negative_slope};
    machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    const halogen::BlockShape shape{x.dim(0).extent(), x.dim(1).extent(), block_s, block_r};
    const Expr first_s = vars.ks * block_s, first_r = vars.kr * block_r;
    lanes = halogen::lane_sums(vars, halogen::whole_block(shape, shape.length_s(vars.ks), shape.length_r(vars.kr)),
                               machine.lanes, precision.compute, [&](const Expr &at_s, const Expr &at_r) {
                                 const Expr cs = unsafe_promise_clamped(first_s + at_s, 0, shape.S - 1);
                                 const Expr cr = unsafe_promise_clamped(first_r + at_r, 0, shape.R - 1);
                                 const Expr of_result = gradient(cs, cr, vars.g, vars.b);
                                 const Expr value = precision.decode(x(cs, cr, vars.g, vars.b));
                                 return Tuple(of_result, of_result * strict_float(value - mean_hi(vars.g, vars.b)));
                               });
    block(vars.ks, vars.kr, vars.g, vars.b) = lanes.total(vars.ks, vars.kr, vars.g, vars.b);
    const RDom blocks(0, shape.blocks_s(), 0, shape.blocks_r(), "blocks");
    const FuncRef of_block = block(blocks.x, blocks.y, g, b);
    total(g, b) = Tuple(cast<double>(0), cast<double>(0));
    total(g, b) = Tuple(total(g, b)[0] + of_block[0], total(g, b)[1] + of_block[1]);

    const Type compute = precision.compute;
    const Expr w = cast<double>(select(has_weight, weight(g % weight.dim(0).extent()), cast(compute, 1)));
    const Expr rstd = halogen::rstd_of(spread(g, b), is_rstd, eps);
    const Expr count = cast<double>(shape.S) * cast<double>(shape.R);
    const Tuple corrected = halogen::correction(own, w * total(g, b)[0], w * total(g, b)[1],
                                                select(has_lo, mean_lo(g, b), cast(compute, 0)), rstd, count);
    const auto operand = [&](const Expr &value) { return precision.operand(cast(compute, value)); };
    coefficients(g, b) = Tuple(operand(w * rstd), operand(corrected[0]), operand(corrected[1]));

    // The last task may be smaller than the others; bounds inference needs to be told.
    const Expr in_task = min(g, x.dim(2).extent() - 1);
    sums(g, b) = Tuple(total(in_task, b)[0], total(in_task, b)[1]);
    const FuncRef of = coefficients(in_task, b);
    dx(s, r, g, b) = precision.encode_result(halogen::input_gradient(get_target(), own, of[0], gradient(s, r, g, b),
                                                                     of[1], precision.decode(x(s, r, g, b)),
                                                                     precision.operand(mean_hi(g, b)), of[2]));
  }

  void schedule() {
    halogen::start_at_zero(x);
    halogen::same_shape(dy, x);
    halogen::same_shape(y, x);
    branch_on(masked);
    halogen::same_shape(dx, x);
    for (OutputImageParam vector :
         {OutputImageParam(mean_hi), OutputImageParam(mean_lo), OutputImageParam(spread), OutputImageParam(weight)}) {
      halogen::any_strides(vector);
    }
    const OutputImageParam first = Func(sums).output_buffers()[0];
    first.dim(0).set_bounds(0, x.dim(2).extent());
    first.dim(1).set_bounds(0, x.dim(3).extent());
    const Var some = halogen::schedule_sets(dx, sums, {s, r, g, b}, x, in_place, grain, false, machine);
    for (Func f : {coefficients, total, block}) {
      f.compute_at(dx, some).never_partition_all();
    }
    total.bound_storage(g, halogen::kSetsAtOnce).update().unscheduled();
    coefficients.bound_storage(g, halogen::kSetsAtOnce);
    block.bound_storage(vars.g, halogen::kSetsAtOnce).reorder(vars.g, vars.ks, vars.kr, vars.b);
    halogen::bound_sets(lanes, vars.g, halogen::kSetsAtOnce);
    halogen::schedule_lane_sums(lanes, block, vars, machine);
  }

 private:
  Var s{"s"}, r{"r"}, g{"g"}, b{"b"};
  halogen::Precision precision;
  halogen::Machine machine;
  halogen::BlockVars vars;
  halogen::LaneSums lanes;
  Func block{"block"}, total{"total_of_set"}, coefficients{"coefficients"};
};

HALIDE_REGISTER_GENERATOR(NormBackwardRow, norm_backward_row)
