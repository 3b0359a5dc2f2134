// The statistics of algorithms/statistics.h for many short rows: lanes run along i = j*S + s, across the `slab` neighbouring
// channels j of a slab t, so that a row needs no vectors of its own. A block is S x block_r values. Sums run over r first, per
// i, and are added up per channel afterwards. With S = 1 this is the statistics of channel-last data.
#ifndef HALOGEN_GENERATORS_SLAB_STATISTICS_H
#define HALOGEN_GENERATORS_SLAB_STATISTICS_H

#include "statistics.h"

namespace halogen {

/// Sums over the S values of a channel, in f64: vectors of values into lanes, then lanes and what is left.
struct ChannelSum {
  RDom vectors, lanes, singles;  // vectors, singles: values of a channel
  Func folds{"channel_folds"}, total{"channel_total"};
};

/// The stages of slab_statistics(), for the schedule. Functions of (i, kr, t) or (j, kr, t).
struct SlabStatistics {
  Var lane{"lane"}, i{"i"}, j{"j"}, kr{"kr"}, t{"t"};
  RDom row_quads, row_singles, channels, blocks;
  Func shift{"shift"}, centre{"centre"}, centre_i{"centre_i"}, deviation{"deviation"}, block{"block"};
  ChannelSum first_sum, shift_sum, deviation_sum, square_sum;
  Func sum{"sum"}, mean{"mean"}, m2{"m2"}, statistic{"statistic"};
};

/// statistic(j, t) over x(i, r, t), i < slab * S, r < R. `vector`: f32 values in a register.
SlabStatistics slab_statistics(const Func &x, const Expr &slab, const Expr &S, const Expr &R, const Expr &block_r,
                               int vector);

}  // namespace halogen
#endif
