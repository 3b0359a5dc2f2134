// to(d0, d1, d2, d3) = from(d0, d1, d2, d3), any strides on both sides; on a GPU of eight dimensions.
#include "algorithms/precision.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/machine.h"

using namespace Halide;

class TensorCopy : public halogen::Kernel<TensorCopy> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void>> from{"from"};
  Input<int> grain{"grain"}, grain_planes{"grain_planes"};  // d1's in a task, and (d0, d1) planes
  Output<Buffer<void>> to{"to"};

  void configure() {
    const Type type = halogen::Precision(dtype, get_target()).storage;
    const int rank = get_target().has_gpu_feature() ? 8 : 4;
    from.set_type(type);
    to.set_type(type);
    from.set_dimensions(rank);
    to.set_dimensions(rank);
    for (int i = 0; i < rank; i++) d.emplace_back("d" + std::to_string(i));
  }

  void generate() {
    if (!get_target().has_gpu_feature()) {
      to(d) = from(d);
      return;
    }
    std::vector<Expr> at(d.begin(), d.end());
    for (int i : {0, 1}) at[i] = clamp(d[i], 0, from.dim(i).extent() - 1);
    tile(d) = from(at);
    to(d) = select(turned(), tile(d), from(d));
  }

  void schedule() {
    halogen::any_strides(from);
    halogen::same_shape(to, from);
    to.dim(0).set_stride(Expr());
    if (get_target().has_gpu_feature()) {
      schedule_gpu();
    } else {
      schedule_cpu();
    }
  }

 private:
  void schedule_cpu() {
    const int vector = get_target().natural_vector_size(to.type());
    Func out = to;
    Var outer("outer"), some("some"), planes("planes"), plane("plane"), task("task");
    out.split(d[1], outer, some, grain, TailStrategy::GuardWithIf).fuse(d[2], d[3], planes);
    out.split(planes, planes, plane, grain_planes, TailStrategy::GuardWithIf)
        .reorder(d[0], some, plane, outer, planes)
        .fuse(outer, planes, task)
        .parallel(task)
        .never_partition_all();
    // Whole vectors, of which a row's last may overlap the one before (`from` and `to` have no memory in common), or single values: masked
    // stores take some CPUs twenty cycles.
    const Expr written = to.dim(0).stride() == 1, extent = from.dim(0).extent();
    out.specialize(written && from.dim(0).stride() == 1 && extent >= vector)
        .vectorize(d[0], vector, TailStrategy::ShiftInwards);
    // Turned over: what a tile of rows reads stays in L1 until the next column of tiles has the rest of its lines.
    constexpr int kRows = 32;
    Var rows("rows"), columns("columns"), row("row"), column("column");
    out.specialize(written && from.dim(1).stride() == 1 && extent >= vector)
        .split(d[0], columns, column, vector, TailStrategy::ShiftInwards)
        .split(some, rows, row, kRows, TailStrategy::GuardWithIf)
        .reorder(column, row, columns, rows)
        .vectorize(column);
  }

  /// GPU: rows are read along d1 where they are written along d0, both long enough for a tile.
  Expr turned() const {
    return few() && from.dim(1).stride() == 1 && from.dim(0).extent() >= kTile / 2 && from.dim(1).extent() >= kTile / 2;
  }

  /// No more than four dimensions.
  Expr few() const {
    Expr all = from.dim(4).extent() == 1;
    for (int i = 5; i < from.dimensions(); i++) all = all && from.dim(i).extent() == 1;
    return all;
  }

  /// Blocks of 256 threads x 4 values, all in a grid's first dimension: only that may exceed 65535.
  void schedule_gpu() {
    constexpr int kThreads = 256, kItems = 4, kRows = kThreads / kTile;
    Func out = to;
    Var block("block"), values("values"), thread("thread"), item("item"), rows("rows"), row("row"), column("column");
    // Through shared memory, so that both sides go by whole lines; a gap of one value keeps a column in different banks.
    Stage over = out.specialize(turned());
    over.split(d[0], d[0], column, kTile, TailStrategy::GuardWithIf)
        .split(d[1], d[1], rows, kTile, TailStrategy::GuardWithIf)
        .split(rows, item, row, kRows)
        .reorder(item, column, row, d[0], d[1], d[2], d[3])
        .fuse(d[0], d[1], block)
        .fuse(block, d[2], block)
        .fuse(block, d[3], block)
        .gpu_blocks(block)
        .gpu_threads(column, row);
    tile.compute_at(out, block).store_in(MemoryType::GPUShared).align_storage(d[0], kTile + 1);
    tile.bound_extent(d[0], kTile).bound_extent(d[1], kTile);
    tile.split(d[0], item, row, kRows).reorder(item, d[1], row).unroll(item).gpu_threads(d[1], row);
    // A value's place in its plane takes one division, a block's three.
    Stage planes = out.specialize(few() && from.dim(0).extent() * from.dim(1).extent() >= kThreads);
    planes.fuse(d[0], d[1], values)
        .split(values, block, values, kItems * kThreads, TailStrategy::GuardWithIf)
        .split(values, item, thread, kThreads)
        .reorder(item, thread, block, d[2], d[3])
        .unroll(item)
        .fuse(block, d[2], block)
        .fuse(block, d[3], block)
        .gpu_blocks(block)
        .gpu_threads(thread);
    out.fuse(d[0], d[1], values);
    for (int i = 2; i < from.dimensions(); i++) out.fuse(values, d[i], values);
    out.split(values, block, values, kItems * kThreads, TailStrategy::GuardWithIf)
        .split(values, item, thread, kThreads)
        .reorder(item, thread, block)
        .gpu_blocks(block)
        .gpu_threads(thread);
  }

  static constexpr int kTile = 32;
  std::vector<Var> d;
  Func tile{"tile"};
};

HALIDE_REGISTER_GENERATOR(TensorCopy, tensor_copy)
