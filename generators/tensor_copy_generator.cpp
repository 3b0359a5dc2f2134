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
  Input<int> grain{"grain"};  // d1's in a task
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
    Var outer("outer"), some("some"), planes("planes"), task("task");
    out.split(d1, outer, some, grain, TailStrategy::GuardWithIf).fuse(d2, d3, planes).fuse(outer, planes, task);
    out.parallel(task).never_partition_all();
    const Expr dense = from.dim(0).stride() == 1 && to.dim(0).stride() == 1;
    out.specialize(dense).vectorize(d0, vector, TailStrategy::GuardWithIf);
    // Turned over: what a tile reads and writes stays in L1.
    constexpr int kTile = 32;
    Var rows("rows"), columns("columns"), row("row"), column("column");
    out.specialize(from.dim(1).stride() == 1 && to.dim(0).stride() == 1)
        .tile(d0, some, columns, rows, column, row, kTile, kTile, TailStrategy::GuardWithIf)
        .vectorize(column, vector, TailStrategy::GuardWithIf);
  }

 private:
  Var d0{"d0"}, d1{"d1"}, d2{"d2"}, d3{"d3"};
};

HALIDE_REGISTER_GENERATOR(TensorCopy, tensor_copy)
