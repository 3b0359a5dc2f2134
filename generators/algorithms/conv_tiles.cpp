#include "conv_tiles.h"

namespace halogen {

using namespace Halide;

Expr quotient(const Expr &a, const Expr &b) { return cast<int>(cast<uint32_t>(a) / cast<uint32_t>(b)); }
Expr remainder(const Expr &a, const Expr &b) { return cast<int>(cast<uint32_t>(a) % cast<uint32_t>(b)); }

Expr Tiles::of_rows() const { return quotient(rows + side_row - 1, side_row); }
Expr Tiles::of_positions() const { return quotient(positions + side_u - 1, side_u); }
Expr Tiles::count() const { return of_rows() * of_positions() * groups * samples; }
Expr Tiles::position(const Expr &u, const Expr &tile) const {
  return remainder(quotient(tile, of_rows()), of_positions()) * side_u + u;
}
Expr Tiles::row(const Expr &row, const Expr &tile) const { return remainder(tile, of_rows()) * side_row + row; }
Expr Tiles::group(const Expr &tile) const { return remainder(quotient(tile, of_rows() * of_positions()), groups); }
Expr Tiles::sample(const Expr &tile) const { return quotient(tile, of_rows() * of_positions() * groups); }

void tile_sum(TileSum *t, const Type &type, const Expr &taps, const Expr &channels, int block,
              const std::function<Expr(Expr, Expr, Expr)> &present) {
  const Expr zero = cast(type, 0);
  Var b("b");
  t->channel = RDom(0, block, "channel");
  t->steps = RDom(0, taps, 0, (channels + block - 1) / block, "steps");
  const Expr at = b * block + t->channel;
  t->part(t->u, t->row, t->tap, b, t->tile) = zero;
  t->part(t->u, t->row, t->tap, b, t->tile) += t->x(t->u, at, t->tap, t->tile) * t->w(t->row, at, t->tap, t->tile);
  t->total(t->u, t->row, t->tile) = zero;
  t->total(t->u, t->row, t->tile) +=
      select(present(t->u, t->steps.x, t->tile), t->part(t->u, t->row, t->steps.x, t->steps.y, t->tile), zero);
}

}  // namespace halogen
