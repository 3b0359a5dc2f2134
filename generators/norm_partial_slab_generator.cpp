// Statistics of chunks of rows: the first part of a normalisation whose statistic sets are larger than the cache; lanes run along
// i, and `width` neighbouring i's are a statistic set q. On a GPU every i is one, whatever `width` says: a merge puts them together.
//   mean, m2 (q, k, t, b): mean and sum of squared deviations of chunk k of x(q*width .. q*width + width - 1, :, t, b), f64
// See algorithms/slab_statistics.h for the formulas.
#include "algorithms/precision.h"
#include "algorithms/slab_statistics.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/slab_schedule.h"

using namespace Halide;

class NormPartialSlab : public halogen::Kernel<NormPartialSlab> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"};  // i, r, t, b
  Input<int> width{"width"}, chunk_r{"chunk_r"}, block_r{"block_r"};
  Output<Func> moments{"moments", {Float(64), Float(64)}, 4};  // q, k, t, b

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    x.set_type(precision.storage);
  }

  void generate() {
    doubles = halogen::machine_of(get_target(), Float(64)).vector;
    Func data("data");
    const Var &i = slabs.vars.i, &k = slabs.vars.k, &t = slabs.vars.t, &b = slabs.vars.b, &q = slabs.vars.q;
    Var r("r");
    data(i, r, t, b) = precision.decode(x(i, r, t, b));
    const bool gpu = get_target().has_gpu_feature();
    shape = gpu ? halogen::gpu_slab_shape(x.dim(1).extent(), chunk_r)
                : halogen::SlabShape{width, x.dim(1).extent(), chunk_r, block_r};
    slabs = halogen::slab_statistics(data, shape, doubles);
    moments(q, k, t, b) =
        gpu ? Tuple(slabs.row_mean(q, k, t, b), slabs.row_m2(q, k, t, b)) : Tuple(slabs.moments(q, k, t, b));
  }

  void schedule() {
    halogen::start_at_zero(x);
    const std::vector<OutputImageParam> outputs = Func(moments).output_buffers();
    const std::vector<Expr> extents{x.dim(0).extent() / shape.width, shape.chunks(), x.dim(2).extent(),
                                    x.dim(3).extent()};
    for (int d = 0; d < 4; d++) {
      outputs[0].dim(d).set_bounds(0, extents[d]);
    }
    Func out = moments;
    if (get_target().has_gpu_feature()) return halogen::schedule_slab_threads(slabs, out);
    Var set("set"), task("task");
    out.fuse(slabs.vars.t, slabs.vars.b, set).fuse(slabs.vars.k, set, task).parallel(task).never_partition_all();
    halogen::schedule_slab_statistics(
        slabs, out, task, halogen::machine_of(get_target(), precision.compute, precision.storage), doubles, width);
  }

 private:
  int doubles = 1;
  halogen::Precision precision;
  halogen::SlabShape shape;
  halogen::SlabStatistics slabs;
};

HALIDE_REGISTER_GENERATOR(NormPartialSlab, norm_partial_slab)
