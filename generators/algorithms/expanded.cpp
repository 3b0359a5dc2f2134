#include "expanded.h"

namespace halogen {

using namespace Halide;

static Tuple undefined(const std::vector<Expr> &like) {
  std::vector<Expr> values;
  for (const Expr &value : like) values.push_back(undef(value.type()));
  return Tuple(values);
}

void expand(Expanded *e, const std::function<std::vector<Expr>(Expr j, Expr set)> &values, const Expr &slab,
            const Expr &S, const Expr &per_set, bool copied) {
  const std::vector<Expr> looked_up = values(e->j, e->j / per_set);
  const auto of = [&](const Expr &j) {
    const FuncRef found = e->of_channel(j, e->t, e->b);
    std::vector<Expr> of_channel;
    for (size_t v = 0; v < looked_up.size(); v++) {
      of_channel.push_back(looked_up.size() == 1 ? Expr(found) : Expr(found[static_cast<int>(v)]));
    }
    return Tuple(of_channel);
  };
  if (!copied) {
    e->of_channel(e->j, e->t, e->b) = Tuple(looked_up);
    e->all(e->i, e->t, e->b) = of(e->i / S);
    return;
  }
  // By sets: what is of a set is found once.
  e->sets = RDom(0, per_set, 0, slab / per_set, "sets");
  const RVar of_set = e->sets.x, set = e->sets.y;
  e->of_channel(e->j, e->t, e->b) = undefined(looked_up);
  e->of_channel(set * per_set + of_set, e->t, e->b) = Tuple(values(set * per_set + of_set, set));
  e->channels = RDom(0, S, 0, slab, "channels");
  const RVar s = e->channels.x, channel = e->channels.y;
  e->all(e->i, e->t, e->b) = undefined(looked_up);
  e->all(channel * S + s, e->t, e->b) = of(channel);
}

}  // namespace halogen
