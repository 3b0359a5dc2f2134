// Two sums at once over blocks of values, in lanes: a row's sums stay in registers, then rows are added up, then lanes, the last in
// f64. No f32 sum is of more than about 512 values.
#ifndef HALOGEN_GENERATORS_LANE_SUMS_H
#define HALOGEN_GENERATORS_LANE_SUMS_H

#include <functional>

#include "Halide.h"

namespace halogen {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Type;
using Halide::Var;

/// Part of an S x R set of values that one statistic is taken over: blocks of block_s x block_r.
struct BlockShape {
  Expr S, R, block_s, block_r;

  Expr blocks_s() const;
  Expr blocks_r() const;
  Expr length_s(const Expr &ks) const;
  Expr length_r(const Expr &kr) const;
  /// Values in block (ks, kr), as f64.
  Expr count(const Expr &ks, const Expr &kr) const;
};

/// Block (ks, kr) of set (g, b).
struct BlockVars {
  Var ks{"ks"}, kr{"kr"}, g{"g"}, b{"b"};
};

/// How sums run in parallel: `lanes` side by side, `vector` of them in a register, added up `folds` at a time. CPU: a sum is
/// of one row. GPU: a lane is a thread, and takes its part of all rows.
struct Lanes {
  int lanes, vector, folds;
  bool all_rows;
};

/// Two sums over part of a block, with their stages for the schedule.
struct LaneSums {
  RDom groups;          ///< x: group of lanes, y: row
  RDom vectors;         ///< x: lane in vector, y: vector, z: row
  RDom last;            ///< x: lane in the last vector of a row
  RDom singles;         ///< x: lane in vector, y: value
  RDom rows;            ///< x: lanes of a fold, y: row
  RDom fold_total;      ///< x: fold
  Func lanes{"lanes"};  ///< (lane, row, ks, kr, g, b), of x's type
  Func folds{"folds"};  ///< (fold, ks, kr, g, b), of x's type
  Func total{"total"};  ///< (ks, kr, g, b), f64
  Var lane{"lane"}, row{"row"}, fold{"fold"};
};

/// Part of a block's values: runs of `length` values, at most max_length, `runs` of them, at most max_runs. Run i is in row
/// (i >> halves) * row_step; with `halves` 1 rather than 0, odd runs begin `offset` values into it.
struct Part {
  Expr length, max_length, runs, max_runs;
  Expr halves, offset, row_step;
};

/// All of a block of length x rows values.
inline Part whole_block(const BlockShape &shape, const Expr &length, const Expr &rows) {
  return {length, shape.block_s, rows, shape.block_r, 0, 0, 1};
}

/// Sums of `term`, of a type, over a part of every block.
LaneSums lane_sums(const BlockVars &at, const Part &part, const Lanes &lanes, const Type &type,
                   const std::function<Halide::Tuple(Expr s, Expr r)> &term);

}  // namespace halogen
#endif
