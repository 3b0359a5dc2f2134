// Values of channels for lanes that run across channels: a copy for every i = j*S + s of a slab, from its channel j.
#ifndef HALOGEN_GENERATORS_EXPANDED_H
#define HALOGEN_GENERATORS_EXPANDED_H

#include "Halide.h"

namespace halogen {

/// Values by channel, (j, t, b), and by position, (i, t, b).
struct Expanded {
  Halide::Var i{"i"}, j{"j"}, t{"t"}, b{"b"};
  Halide::RDom channels;  ///< s, j
  Halide::Func of_channel{"of_channel"}, all{"expanded"};
};

/// `values` are functions of e's variables j, t and b. Not `copied`: each i looks up its channel's, whose number is a division.
void expand(Expanded *e, const std::vector<Halide::Expr> &values, const Halide::Expr &slab, const Halide::Expr &S,
            bool copied = true);

}  // namespace halogen
#endif
