// Statistics of blocks: the first part of a normalisation whose statistic sets are larger than the cache.
//   mean, m2 (ks, kr, g, b): mean and sum of squared deviations of block (ks, kr) of x(:, :, g, b), f64
// See algorithms/statistics.h for the formulas.
#include "algorithms/statistics.h"
#include "schedules/buffers.h"
#include "schedules/statistics_schedule.h"

using namespace Halide;

class NormPartial : public Generator<NormPartial> {
 public:
  Input<Buffer<float, 4>> x{"x"};  // s, r, g, b
  Input<int> block_s{"block_s"}, block_r{"block_r"};
  Input<int> grain{"grain"};                                 // g's in a task
  Output<Func> blocks{"blocks", {Float(64), Float(64)}, 4};  // ks, kr, g, b

  void generate() {
    machine = halogen::machine_of(get_target());
    shape = {x.dim(0).extent(), x.dim(1).extent(), block_s, block_r};
    statistics = halogen::block_statistics(x, shape, machine.lanes);
    blocks(statistics.ks, statistics.kr, statistics.g, statistics.b) =
        statistics.block(statistics.ks, statistics.kr, statistics.g, statistics.b);
  }

  void schedule() {
    const Var &ks = statistics.ks, &kr = statistics.kr, &g = statistics.g, &b = statistics.b;
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
  halogen::Machine machine;
  halogen::BlockShape shape;
  halogen::BlockStatistics statistics;
};

HALIDE_REGISTER_GENERATOR(NormPartial, norm_partial)
