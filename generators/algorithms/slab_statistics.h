// The statistics of algorithms/statistics.h with lanes across neighbouring values of different rows' positions: for channel-last
// data, where i is the channel, and for channel-first data with rows too short for vectors of their own, where i = j*S + s runs
// across the channels j of a slab. `width` neighbouring i's are a statistic set.
//
// Every i has blocks of at most 128 rows r with a centre each, a sum of an i runs over r, in the type of the data. Blocks of an i,
// then the i's of a set, are merged in f64, mean first.
#ifndef HALOGEN_GENERATORS_SLAB_STATISTICS_H
#define HALOGEN_GENERATORS_SLAB_STATISTICS_H

#include "statistics.h"

namespace halogen {

/// What is summed up, in Halide's terms x(i, r, t, b): rows in chunks, of which each has statistics of its own; a chunk in blocks.
struct SlabShape {
  Expr width;  ///< i's in a set
  Expr rows, chunk_rows, block_rows;

  Expr chunks() const;
};

/// Sums over the `width` i's of a set q, in f64: vectors of values into lanes, then lanes and what is left.
struct SetSum {
  RDom vectors, lanes, singles;
  Func folds{"set_folds"};  ///< (lane, q, k, t, b)
  Func total{"set_total"};  ///< (q, k, t, b)
};

/// The stages of slab_statistics(), for the schedule.
struct SlabStatistics {
  Var lane{"lane"}, i{"i"}, q{"q"}, kr{"kr"}, k{"k"}, t{"t"}, b{"b"};
  RDom sample_rows, row_quads, row_singles, blocks;
  Func sample{"sample"}, centre{"centre"}, deviation{"deviation"};  ///< (i, kr, k, t, b)
  Func block{"block"};                                              ///< {sum, M2}, (i, kr, k, t, b)
  Func row_sum{"row_sum"}, row_mean{"row_mean"}, row_m2{"row_m2"};  ///< (i, k, t, b)
  SetSum mean_sum, m2_sum;
  Func mean{"mean"};        ///< (q, k, t, b)
  Func moments{"moments"};  ///< {mean, M2}, (q, k, t, b), f64
};

/// moments(q, k, t, b) over x(i, r, t, b). `vector`: f64 values in a register.
SlabStatistics slab_statistics(const Func &x, const SlabShape &shape, int vector);

/// Values in chunk k of a set, as f64.
Expr slab_count(const SlabShape &shape, const Expr &k);

}  // namespace halogen
#endif
