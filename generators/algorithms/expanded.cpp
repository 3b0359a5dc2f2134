#include "expanded.h"

namespace halogen {

using namespace Halide;

void expand(Expanded *e, const std::vector<Expr> &values, const Expr &slab, const Expr &S, bool copied) {
  e->of_channel(e->j, e->t, e->b) = Tuple(values);
  e->channels = RDom(0, S, 0, slab, "channels");
  const RVar s = e->channels.x, channel = e->channels.y;
  const auto of = [&](const Expr &j) {
    std::vector<Expr> of_channel;
    for (size_t v = 0; v < values.size(); v++) {
      const FuncRef found = e->of_channel(j, e->t, e->b);
      of_channel.push_back(values.size() == 1 ? Expr(found) : Expr(found[static_cast<int>(v)]));
    }
    return Tuple(of_channel);
  };
  if (!copied) {
    e->all(e->i, e->t, e->b) = of(e->i / S);
    return;
  }
  std::vector<Expr> undefined;
  for (const Expr &value : values) undefined.push_back(undef(value.type()));
  e->all(e->i, e->t, e->b) = Tuple(undefined);
  e->all(channel * S + s, e->t, e->b) = of(channel);
}

}  // namespace halogen
