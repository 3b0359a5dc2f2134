// The statistics of algorithms/statistics.h by the sums of algorithms/slab_sums.h: every i has blocks of rows with a centre each, from
// an eighth of the rows; blocks of an i, then the i's of a set, are merged in f64, mean first.
#ifndef HALOGEN_GENERATORS_SLAB_STATISTICS_H
#define HALOGEN_GENERATORS_SLAB_STATISTICS_H

#include "slab_sums.h"
#include "statistics.h"

namespace halogen {

/// The stages of slab_statistics(), for the schedule.
struct SlabStatistics {
  SlabVars vars;
  RDom blocks;
  Func centre{"centre"};  ///< (i, kr, k, t, b)
  RowSums sample, deviation;
  Func block{"block"};                                              ///< {sum, M2}, (i, kr, k, t, b)
  Func row_sum{"row_sum"}, row_mean{"row_mean"}, row_m2{"row_m2"};  ///< (i, k, t, b): moments of an i
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
