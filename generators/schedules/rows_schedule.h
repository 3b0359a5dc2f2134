// Schedule of what is computed value by value over (s, r, g, b), from vectors that are there.
#ifndef HALOGEN_GENERATORS_ROWS_SCHEDULE_H
#define HALOGEN_GENERATORS_ROWS_SCHEDULE_H

#include "machine.h"

namespace halogen {

struct RowVars {
  Var s, r, g, b;
};

/// grain_g and grain_b: of a task. in_place: `out` is one of the tensors it is computed from, of which `x` is one. GPU: the loop over
/// threads of a block is `thread`.
void schedule_rows(Func out, const RowVars &vars, const Halide::OutputImageParam &x, const Expr &in_place,
                   const Expr &grain_g, const Expr &grain_b, const Machine &machine);

/// The innermost loop of schedule_rows() on a GPU, for what a thread computes before.
inline Var gpu_thread() { return Var("thread"); }

}  // namespace halogen
#endif
