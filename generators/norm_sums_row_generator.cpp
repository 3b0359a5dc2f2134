// Sums of blocks for the backward pass; lanes run along s.
//   s1, s2 (ks, kr, g, b): sum(dy), sum(dy (x - mean_hi)) of block (ks, kr) of x(:, :, g, b), f64
// Means: (set, b), a set of `per_set` neighbouring g's. See algorithms/gradients.h.
#include "algorithms/gradients.h"
#include "algorithms/lane_sums.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/lane_schedule.h"

using namespace Halide;

class NormSumsRow : public halogen::Kernel<NormSumsRow> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"}, dy{"dy"}, y{"y"};  // s, r, g, b
  Input<Buffer<void, 2>> mean_hi{"mean_hi"};        // set, b
  Input<bool> masked{"masked"};                     // dy is of an activation's result, y
  Input<double> negative_slope{"negative_slope"};
  Input<int> per_set{"per_set"};
  Input<int> block_s{"block_s"}, block_r{"block_r"};
  Input<int> grain{"grain"}, sets{"sets"};               // of a task: blocks of a row, g's
  Output<Func> sums{"sums", {Float(64), Float(64)}, 4};  // ks, kr, g, b

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&x, &dy, &y}) data->set_type(precision.storage);
    mean_hi.set_type(precision.compute);
  }

  void generate() {
    const halogen::OutputGradient gradient{precision, dy, y, masked, negative_slope};
    machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    shape = {x.dim(0).extent(), x.dim(1).extent(), block_s, block_r};
    const Expr first_s = vars.ks * block_s, first_r = vars.kr * block_r;
    lanes = halogen::lane_sums(vars, halogen::whole_block(shape, shape.length_s(vars.ks), shape.length_r(vars.kr)),
                               machine.lanes, precision.compute, [&](const Expr &s, const Expr &r) {
                                 const Expr at_s = unsafe_promise_clamped(first_s + s, 0, shape.S - 1);
                                 const Expr at_r = unsafe_promise_clamped(first_r + r, 0, shape.R - 1);
                                 const Expr at_g = unsafe_promise_clamped(vars.g, 0, x.dim(2).extent() - 1);
                                 const Expr g = gradient(at_s, at_r, at_g, vars.b);
                                 const Expr value = precision.decode(x(at_s, at_r, at_g, vars.b));
                                 return Tuple(g, g * strict_float(value - mean_hi(at_g / per_set, vars.b)));
                               });
    block(vars.ks, vars.kr, vars.g, vars.b) = lanes.total(vars.ks, vars.kr, vars.g, vars.b);
    sums(vars.ks, vars.kr, vars.g, vars.b) = block(vars.ks, vars.kr, vars.g, vars.b);
  }

  void schedule() {
    halogen::start_at_zero(x);
    halogen::same_shape(dy, x);
    halogen::same_shape(y, x);
    branch_on(masked);
    halogen::any_strides(mean_hi);
    const std::vector<OutputImageParam> outputs = Func(sums).output_buffers();
    const std::vector<Expr> extents{shape.blocks_s(), shape.blocks_r(), x.dim(2).extent(), x.dim(3).extent()};
    for (int i = 0; i < 4; i++) {
      outputs[0].dim(i).set_bounds(0, extents[i]);
    }
    halogen::schedule_blocks(sums, block, vars, grain, sets, machine);
    if (!machine.gpu) {
      block.bound_storage(vars.g, halogen::kSetsAtOnce);
      halogen::bound_sets(lanes, vars.g, halogen::kSetsAtOnce);
    }
    halogen::schedule_lane_sums(lanes, block, vars, machine);
  }

 private:
  halogen::BlockVars vars;
  halogen::Precision precision;
  halogen::Machine machine;
  halogen::BlockShape shape;
  halogen::LaneSums lanes;
  Func block{"block"};
};

HALIDE_REGISTER_GENERATOR(NormSumsRow, norm_sums_row)
