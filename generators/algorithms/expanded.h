// Values of channels for lanes that run across channels: a copy for every i = j*S + s of a slab, from its channel j.
#ifndef HALOGEN_GENERATORS_EXPANDED_H
#define HALOGEN_GENERATORS_EXPANDED_H

#include <functional>

#include "Halide.h"

namespace halogen {

/// Values by channel, (j, t, b), and by position, (i, t, b).
struct Expanded {
  Halide::Var i{"i"}, j{"j"}, t{"t"}, b{"b"};
  Halide::RDom sets;      ///< channel of a set, set
  Halide::RDom channels;  ///< s, j
  Halide::Func of_channel{"of_channel"}, all{"expanded"};
};

/// `values` of channel j, of set j / per_set, at e's variables t and b; `slab` channels are whole sets. Not `copied`: each i looks up its
/// channel's, whose number is a division.
void expand(Expanded *e, const std::function<std::vector<Halide::Expr>(Halide::Expr j, Halide::Expr set)> &values,
            const Halide::Expr &slab, const Halide::Expr &S, const Halide::Expr &per_set, bool copied = true);

}  // namespace halogen
#endif
