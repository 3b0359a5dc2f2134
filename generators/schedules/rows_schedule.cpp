#include "rows_schedule.h"

namespace halogen {

using namespace Halide;

void schedule_rows(Func out, const RowVars &vars, const OutputImageParam &x, const Expr &in_place, const Expr &grain_g,
                   const Expr &grain_b, const Machine &machine) {
  const auto &[s, r, g, b] = vars;
  if (machine.gpu) {
    // Blocks of 256 threads x 4 values along s. Sets go first: only a grid's first dimension may exceed 65535.
    const int threads = machine.lanes.lanes;
    const Var thread = gpu_thread();
    Var outer("outer"), item("item"), set("set");
    out.split(s, outer, thread, 4 * threads, TailStrategy::GuardWithIf)
        .split(thread, item, thread, threads)
        .fuse(g, b, set)
        .reorder(item, thread, set, outer, r)
        .gpu_blocks(set, outer, r)
        .gpu_threads(thread);
    return;
  }
  // Memory order, whatever the scope: streams that the hardware prefetches.
  Var outer_g("outer_g"), outer_b("outer_b"), inner_g("inner_g"), inner_b("inner_b"), task("task");
  out.split(g, outer_g, inner_g, grain_g, TailStrategy::GuardWithIf)
      .split(b, outer_b, inner_b, grain_b, TailStrategy::GuardWithIf)
      .reorder(s, r, inner_g, inner_b, outer_g, outer_b)
      .fuse(outer_g, outer_b, task)
      .parallel(task)
      .never_partition(r, inner_g, inner_b, task);
  // A row's last vector overlaps the one before, which would read what was written if out is in place. Where rows are short, the loop
  // over the rows of a set costs as much as a row: none where there is one.
  const Expr overlaps = !in_place && x.dim(0).extent() >= machine.stored;
  for (const Expr &condition : {overlaps && x.dim(1).extent() == 1, overlaps}) {
    out.specialize(condition).vectorize(s, machine.stored, TailStrategy::ShiftInwards);
  }
  out.vectorize(s, machine.stored, TailStrategy::GuardWithIf);
}

}  // namespace halogen
