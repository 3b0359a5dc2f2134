// Two sums at once over blocks of values, in lanes: a row's sums stay in registers, then rows are added up, then lanes, the last in
// f64. No f32 sum is of more than about 512 values.
#ifndef HALOGEN_GENERATORS_LANE_SUMS_H
#define HALOGEN_GENERATORS_LANE_SUMS_H

#include <functional>
#include <vector>

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

/// How sums run in parallel: `streams` places of a block at once, `lanes` values side by side at each, added up `folds` at a time.
/// CPU: the lanes are a register. The streams are rows where the rows can be shared out evenly: from memory four places are read faster
/// than one (Zen 3, 2026-11, with the results' rows: training of 32x64x3136 54 -> 74 % of a copy's speed); else neighbours in one row.
/// `folds`, a power of two, is what is added up to one in f64.
/// GPU (threads): a lane is a thread, which takes its part of all rows; one stream.
struct Lanes {
  int lanes, streams, folds;
  bool threads;
};

/// Two sums over part of a block, with their stages for the schedule.
struct LaneSums {
  Expr by_runs;              ///< of the part
  RDom groups;               ///< x: group of lanes, y: row
  RDom rest;                 ///< GPU: x: lane of a row's last group, y: row
  RDom last;                 ///< CPU: a row's end
  RDom singles;              ///< CPU: x: value of a row of less than a vector
  RDom rows;                 ///< x: lanes of a fold, y: stream, z: row
  Func lanes{"lanes"};       ///< (lane, stream, row, ks, kr, g, b), of x's type
  Func folds{"folds"};       ///< (fold, ks, kr, g, b), of x's type
  RDom all;                  ///< GPU: folds, one after the other: by halves, its code would be a fifth larger
  std::vector<Func> halves;  ///< CPU: (fold, ks, kr, g, b), f64, half as many folds each
  Func total{"total"};       ///< (ks, kr, g, b), f64
  Var lane{"lane"}, stream{"stream"}, row{"row"}, fold{"fold"};
};

/// Part of a block's values: runs of `length` values, at most max_length, `runs` of them, at most max_runs; each is of a row, `begin`
/// values into it. CPU: where a row has less values than there are lanes, a run is the whole row. by_runs: a stream is a quarter of the
/// runs, of which there are a multiple of four.
struct Part {
  Expr length, max_length, row_length, runs, max_runs;
  std::function<Expr(const Expr &run)> row, begin;
  Expr by_runs;
};

/// All of a block of length x rows values. Where the rows of a set are a multiple of four, those of a block are.
inline Part whole_block(const BlockShape &shape, const Expr &length, const Expr &rows) {
  return {length,
          shape.block_s,
          length,
          rows,
          shape.block_r,
          [](const Expr &run) { return run; },
          [](const Expr &) { return Expr(0); },
          shape.R % 4 == 0};
}

/// Sums of `term`, of a type, over a part of every block.
LaneSums lane_sums(const BlockVars &at, const Part &part, const Lanes &lanes, const Type &type,
                   const std::function<Halide::Tuple(Expr s, Expr r)> &term);

}  // namespace halogen
#endif
