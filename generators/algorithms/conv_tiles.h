// A product of matrices that are not in memory as such, by tiles: what GPUs make convolutions and their gradients of.
//   total(u, row, tile) = sum over blocks of channels, taps, and the channels of a block, of x(u, c, tap, tile) * w(row, c, tap, tile)
// Each (tap, block) is a sum of its own, `part`, so that what lies beyond the data is left out as a whole: nothing is multiplied by
// a padding.
#ifndef HALOGEN_GENERATORS_CONV_TILES_H
#define HALOGEN_GENERATORS_CONV_TILES_H

#include <functional>

#include "Halide.h"

namespace halogen {

/// All positions by all rows, of all groups and samples, in tiles of side_u by side_row. Tiles are one dimension, as a GPU's grid has
/// only one that may exceed 65535; those of rows follow each other, as they read the same data.
struct Tiles {
  int side_u, side_row;
  Halide::Expr positions, rows, groups, samples;

  Halide::Expr count() const;
  /// Of element (u, row) of a tile. Tiles at the end reach beyond the positions and rows.
  Halide::Expr position(const Halide::Expr &u, const Halide::Expr &tile) const;
  Halide::Expr row(const Halide::Expr &row, const Halide::Expr &tile) const;
  Halide::Expr group(const Halide::Expr &tile) const;
  Halide::Expr sample(const Halide::Expr &tile) const;

 private:
  Halide::Expr of_rows() const, of_positions() const;
};

/// a / b and a % b of what is not negative: Halide's own round down, for which a GPU takes as long again.
Halide::Expr quotient(const Halide::Expr &a, const Halide::Expr &b);
Halide::Expr remainder(const Halide::Expr &a, const Halide::Expr &b);

struct TileSum {
  Halide::Var u{"u"}, row{"row"}, c{"c"}, tap{"tap"}, tile{"tile"};
  Halide::Func x{"x_tile"};     // (u, c, tap, tile): must be 0 for a channel that is beyond the last
  Halide::Func w{"w_tile"};     // (row, c, tap, tile): the same
  Halide::RDom channel;         // of a block
  Halide::RDom steps;           // tap, block
  Halide::Func part{"part"};    // (u, row, tap, block, tile)
  Halide::Func total{"total"};  // (u, row, tile)
};

/// Defines part and total; x and w are the caller's, in the Vars of `t`, and come before. `present(u, tap, tile)`: whether there is data.
void tile_sum(TileSum *t, const Halide::Type &type, const Halide::Expr &taps, const Halide::Expr &channels, int block,
              const std::function<Halide::Expr(Halide::Expr, Halide::Expr, Halide::Expr)> &present);

}  // namespace halogen
#endif
