#include "expanded_affine.h"

namespace halogen {

using namespace Halide;

void expand(ExpandedAffine *vars, const Expr &mean_hi, const Affine &affine, const Expr &slab, const Expr &S) {
  ExpandedAffine &e = *vars;
  e.of_channel(e.j, e.t, e.b) = Tuple(mean_hi, affine.scale, affine.shift);
  e.channels = RDom(0, S, 0, slab, "channels");
  const RVar s = e.channels.x, channel = e.channels.y;
  const FuncRef of = e.of_channel(channel, e.t, e.b);
  const Expr undefined = undef(mean_hi.type());
  e.all(e.i, e.t, e.b) = Tuple(undefined, undefined, undefined);
  e.all(channel * S + s, e.t, e.b) = Tuple(of[0], of[1], of[2]);
}

}  // namespace halogen
