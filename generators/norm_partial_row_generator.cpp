// Statistics of blocks: the first part of a normalisation whose statistic sets are larger than the cache.
//   mean, m2 (ks, kr, g, b): mean and sum of squared deviations of block (ks, kr) of x(:, :, g, b), f64
// See algorithms/statistics.h for the formulas.
#include "algorithms/precision.h"
#include "algorithms/statistics.h"
#include "schedules/buffers.h"
#include "schedules/statistics_schedule.h"

using namespace Halide;

class NormPartialRow : public Generator<NormPartialRow> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"};  // s, r, g, b
  Input<int> block_s{"block_s"}, block_r{"block_r"};
  Input<int> grain{"grain"};                                 // g's in a task
  Output<Func> blocks{"blocks", {Float(64), Float(64)}, 4};  // ks, kr, g, b

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    x.set_type(precision.storage);
  }

  void generate() {
    machine = halogen::machine_of(get_target(), precision.compute);
    shape = {x.dim(0).extent(), x.dim(1).extent(), block_s, block_r};
    Func data("data");
    data(s, r, g, b) = precision.decode(x(s, r, g, b));
    statistics = halogen::block_statistics(data, shape, machine.lanes);
    blocks(statistics.ks, statistics.kr, g, b) = statistics.block(statistics.ks, statistics.kr, g, b);
  }

  void schedule() {
    const Var &ks = statistics.ks, &kr = statistics.kr;
    halogen::start_at_zero(x);
    const std::vector<OutputImageParam> outputs = Func(blocks).output_buffers();
    const std::vector<Expr> extents{shape.blocks_s(), shape.blocks_r(), x.dim(2).extent(), x.dim(3).extent()};
    for (int i = 0; i < 4; i++) {
      outputs[0].dim(i).set_bounds(0, extents[i]);
    }
    Func out = blocks;
    Var block("block"), set("set"), outer("outer"), inner("inner");
    if (machine.gpu) {
      // A thread block per block of values: many even when rows are few and long. Sets go first: only a grid's first
      // dimension may exceed 65535.
      out.fuse(ks, kr, block).fuse(g, b, set).reorder(set, block).gpu_blocks(set, block);
      statistics.block.compute_at(out, set).store_in(MemoryType::GPUShared);
    } else {
      // `grain` neighbouring blocks of a row are a task.
      out.reorder(ks, kr, g, b).split(ks, outer, inner, grain, TailStrategy::GuardWithIf);
      out.fuse(outer, kr, block).fuse(block, g, set).parallel(set).parallel(b).never_partition_all();
      statistics.block.compute_at(out, inner);
    }
    halogen::schedule_block_statistics(statistics, machine);
  }

 private:
  Var s{"s"}, r{"r"}, g{"g"}, b{"b"};
  halogen::Precision precision;
  halogen::Machine machine;
  halogen::BlockShape shape;
  halogen::BlockStatistics statistics;
};

HALIDE_REGISTER_GENERATOR(NormPartialRow, norm_partial_row)
