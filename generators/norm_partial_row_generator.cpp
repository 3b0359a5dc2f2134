// Statistics of blocks: the first part of a normalisation whose statistic sets are larger than the cache.
//   mean, m2 (ks, kr, g, b): mean and sum of squared deviations of block (ks, kr) of x(:, :, g, b), f64
// See algorithms/statistics.h for the formulas.
#include "algorithms/precision.h"
#include "algorithms/statistics.h"
#include "kernel.h"
#include "schedules/buffers.h"
#include "schedules/lane_schedule.h"
#include "schedules/statistics_schedule.h"

using namespace Halide;

class NormPartialRow : public halogen::Kernel<NormPartialRow> {
 public:
  GeneratorParam<halogen::Dtype> dtype{"dtype", halogen::Dtype::f32, halogen::dtypes};
  Input<Buffer<void, 4>> x{"x"};  // s, r, g, b
  Input<int> block_s{"block_s"}, block_r{"block_r"};
  Input<int> grain{"grain"}, sets{"sets"};                   // of a task: blocks of a row, g's
  Output<Func> blocks{"blocks", {Float(64), Float(64)}, 4};  // ks, kr, g, b

  void configure() {
    precision = halogen::Precision(dtype, get_target());
    x.set_type(precision.storage);
  }

  void generate() {
    machine = halogen::machine_of(get_target(), precision.compute, precision.storage);
    shape = {x.dim(0).extent(), x.dim(1).extent(), block_s, block_r};
    Func data("data");
    data(s, r, g, b) = precision.decode(x(s, r, unsafe_promise_clamped(g, 0, x.dim(2).extent() - 1), b));
    statistics = halogen::block_statistics(data, shape, machine.lanes);
    blocks(statistics.vars.ks, statistics.vars.kr, g, b) =
        statistics.block(statistics.vars.ks, statistics.vars.kr, g, b);
  }

  void schedule() {
    halogen::start_at_zero(x);
    const std::vector<OutputImageParam> outputs = Func(blocks).output_buffers();
    const std::vector<Expr> extents{shape.blocks_s(), shape.blocks_r(), x.dim(2).extent(), x.dim(3).extent()};
    for (int i = 0; i < 4; i++) {
      outputs[0].dim(i).set_bounds(0, extents[i]);
    }
    halogen::schedule_blocks(blocks, statistics.block, statistics.vars, grain, sets, machine);
    if (!machine.gpu) {
      statistics.block.bound_storage(statistics.vars.g, halogen::kSetsAtOnce);
      halogen::bound_sets(statistics, halogen::kSetsAtOnce);
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
