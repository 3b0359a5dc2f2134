#include "expanded.h"

namespace halogen {

using namespace Halide;

void expand(Expanded *e, const std::vector<Expr> &values, const Expr &slab, const Expr &S) {
  e->of_channel(e->j, e->t, e->b) = Tuple(values);
  e->channels = RDom(0, S, 0, slab, "channels");
  const RVar s = e->channels.x, channel = e->channels.y;
  std::vector<Expr> undefined, copies;
  for (size_t v = 0; v < values.size(); v++) {
    const Expr copied = values.size() == 1 ? Expr(e->of_channel(channel, e->t, e->b))
                                           : Expr(e->of_channel(channel, e->t, e->b)[static_cast<int>(v)]);
    undefined.push_back(undef(values[v].type()));
    copies.push_back(copied);
  }
  e->all(e->i, e->t, e->b) = Tuple(undefined);
  e->all(channel * S + s, e->t, e->b) = Tuple(copies);
}

}  // namespace halogen
