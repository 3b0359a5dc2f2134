// Two sums at once with lanes across neighbouring positions: for channel-last data, where i is the channel, and for channel-first data
// with rows too short for vectors of their own, where i = j*S + s runs across the channels j of a slab. `width` neighbouring i's
// belong together.
//
// A sum of an i runs over the rows of a block, at most 128, in the type of the data; blocks, then i's, are added up in f64.
#ifndef HALOGEN_GENERATORS_SLAB_SUMS_H
#define HALOGEN_GENERATORS_SLAB_SUMS_H

#include "lane_sums.h"

namespace halogen {

/// x(i, r, t, b): rows in chunks k, of which each has results of its own; a chunk in blocks kr.
struct SlabShape {
  Expr width;  ///< i's in a set q
  Expr rows, chunk_rows, block_rows;
  int blocks_at_once = 0;  ///< GPU: of a chunk, each by a thread; else any number

  Expr chunks() const;
  Expr blocks() const;                               ///< of a chunk, at most
  Expr chunk_length(const Expr &k) const;            ///< rows
  Expr length(const Expr &kr, const Expr &k) const;  ///< rows of a block
  Expr row(const Expr &kr, const Expr &k, const Expr &r) const;
};

struct SlabVars {
  Var i{"i"}, q{"q"}, kr{"kr"}, k{"k"}, t{"t"}, b{"b"};
};

/// Rows from which on their quarters are of an odd number.
constexpr int kManyRows = 64;

/// Two sums over the rows of every block.
struct RowSums {
  RDom quads, singles;
  Func sums{"row_sums"};  ///< (i, kr, k, t, b)
};

/// Of `term`, a function of the row in the tensor, at SlabVars, over the first `length` rows of a block, at most max_length.
RowSums row_sums(const SlabVars &at, const SlabShape &shape, const Expr &length, const Expr &max_length,
                 const Type &type, const std::function<Halide::Tuple(Expr r)> &term);

/// A sum over the i's of a set, in f64: vectors of values into lanes, then lanes and what is left.
struct SetSum {
  Var lane{"lane"};
  RDom vectors, lanes, singles;
  Func folds{"set_folds"};  ///< (lane, q, k, t, b)
  Func total{"set_total"};  ///< (q, k, t, b)
};

/// Of value(i). `vector`: f64 values in a register.
SetSum set_sum(const SlabVars &at, const Expr &width, int vector, const std::function<Expr(Expr i)> &value);

/// Two sums over all rows of a chunk and all i's of a set.
struct SlabSums {
  RowSums rows;
  RDom blocks;
  Func by_row{"by_row"};  ///< (i, k, t, b), f64
  SetSum first, second;
};

/// Of `term`, as row_sums(). `vector`: f64 values in a register.
SlabSums slab_sums(const SlabVars &at, const SlabShape &shape, const Type &type, int vector,
                   const std::function<Halide::Tuple(Expr r)> &term);

}  // namespace halogen
#endif
