// Sums of chunks of rows for the backward pass; lanes run along i, across the channels j = i / S of slab t.
//   s1, s2 (j, k, t, b): sum(dy), sum(dy (x - mean_hi)) of chunk k of x(j*S .. j*S + S - 1, :, t, b), f64; on a GPU of every i
// Means: (set, t, b), a set of `per_set` neighbouring channels. See algorithms/gradients.h.
#include "algorithms/expanded.h"
#include "algorithms/gradients.h"
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/slab_schedule.h"

using namespace Halide;

class NormSumsSlab : public halogen::Kernel<NormSumsSlab> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"}, dy{"dy"}, y{"y"};  // i, r, t, b
  Input<Buffer<void, 3>> mean_hi{"mean_hi"};        // set, t, b
  Input<bool> masked{"masked"};                     // dy is of an activation's result, y
  Input<double> negative_slope{"negative_slope"};
  Input<int> S{"S"}, per_set{"per_set"}, chunk_r{"chunk_r"}, block_r{"block_r"};
  Output<Func> sums{"sums", {Float(64), Float(64)}, 4};  // j, k, t, b

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    for (auto *data : {&x, &dy, &y}) data->set_type(precision.storage);
    mean_hi.set_type(precision.compute);
  }

  void generate() {
    const halogen::OutputGradient gradient{precision, dy, y, masked, negative_slope};
    doubles = halogen::machine_of(get_target(), Float(64)).vector;
    const bool gpu = get_target().has_gpu_feature();
    shape = gpu ? halogen::gpu_slab_shape(x.dim(1).extent(), chunk_r)
                : halogen::SlabShape{S, x.dim(1).extent(), chunk_r, block_r};
    const auto of_channel = [&](const Expr &, const Expr &set) {
      return std::vector<Expr>{mean_hi(set, mean.t, mean.b)};
    };
    halogen::expand(&mean, of_channel, x.dim(0).extent() / S, S, per_set, !gpu);
    totals = halogen::slab_sums(vars, shape, precision.compute, doubles, [&](const Expr &r) {
      const Expr g = gradient(vars.i, r, vars.t, vars.b);
      const Expr value = precision.decode(x(vars.i, r, vars.t, vars.b));
      return Tuple(g, g * strict_float(value - mean.all(vars.i, vars.t, vars.b)));
    });
    const std::vector<Expr> at{vars.q, vars.k, vars.t, vars.b};
    sums(at) = gpu ? Tuple(totals.by_row(at)) : Tuple(totals.first.total(at), totals.second.total(at));
  }

  void schedule() {
    const halogen::Machine machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    halogen::start_at_zero(x);
    halogen::same_shape(dy, x);
    halogen::same_shape(y, x);
    branch_on(masked);
    halogen::channel_vector(mean_hi, get_target());
    const std::vector<OutputImageParam> outputs = Func(sums).output_buffers();
    const std::vector<Expr> extents{x.dim(0).extent() / shape.width, shape.chunks(), x.dim(2).extent(),
                                    x.dim(3).extent()};
    for (int d = 0; d < 4; d++) {
      outputs[0].dim(d).set_bounds(0, extents[d]);
    }
    Func out = sums;
    if (machine.gpu) return halogen::schedule_slab_threads(totals, vars, out, mean);
    Var set("set"), task("task");
    out.fuse(vars.t, vars.b, set).fuse(vars.k, set, task).parallel(task).never_partition_all();
    halogen::schedule_slab_sums(totals, vars, out, task, machine, doubles, S);
    halogen::schedule_expanded(mean, out, task, S, per_set, machine);
  }

 private:
  int doubles = 1;
  halogen::SlabVars vars;
  halogen::Precision precision;
  halogen::SlabShape shape;
  halogen::Expanded mean;
  halogen::SlabSums totals;
};

HALIDE_REGISTER_GENERATOR(NormSumsSlab, norm_sums_slab)
