// to(d0, d1, d2, d3) = from(d0, d1, d2, d3), any strides on both sides.
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/machine.h"

using namespace Halide;

class TensorCopy : public halogen::Kernel<TensorCopy> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> from{"from"};
  Input<int> grain{"grain"}, grain_planes{"grain_planes"};  // d1's in a task, and (d0, d1) planes
  Output<Buffer<void, 4>> to{"to"};

  void configure() {
    const Type type = halogen::Precision(dtype, get_target()).storage;
    from.set_type(type);
    to.set_type(type);
  }

  void generate() { to(d0, d1, d2, d3) = from(d0, d1, d2, d3); }

  void schedule() {
    halogen::any_strides(from);
    halogen::same_shape(to, from);
    to.dim(0).set_stride(Expr());
    const int vector = get_target().natural_vector_size(to.type());
    Func out = to;
    Var outer("outer"), some("some"), planes("planes"), plane("plane"), task("task");
    out.split(d1, outer, some, grain, TailStrategy::GuardWithIf).fuse(d2, d3, planes);
    out.split(planes, planes, plane, grain_planes, TailStrategy::GuardWithIf).reorder(d0, some, plane, outer, planes);
    out.fuse(outer, planes, task);
    out.parallel(task).never_partition_all();
    // Whole vectors, of which a row's last may overlap the one before (`from` and `to` have no memory in common), or single values: masked
    // stores take some CPUs twenty cycles.
    const Expr written = to.dim(0).stride() == 1, extent = from.dim(0).extent();
    out.specialize(written && from.dim(0).stride() == 1 && extent >= vector)
        .vectorize(d0, vector, TailStrategy::ShiftInwards);
    // Turned over: what a tile of rows reads stays in L1 until the next column of tiles has the rest of its lines.
    constexpr int kRows = 32;
    Var rows("rows"), columns("columns"), row("row"), column("column");
    out.specialize(written && from.dim(1).stride() == 1 && extent >= vector)
        .split(d0, columns, column, vector, TailStrategy::ShiftInwards)
        .split(some, rows, row, kRows, TailStrategy::GuardWithIf)
        .reorder(column, row, columns, rows)
        .vectorize(column);
  }

 private:
  Var d0{"d0"}, d1{"d1"}, d2{"d2"}, d3{"d3"};
};

HALIDE_REGISTER_GENERATOR(TensorCopy, tensor_copy)
